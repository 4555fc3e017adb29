"""A short storm over live trading at a fake exchange, as the command runs it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from angel_x.adapters.clock import wall_clock
from angel_x.domain.calendar.session import IST
from tests.e2e.whole.instance import command, environment_of

pytestmark = pytest.mark.e2e

ORDERS, FAULTS = 40, 3
#: Seconds; generous, because machines that run tests run other things too.
DRAIN = 300


def test_a_storm_over_live_trading_leaves_equal_books_on_both_sides(tmp_path: Path) -> None:
    now = wall_clock().astimezone(IST)
    if (now + timedelta(minutes=15)).date() != now.date():
        pytest.skip("a confirmation of live trading ends at midnight in India")
    tmp_path.chmod(0o755)
    options = ("--orders", str(ORDERS), "--minutes", "0.1", "--faults", str(FAULTS), "--seed", "5")
    at_real_limits = ("--raise-limits", "1")

    shown = command(
        environment_of(tmp_path),
        *("chaos", "live", *options, *at_real_limits, "--drain-seconds", str(DRAIN), "--json"),
    )

    assert shown.out, shown.error
    report: dict[str, Any] = json.loads(shown.out)
    broken = {rule["name"]: rule["example"] for rule in report["rules"] if not rule["holds"]}
    assert (broken, shown.code) == ({}, 0)
    assert report["history"]["accepted"] == ORDERS
    assert report["reconciliation"]["differences"] == []
    assert report["exchange"]["faults"]
    assert report["exchange"]["over"] == {}
    assert len(report["rules"]) > 20
    assert list(tmp_path.rglob("chaos")) == []
