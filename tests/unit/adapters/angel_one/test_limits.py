"""The limits of requests: the shipped ones are the published ones, and a table replaces them by its dates."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from angel_x.adapters.angel_one.calls import Rate
from angel_x.adapters.angel_one.limits import limits_in_force
from config.market import table
from config.market.tables import MarketTables
from tests.builders.limits import shipped

#: Section 3 of the wire contract: requests a second, a minute and an hour; zero is no limit.
PUBLISHED = {
    Rate.LOGIN: (1, 0, 0),
    Rate.RENEWAL: (1, 0, 1000),
    Rate.LOGOUT: (1, 0, 0),
    Rate.PROFILE: (3, 0, 1000),
    Rate.FUNDS: (2, 0, 0),
    Rate.ORDERS: (9, 500, 1000),
    Rate.ORDER_BOOK: (1, 0, 0),
    Rate.DETAILS: (10, 500, 5000),
    Rate.TRADE_BOOK: (1, 0, 0),
    Rate.POSITIONS: (1, 0, 0),
    Rate.SEARCH: (1, 0, 0),
    Rate.QUOTE: (10, 500, 5000),
    Rate.MARGIN: (10, 500, 5000),
    Rate.CONVERSION: (10, 500, 5000),
    Rate.CANDLES: (3, 180, 5000),
    Rate.GREEKS: (1, 0, 0),
}


def test_the_limits_are_those_that_the_broker_publishes() -> None:
    spans = (1.0, 60.0, 3600.0)

    assert {
        rate: tuple(dict(shipped(rate)).get(span, 0) for span in spans) for rate in Rate
    } == PUBLISHED
    assert set(Rate) == set(PUBLISHED)


def test_a_table_of_the_user_replaces_the_limits_from_its_day_in_india_on(tmp_path: Path) -> None:
    content = table("broker_limits")
    content["limits"]["orders"].append({"from": "2026-12-01", "second": 20})
    (tmp_path / "broker_limits.json").write_text(json.dumps(content))
    now = [datetime(2026, 11, 30, 18, 29, tzinfo=UTC)]
    tables = MarketTables(tmp_path, today=lambda: 1, refused=lambda _error: None)
    limits = limits_in_force(tables, lambda: now[0])

    assert limits(Rate.ORDERS) == ((1.0, 9), (60.0, 500), (3600.0, 1000))
    now[0] = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)
    assert limits(Rate.ORDERS) == ((1.0, 20),)
    assert limits(Rate.FUNDS) == ((1.0, 2),)
