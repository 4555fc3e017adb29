"""Options on stocks: shown with their obligation, closed before delivery, never settled like an index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from angel_x.adapters.opening_files import read_openings
from angel_x.bootstrap import Application
from angel_x.domain.contracts.contract import Contract, Right, format_symbol
from angel_x.domain.contracts.delivery import Delivery
from angel_x.domain.contracts.universe import Universe
from angel_x.errors import InvalidOpenings
from tests.builders.markets import standing_market
from tests.builders.orders import Market

LOT, STRIKE = 1425, Decimal(400)


def stock_option(application: Application) -> Contract:
    """A call on a stock that expires a fortnight ahead."""
    day = application.base.clock().date() + timedelta(days=15)
    expiry = application.base.calendar.trading_day_on_or_before(day)
    return Contract(
        format_symbol("BEL", expiry, STRIKE, Right.CALL), "BEL", expiry, STRIKE, Right.CALL, LOT,
        Decimal("0.05"), 100_000, application.base.calendar.expires_at(expiry),
    )  # fmt: skip


@pytest.fixture
def market(application: Application) -> Market:
    contract, listing = stock_option(application), application.market.contracts
    listing.store.replace(Universe([contract]))
    listing.publish(application.market.universes.current().version)
    market = Market(application, (contract.symbol,))
    set_market(market, contract.expires_at - timedelta(days=12))
    market.spot(Decimal(410))
    market.quote(contract.symbol, "14.00", "14.05")
    market.publish_risk(Decimal(410))
    return market


def set_market(market: Market, at: datetime) -> None:
    application = market.application
    application.market.feed_ports.beacon.show(standing_market(at, application.base.clock()))
    application.base.market_clock._read_at = datetime.min.replace(tzinfo=UTC)


def begins(market: Market) -> datetime:
    """Return an hour after the opening of the first day of the delivery period."""
    contract = stock_option(market.application)
    day = market.application.market.delivery().closes_on("BEL", contract.expiry)
    assert day is not None
    session = market.application.base.calendar.session(day)
    assert session is not None
    return session.opens_at + timedelta(hours=1)


def load(market: Market, user: int, folder: Path) -> None:
    path = folder / "book.csv"
    rows = f"symbol,product,quantity,average_price\n{market.symbols[0]},,{LOT},12.50\n"
    path.write_text(rows, encoding="utf-8")
    market.application.trading.openings.load(user, read_openings(path), path.name, "cli:me")


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_a_position_shows_its_obligation_and_is_closed_when_its_period_begins(
    market: Market, tmp_path: Path
) -> None:
    application, user = market.application, market.account()
    load(market, user, tmp_path)
    [held] = application.analytics.portfolios.marked(application.people.reading.positions(user))
    assert held.delivery == Delivery(
        shares=LOT, amount=STRIKE * LOT, closes_on=begins(market).date()
    )
    set_market(market, begins(market) - timedelta(days=1))
    assert application.workflows.delivery_close.run() == 0

    set_market(market, begins(market))
    market.quote(market.symbols[0], "14.00", "14.05")
    assert application.workflows.delivery_close.run() == 1
    assert application.workflows.delivery_close.run() == 0
    [(workflow_id,)] = rows(market, "SELECT id FROM workflows")
    application.workflows.advance.run(workflow_id)

    assert application.people.reading.positions(user) == []
    market.assert_invariants()


def test_a_position_in_its_period_is_not_imported(market: Market, tmp_path: Path) -> None:
    user = market.account()
    set_market(market, begins(market))

    with pytest.raises(InvalidOpenings, match="must not be in its delivery period"):
        load(market, user, tmp_path)


def test_an_expired_position_is_not_settled_at_a_level_of_the_feed(
    market: Market, tmp_path: Path
) -> None:
    application, user = market.application, market.account()
    load(market, user, tmp_path)
    contract = stock_option(application)
    set_market(market, contract.expires_at + timedelta(seconds=1))
    market.spot(Decimal(410))

    report = application.trading.settlement.run()

    assert (report.positions, report.waiting) == (0, (f"BEL {contract.expiry}",))
    assert len(application.people.reading.positions(user)) == 1
