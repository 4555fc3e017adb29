"""Where the tables of the market come from, and when it trades."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from angel_x.bootstrap import Application
from config.market import table
from tests.builders.markets import standing_market
from tests.builders.orders import Market
from tests.integration.settings.conftest import Build

_CHARGES = "SELECT sum(amount) FROM ledger_entries WHERE account = 'charges'"
HOLIDAY = date(2026, 11, 25)


def charges_of_a_lot(application: Application) -> Decimal:
    market = Market.open(application)
    accepted = market.accept(market.account("a"), market.request())
    application.trading.execution.run([a.order_id for a in accepted])
    with application.base.engine.connect() as connection:
        return Decimal(connection.exec_driver_sql(_CHARGES).scalar_one())


def test_tables_of_market_tables_replace_the_shipped_ones(built: Build, tmp_path: Path) -> None:
    holidays = [row for row in table("sessions")["holidays"] if row["date"] < f"{HOLIDAY}"]
    holidays.append({"date": f"{HOLIDAY}", "name": "Ours"})
    sessions = table("sessions") | {"holidays": holidays}
    free = {"from": "2024-01-01", "stt_sell": "0", "transaction": "0", "investor_protection": "0"}
    free |= {"sebi": "0", "stamp_buy": "0", "gst": "0", "brokerage_rupees": "7"}
    (tmp_path / "sessions.json").write_text(json.dumps(sessions))
    charges = table("charges") | {"source": "ours", "options": {"NSE": [free], "BSE": [free]}}
    (tmp_path / "charges.json").write_text(json.dumps(charges))

    application = built(MARKET_TABLES=str(tmp_path))

    assert application.base.calendar.day(HOLIDAY).reason == "Ours"
    assert charges_of_a_lot(application) == 7
    assert built().base.calendar.is_trading_day(HOLIDAY)


@pytest.mark.parametrize(("hours", "status"), [("exchange", "received"), ("always", "filled")])
def test_market_hours_decide_when_orders_trade_without_a_feed(
    built: Build, hours: str, status: str
) -> None:
    application = built(MARKET_HOURS=hours)
    market = Market.open(application)
    # A Saturday.
    at = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    application.market.feed_ports.beacon.show(standing_market(at, application.base.clock()))
    (order,) = market.accept(market.account(), market.request())

    application.trading.execution.run([order.order_id])

    assert market.statuses() == {order.order_id: status}


def test_a_market_around_the_clock_says_so_whatever_the_setting(built: Build) -> None:
    application = built(MARKET_HOURS="exchange")
    saturday = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
    state = standing_market(saturday, application.base.clock())

    application.market.feed_ports.beacon.show(replace(state, is_continuous=True))

    assert application.base.hours.is_open()
    assert application.base.hours.until_open() == timedelta()
