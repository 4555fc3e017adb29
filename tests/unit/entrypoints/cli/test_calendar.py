"""The calendar at the command line, which needs no running system."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from angel_x.entrypoints.cli.root import cli
from config.market import table


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("ANGEL_X_HOME", str(tmp_path))
    return CliRunner()


@pytest.mark.parametrize(
    ("day", "opens", "closes", "reason"),
    [
        ("2026-02-01", "09:15", "15:30", "Union budget"),
        ("2026-08-03", "09:15", "15:40", None),
        ("2025-10-21", "13:45", "14:45", "Muhurat"),
    ],
)
def test_a_day_with_a_session_has_its_hours_in_india(
    runner: CliRunner, day: str, opens: str, closes: str, reason: str | None
) -> None:
    result = runner.invoke(cli, ["calendar", day, "--json"])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "date": day,
        "open": True,
        "opens_at": f"{day}T{opens}:00+05:30",
        "closes_at": f"{day}T{closes}:00+05:30",
        "provisional": False,
        "reason": reason,
    }


def test_a_holiday_beyond_the_lists_is_closed_and_provisional(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["calendar", "2027-08-15", "--json"])

    found = json.loads(result.stdout)
    assert (found["open"], found["opens_at"], found["closes_at"]) == (False, None, None)
    assert (found["provisional"], found["reason"]) == (True, "Independence Day")


def test_an_unknown_day_exits_with_one(runner: CliRunner) -> None:
    result = runner.invoke(cli, ["calendar", "2023-12-29", "--json"])

    assert (result.exit_code, result.stdout) == (1, "")
    assert "2023-12-29" in result.stderr


@pytest.mark.parametrize("day", ["2026-02-30", "tomorrow"])
def test_a_day_that_does_not_exist_is_invalid(runner: CliRunner, day: str) -> None:
    assert runner.invoke(cli, ["calendar", day]).exit_code == 2


def test_people_see_the_mark_and_the_special_days_of_a_year(runner: CliRunner) -> None:
    today = runner.invoke(cli, ["calendar"])
    later = runner.invoke(cli, ["calendar", "2027-03-01"])
    year = runner.invoke(cli, ["calendar", "--year", "2025"])

    assert today.exit_code == 0
    assert "provisional" in later.stdout
    assert "Union budget" in year.stdout
    assert "weekend" not in year.stdout
    assert "Provisional" in runner.invoke(cli, ["calendar", "--year", "2027"]).stdout
    days = json.loads(runner.invoke(cli, ["calendar", "--year", "2025", "--json"]).stdout)["days"]
    assert len(days) == 365


def test_a_wrong_table_of_the_directory_is_refused(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sessions.json").write_text(
        json.dumps(table("sessions") | {"published_until": "soon"})
    )
    monkeypatch.setenv("ANGEL_X_MARKET_TABLES", str(tmp_path))

    result = runner.invoke(cli, ["calendar", "2026-02-01"])

    assert result.exit_code == 2
    assert 'sessions.json, published_until: Invalid RFC3339 encoded date, was "soon"' in (
        result.stderr
    )
