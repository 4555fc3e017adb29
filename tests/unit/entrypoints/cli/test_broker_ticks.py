from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from angel_x.entrypoints.cli.broker_ticks import WatchedInstrument, WatchReport, show_report

QUOTED = WatchedInstrument(
    token="40921",
    at=datetime(2026, 8, 19, 4, 15, 30, 250_000, tzinfo=UTC),
    bid=Decimal("1234.50"),
    ask=Decimal("1235.05"),
    last=Decimal("1234.55"),
    bid_size=1300,
    ask_size=65,
    open_interest=1_053_058_500,
    volume=0,
)


def report(**changes: Any) -> WatchReport:
    given = {
        "seconds": 2.0,
        "ticks": 1,
        "connections": 1,
        "dropped": 0,
        "left_out": {},
        "errors": {},
        "instruments": [QUOTED],
    }
    return WatchReport(**{**given, **changes})


def test_people_see_prices_in_rupees_and_times_in_india(capsys: pytest.CaptureFixture[str]) -> None:
    silent = WatchedInstrument("7", None, Decimal(0), Decimal(0), Decimal(0), 0, 0, 0, 0)

    show_report(report(instruments=[QUOTED, silent], left_out={"length": 2, "mode": 1}))

    shown = capsys.readouterr().out
    for text in (
        "09:45:30.250",
        "1,234.50",
        "1,235.05",
        "1,05,30,58,500",
        "no tick",
        "Left out: 3.",
    ):
        assert text in shown


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"connections": 0}, "no connection was made"),
        ({"errors": {"E1002": 1}}, "the broker reported E1002"),
        ({}, "the tokens may be wrong, or their market closed"),
    ],
)
def test_a_watch_without_ticks_has_a_reason(changes: dict[str, Any], reason: str) -> None:
    assert report(ticks=0, **changes).reason == reason
