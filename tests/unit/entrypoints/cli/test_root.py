from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from angel_x.entrypoints.cli.root import COMMANDS, Refused, cli


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A command line in a home where nothing runs."""
    for name in ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "CACHE_URL"):
        monkeypatch.delenv(f"ANGEL_X_{name}", raising=False)
    monkeypatch.setenv("ANGEL_X_HOME", str(tmp_path))
    return CliRunner()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_explains_itself(runner: CliRunner, name: str) -> None:
    result = runner.invoke(cli, [name, "--help"])

    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_an_unknown_command_is_refused(runner: CliRunner) -> None:
    assert runner.invoke(cli, ["explode"]).exit_code == 2


@pytest.mark.parametrize(
    "arguments", [["orders"], ["positions"], ["chain", "NIFTY"], ["users", "list"]]
)
def test_where_no_system_runs_a_command_says_how_to_start_one(
    runner: CliRunner, arguments: list[str]
) -> None:
    result = runner.invoke(cli, arguments)

    assert result.exit_code == 1
    assert "angel-x up" in result.stderr
    assert result.stdout == ""


def test_a_process_says_which_address_it_lacks(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["worker", "orders"])

    assert result.exit_code == 2
    assert "ANGEL_X_BROKER_URL" in result.stderr


def test_an_unknown_setting_is_refused(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANGEL_X_API_PROT", "1")

    result = runner.invoke(cli, ["orders"])

    assert result.exit_code == 2
    assert "did you mean ANGEL_X_API_PORT" in result.stderr


def test_every_fault_of_an_order_file_is_printed_before_a_system_is_needed(
    runner: CliRunner, tmp_path: Path
) -> None:
    file = tmp_path / "orders.json"
    file.write_text('{"client_order_id": "a", "symbol": 1, "side": "HOLD", "quantity": 0}')

    result = runner.invoke(cli, ["submit", str(file), "--user", "demo"])

    assert result.exit_code == 2
    for field in ("symbol", "side", "quantity"):
        assert f"orders[0].{field}" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["up", "demo"])
def test_a_chain_that_is_no_file_is_refused_before_anything_starts(
    runner: CliRunner, command: str, tmp_path: Path
) -> None:
    result = runner.invoke(cli, [command, "--chain", str(tmp_path / "none.csv")])

    assert result.exit_code == 2
    assert "none.csv" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "inf"])
def test_a_speed_at_which_no_time_passes_is_refused(runner: CliRunner, speed: str) -> None:
    assert runner.invoke(cli, ["feed", "--speed", speed]).exit_code == 2
    assert runner.invoke(cli, ["up", "--speed", speed]).exit_code == 2


def test_the_commands_are_listed_by_what_they_are_for(runner: CliRunner) -> None:
    names = (
        "demo up chaos submit orders basket positions portfolio trades ledger contract-note "
        "greeks chain calendar contracts settle users keys limits kill-switch square-off audit "
        "status schedule api worker beat flower feed relay metrics db redis backup restore"
    )

    assert list(COMMANDS) == names.split()
    assert Refused.exit_code == 2
    assert runner.invoke(cli, ["--version"]).exit_code == 0
