"""Limits that are raised for a rehearsal are a sound market table."""

from __future__ import annotations

from pathlib import Path

from angel_x.adapters.angel_one.calls import Rate
from angel_x.adapters.angel_one.limits import limits_in_force
from angel_x.adapters.clock import wall_clock
from angel_x.rehearsal.chaos import raised_limits
from config.market.tables import MarketTables
from tests.builders.limits import shipped


def test_every_limit_of_every_call_is_raised_and_no_limit_stays_none(tmp_path: Path) -> None:
    raised_limits.write(tmp_path, 25)
    tables = MarketTables(tmp_path, today=lambda: 1, refused=lambda _error: None)
    limits = limits_in_force(tables, wall_clock)

    assert {rate: limits(rate) for rate in Rate} == {
        rate: tuple((span, 25 * most) for span, most in shipped(rate)) for rate in Rate
    }
    assert limits(Rate.ORDERS) == ((1.0, 225), (60.0, 12_500), (3600.0, 25_000))
