"""A future at the paper exchange: price bands, margin, charges and fills."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from angel_x.domain.book.ledger import LedgerAccount
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, Side
from tests.builders.markets import factory_on
from tests.builders.paper import CALL, LOT, MAX_AGE_SECONDS, UNIVERSE, Exchange

CONTRACT = factory_on(date(2026, 8, 19)).make_future("NIFTY", UNIVERSE.chains[0].expiry)
FUTURE = CONTRACT.symbol
#: Paise.
BID, ASK = 2_409_990, 2_410_000


@pytest.fixture
def exchange() -> Exchange:
    made = Exchange(universe=Universe([*UNIVERSE.contracts, CONTRACT]))
    made.quote(CALL)
    made.quote(FUTURE, bid=BID, ask=ASK, last=BID)
    return made


def decided(exchange: Exchange, side: Side = Side.BUY, limit: int | None = None) -> Order:
    order = exchange.order(side, limit=limit, symbol=FUTURE)
    exchange.decide(order)
    return exchange.orders[order.id]


def _charges(exchange: Exchange) -> list[Decimal]:
    entries = [entry for book in exchange.books for entry in book.entries]
    return [entry.amount for entry in entries if entry.account is LedgerAccount.CHARGES]


@pytest.mark.parametrize(("side", "price"), [(Side.BUY, ASK), (Side.SELL, BID)])
def test_it_trades_at_the_touch_and_holds_margin_instead_of_its_price(
    exchange: Exchange, side: Side, price: int
) -> None:
    order = decided(exchange, side)

    account, (charges,) = exchange.accounts[1], _charges(exchange)
    assert exchange.fills == [(order.id, LOT, price)]
    assert charges == Decimal("90.32" if side is Side.BUY else "842.24")
    # 9.3 % of the spot of 24,000, and 2 % of the middle of the quote, for 65 units.
    assert account.margin_used == Decimal("176409.94")


def test_its_price_band_is_two_percent(exchange: Exchange) -> None:
    outside, inside = decided(exchange, limit=2_458_200), decided(exchange, limit=2_458_100)

    assert (outside.status, outside.reason) == (OrderStatus.DENIED, DenialReason.PRICE_BAND)
    assert inside.status is OrderStatus.FILLED


@pytest.mark.parametrize("side", list(Side))
def test_neither_side_trades_without_a_price_of_the_underlying(
    exchange: Exchange, side: Side
) -> None:
    exchange.tell_spot(0)

    refused = decided(exchange, side)

    assert (refused.status, refused.reason) == (OrderStatus.DENIED, DenialReason.STALE_QUOTE)


def test_a_future_without_a_fresh_quote_has_no_margin(exchange: Exchange) -> None:
    exchange.clock.advance(MAX_AGE_SECONDS + 1)

    assert not exchange.sheets.of([FUTURE])[FUTURE].is_known
    exchange.restate()
    assert exchange.sheets.of([FUTURE])[FUTURE].is_known


def test_a_short_call_is_hedged_by_a_long_future(exchange: Exchange) -> None:
    exchange.decide(exchange.order(Side.SELL, symbol=CALL))
    naked = exchange.accounts[1].margin_used

    decided(exchange)

    # Half of the future stays without a hedge, and has exposure margin of its own.
    assert exchange.accounts[1].margin_used < naked + Decimal(LOT * 500)
