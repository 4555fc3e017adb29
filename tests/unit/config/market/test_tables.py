"""Tables of a user's directory: validated as a whole, and read again at the beginning of a day."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from angel_x.domain.calendar.session import SessionTable, TradingCalendar
from config.market import table
from config.market.shapes import SHAPES
from config.market.tables import MarketTables, TableError
from tests.unit.config.market.listings import TABLES

DIWALI = date(2027, 10, 29)


class Days:
    """A count of days, and the errors that were told."""

    def __init__(self) -> None:
        self.today = 1
        self.told: list[str] = []

    def __call__(self) -> int:
        return self.today

    def tables(self, folder: Path | None) -> MarketTables:
        return MarketTables(folder, today=self, refused=lambda e: self.told.append(str(e)))


@pytest.fixture
def days() -> Days:
    return Days()


def changed(name: str, **values: Any) -> str:
    return json.dumps(table(name) | values)


def with_diwali() -> str:
    holidays = [*table("sessions")["holidays"], {"date": f"{DIWALI}", "name": "Diwali"}]
    return changed("sessions", holidays=holidays, published_until="2027-12-31")


def test_every_table_has_a_shape() -> None:
    assert tuple(SHAPES) == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_the_shipped_tables_have_their_shape(name: str, days: Days, tmp_path: Path) -> None:
    (tmp_path / f"{name}.json").write_text(json.dumps(table(name)))

    assert days.tables(tmp_path).read(name) == table(name)


def test_without_a_directory_the_shipped_tables_are_in_force(days: Days) -> None:
    tables = days.tables(None)

    assert {name: tables.read(name) for name in TABLES} == {name: table(name) for name in TABLES}


def test_a_table_of_the_directory_replaces_the_shipped_one(days: Days, tmp_path: Path) -> None:
    (tmp_path / "sessions.json").write_text(with_diwali())
    (tmp_path / "README.txt").write_text("not a table")

    calendar = TradingCalendar(days.tables(tmp_path).rule(SessionTable.parse, "sessions"))

    assert calendar.day(DIWALI).reason == "Diwali"
    assert not calendar.is_provisional(DIWALI)


def test_a_new_file_is_in_force_from_the_beginning_of_the_next_day(
    days: Days, tmp_path: Path
) -> None:
    calendar = TradingCalendar(days.tables(tmp_path).rule(SessionTable.parse, "sessions"))
    (tmp_path / "sessions.json").write_text(with_diwali())

    assert calendar.is_trading_day(DIWALI)
    days.today += 1
    assert not calendar.is_trading_day(DIWALI)
    (tmp_path / "sessions.json").unlink()
    assert not calendar.is_trading_day(DIWALI)
    days.today += 1
    assert calendar.is_trading_day(DIWALI)


def test_a_wrong_file_at_the_beginning_of_a_day_leaves_the_table_in_force(
    days: Days, tmp_path: Path
) -> None:
    (tmp_path / "sessions.json").write_text(with_diwali())
    tables = days.tables(tmp_path)
    before = tables.read("sessions")
    (tmp_path / "sessions.json").write_text("{")
    (tmp_path / "rates.json").write_text(changed("rates", source="ours"))
    days.today += 1

    assert tables.read("sessions") is before
    assert tables.read("rates")["source"] == "ours"
    (told,) = days.told
    assert told.startswith("sessions.json: must be JSON")


def test_a_rule_is_made_once_for_each_table(days: Days, tmp_path: Path) -> None:
    made: list[Any] = []
    rule = days.tables(tmp_path).rule(made.append, "rates")
    rule()
    rule()
    days.today += 1
    rule()

    assert made == [table("rates")]
    (tmp_path / "rates.json").write_text(changed("rates", source="ours"))
    days.today += 1
    rule()
    assert [each["source"] for each in made[1:]] == ["ours"]


def rows(name: str, *keys: str) -> list[dict[str, Any]]:
    found = table(name)
    for key in keys:
        found = found[key]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("sessions", "[]", "sessions.json: Expected `object`, got `array`"),
        (
            "sessions",
            changed("sessions", holidays=[{"date": "2026-02-30", "name": "Holi"}]),
            'sessions.json, holidays[0].date: Invalid RFC3339 encoded date, was "2026-02-30"',
        ),
        (
            "sessions",
            changed("sessions", holidays=[*rows("sessions", "holidays")[:2]][::-1]),
            "sessions.json, holidays[1].date: must be after 2024-01-26, was 2024-01-22",
        ),
        (
            "sessions",
            changed("sessions", hours=[{"from": "2000-01-01", "open": "15:30", "close": "09:15"}]),
            "sessions.json, hours[0].close: must follow the other times, was 09:15",
        ),
        (
            "sessions",
            changed("sessions", published_until="2023-12-31"),
            "sessions.json, published_until: must not be before known_from, was 2023-12-31",
        ),
        (
            "sessions",
            changed("sessions", holiday=[]),
            "sessions.json: Object contains unknown field `holiday`",
        ),
        (
            "charges",
            changed("charges", options={"NSE": rows("charges", "options", "NSE")}),
            "charges.json, options: Object missing required field `BSE`",
        ),
        (
            "intraday",
            changed("intraday", cutoff=[{"from": "2024-01-01", "minutes_before_close": -1}]),
            "intraday.json, cutoff[0].minutes_before_close: Expected `int` >= 0, was -1",
        ),
        (
            "contracts",
            changed("contracts", expiry_weekday={"NSE": [{"from": "2024-01-01", "weekday": 1}]}),
            "contracts.json, expiry_weekday: must have the weekdays of BSE",
        ),
        (
            "contracts",
            changed(
                "contracts", future_tick_size={"NIFTY": [{"from": "2024-01-01", "rupees": "0.00"}]}
            ),
            "contracts.json, future_tick_size[...][0].rupees: Expected `str` matching regex",
        ),
        (
            "contracts",
            changed("contracts", tick_size="0"),
            "contracts.json, tick_size: Expected `str` matching regex",
        ),
        (
            "contracts",
            changed("contracts", freeze_quantity={}),
            "contracts.json, lot_size: BANKEX must have both a lot size and a freeze quantity",
        ),
        (
            "volatility",
            changed("volatility", daily={"NIFTY": [{"from": "2026-11-30", "percent": "0.0121"}]}),
            "volatility.json, daily[...][0].percent: Expected `str` matching regex",
        ),
        (
            "volatility",
            changed("volatility", daily={"NIFTY": [{"from": "2026-11-30", "percent": "1"}] * 2}),
            "volatility.json, daily.NIFTY[1].from: must be after 2026-11-30, was 2026-11-30",
        ),
        (
            "volatility",
            changed("volatility", daily={"Nifty": [{"from": "2026-11-30", "percent": "1"}]}),
            "volatility.json: Expected `str` matching regex",
        ),
    ],
)
def test_a_wrong_table_is_refused_with_file_place_and_value(
    name: str, content: str, error: str, days: Days, tmp_path: Path
) -> None:
    (tmp_path / f"{name}.json").write_text(content)

    with pytest.raises(TableError) as refused:
        days.tables(tmp_path)

    assert str(refused.value).startswith(error)


def test_a_file_that_is_no_table_is_refused_by_its_name(days: Days, tmp_path: Path) -> None:
    (tmp_path / "holidays.json").write_text("{}")

    with pytest.raises(TableError, match=r"holidays\.json: must be named as a table"):
        days.tables(tmp_path)


def test_a_directory_that_is_not_there_is_refused(days: Days, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="cannot be read"):
        days.tables(tmp_path / "none")
