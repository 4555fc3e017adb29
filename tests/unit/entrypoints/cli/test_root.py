from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from angel_x.entrypoints.cli.root import COMMANDS, Refused, cli

#: Modules that take long to import, and that help needs none of.
HEAVY = {
    "alembic", "celery", "fastapi", "kombu", "numpy", "prometheus_client", "psycopg2", "redis", "rich",
    "sqlalchemy", "structlog", "uvicorn", "angel_x.bootstrap",
}  # fmt: skip


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


def test_help_has_the_first_sentence_of_each_command(runner: CliRunner) -> None:
    context = click.Context(cli)
    first = {name: cli.get_command(context, name) for name in COMMANDS}

    assert {n: c.get_short_help_str(300) for n, c in first.items() if c} == {
        name: place.help for name, place in COMMANDS.items()
    }


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_every_command_and_imports_none(option: str) -> None:
    script = (
        "import sys; from angel_x.entrypoints.cli import main\n"
        f"try: sys.argv = ['angel-x', {option!r}]; main()\n"
        f"finally: print(sorted({HEAVY!r} & sys.modules.keys()), file=sys.stderr)"
    )

    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert shown.stderr.strip() == "[]"
    lines = shown.stdout.partition("Commands:")[2].splitlines()
    assert {line.split()[0] for line in lines if re.match(r"  \w", line)} == COMMANDS.keys()


@pytest.mark.parametrize("words", [["-h"], ["orders", "-h"], ["db", "-h"], ["db", "size", "-h"]])
def test_the_short_option_shows_help_everywhere(runner: CliRunner, words: list[str]) -> None:
    long = [*words[:-1], "--help"]

    assert runner.invoke(cli, words).output == runner.invoke(cli, long).output
    assert "Usage:" in runner.invoke(cli, words).output


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["odrers"], "'orders'"),
        (["square-of"], "'square-off'"),
        (["db", "exlpain"], "'explain'"),
        (["limits", "sett"], "'set'"),
        (["orders", "--sybmol", "x"], "'--symbol'"),
    ],
)
def test_a_misspelled_word_is_refused_with_the_one_that_was_meant(
    runner: CliRunner, words: list[str], meant: str
) -> None:
    result = runner.invoke(cli, words)

    assert result.exit_code == 2
    assert "id you mean" in result.stderr
    assert meant in result.stderr


@pytest.mark.parametrize("symbol", ["NIFTY", "NIFTY_32AUG26_24000CE", "", "NIFTY_25AUG26_24000"])
def test_a_name_that_no_contract_can_have_is_an_invalid_request(
    runner: CliRunner, symbol: str
) -> None:
    result = runner.invoke(cli, ["greeks", symbol])

    assert result.exit_code == 2
    assert "symbol must" in result.stderr


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("angel-x do", ["doctor"]),
        ("angel-x db s", ["size", "slow-queries"]),
        ("angel-x doctor --", ["--fix", "--strict", "--rebuild", "--json", "--help"]),
        ("angel-x worker o", ["orders"]),
    ],
)
def test_a_shell_completes_commands_options_and_choices(
    runner: CliRunner, words: str, offered: list[str]
) -> None:
    place = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}

    shown = runner.invoke(
        cli, [], prog_name="angel-x", env={**place, "_ANGEL_X_COMPLETE": "bash_complete"}
    )

    assert [line.partition(",")[2] for line in shown.output.splitlines()] == offered


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
        "demo up chaos soak submit orders basket positions portfolio trades fills ledger scenarios contract-note pnl "
        "equity greeks chain calendar contracts settle span users keys limits kill-switch square-off alerts telegram audit "
        "status top schedule api worker beat flower desk feed relay metrics live broker shadow fake-exchange bench db redis openings export doctor reports profile backup "
        "restore"
    )

    assert list(COMMANDS) == names.split()
    assert Refused.exit_code == 2
    assert runner.invoke(cli, ["--version"]).exit_code == 0
