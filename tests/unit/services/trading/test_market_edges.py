"""The paper exchange at its edges: prices that just meet, and times that are just over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, Side
from tests.builders.paper import CALL, FULL_SECONDS, LOT, MAX_AGE_SECONDS, PUT, UNIVERSE, Exchange

BUY, SELL = Side.BUY, Side.SELL
MILLISECOND = timedelta(milliseconds=1)


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.quote(CALL)
    exchange.quote(PUT)
    return exchange


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("limit", [None, 10_000])
def test_a_locked_market_trades_at_its_one_price(
    exchange: Exchange, side: Side, limit: int | None
) -> None:
    exchange.quote(bid=10_000, ask=10_000, last=10_000)

    exchange.decide(exchange.order(side, limit=limit))

    assert exchange.fills == [(1, LOT, 10_000)]


@pytest.mark.parametrize(
    ("side", "limit", "price"),
    [(BUY, 10_050, 10_050), (BUY, 10_045, None), (SELL, 10_000, 10_000), (SELL, 10_005, None)],
)
def test_a_limit_trades_at_the_touch_and_rests_a_tick_short_of_it(
    exchange: Exchange, side: Side, limit: int, price: int | None
) -> None:
    order = exchange.order(side, limit=limit)

    exchange.decide(order)

    assert exchange.fills == ([] if price is None else [(1, LOT, price)])
    assert order.status is (OrderStatus.WORKING if price is None else OrderStatus.FILLED)


@pytest.mark.parametrize(
    ("side", "trigger", "is_alive"),
    [(BUY, 10_000, True), (BUY, 10_005, False), (SELL, 10_000, True), (SELL, 9_995, False)],
)
def test_a_stop_comes_alive_at_the_last_price_and_waits_a_tick_short_of_it(
    exchange: Exchange, side: Side, trigger: int, *, is_alive: bool
) -> None:
    exchange.trigger_at_once(allowed=True)
    order = exchange.order(side, limit=10_100 if side is BUY else 9_900, trigger=trigger)

    exchange.decide(order)

    assert order.status is (OrderStatus.FILLED if is_alive else OrderStatus.TRIGGER_PENDING)
    assert len(exchange.fills) == is_alive


@pytest.mark.parametrize(("late", "is_fresh"), [(0, True), (1, False)])
def test_an_order_at_market_needs_a_quote_of_its_longest_age_at_most(
    exchange: Exchange, late: int, *, is_fresh: bool
) -> None:
    exchange.quote()
    exchange.clock.now += timedelta(seconds=MAX_AGE_SECONDS) + late * MILLISECOND
    exchange.tell_spot()

    (terms,) = exchange.decide(exchange.order())

    assert terms.denial is (None if is_fresh else DenialReason.STALE_QUOTE)
    assert len(exchange.fills) == is_fresh


@pytest.mark.parametrize(("late", "is_fresh"), [(0, True), (1, False)])
def test_a_sale_needs_a_spot_of_its_longest_age_at_most(
    exchange: Exchange, late: int, *, is_fresh: bool
) -> None:
    exchange.tell_spot()
    exchange.clock.now += timedelta(seconds=MAX_AGE_SECONDS) + late * MILLISECOND
    # A thousandth of a second passes with every quote.
    exchange.clock.now -= MILLISECOND
    exchange.quote()

    sold, bought = exchange.market.terms([exchange.order(SELL), exchange.order(BUY)])

    assert sold.denial is (None if is_fresh else DenialReason.STALE_QUOTE)
    assert bought.denial is None


@pytest.mark.parametrize(("left", "is_expired"), [(-1, True), (0, True), (1, False)])
def test_a_contract_trades_until_its_last_instant_and_not_at_it(
    exchange: Exchange, left: int, *, is_expired: bool
) -> None:
    exchange.clock.now = UNIVERSE.contracts[UNIVERSE.rows[CALL]].expires_at - 2 * MILLISECOND
    exchange.quote()
    exchange.tell_spot()
    exchange.clock.now += MILLISECOND - left * MILLISECOND

    (terms,) = exchange.decide(exchange.order())

    assert terms.denial is (DenialReason.CONTRACT_EXPIRED if is_expired else None)
    assert len(exchange.fills) == (not is_expired)


@pytest.mark.parametrize(
    ("last", "limit", "is_taken"),
    [
        # Twenty rupees up to fifty, forty percent above; outward by a tick is outside.
        (5_000, 3_000, True),
        (5_000, 2_995, False),
        (5_000, 7_000, True),
        (5_000, 7_005, False),
        (10_000, 6_000, True),
        (10_000, 5_995, False),
        (10_000, 14_000, True),
        (10_000, 14_005, False),
    ],
)
def test_a_limit_on_the_band_is_taken_and_a_tick_beyond_it_is_not(
    exchange: Exchange, last: int, limit: int, *, is_taken: bool
) -> None:
    exchange.quote(bid=last - 5, ask=last + 5, last=last)

    (terms,) = exchange.market.terms([exchange.order(limit=limit)])

    assert terms.denial is (None if is_taken else DenialReason.PRICE_BAND)


@pytest.mark.parametrize(("ask", "price"), [(10_200, 10_200), (10_205, None)])
def test_an_order_at_market_trades_up_to_its_protection(
    exchange: Exchange, ask: int, price: int | None
) -> None:
    exchange.quote(ask=ask)

    exchange.decide(exchange.order())

    assert exchange.fills == ([] if price is None else [(1, LOT, price)])


def test_a_displayed_size_of_exactly_what_is_wanted_is_taken_whole(exchange: Exchange) -> None:
    first, second = exchange.order(lots=10), exchange.order()

    exchange.decide(first, second)

    assert (first.filled_quantity, second.filled_quantity) == (10 * LOT, 0)


def rest(exchange: Exchange) -> Order:
    order = exchange.order(limit=9_900)
    exchange.decide(order)
    exchange.matching.run()
    exchange.searches.clear()
    return order


@pytest.mark.parametrize(
    ("left", "status"),
    [
        (-MILLISECOND, OrderStatus.EXPIRED),
        (0 * MILLISECOND, OrderStatus.EXPIRED),
        (MILLISECOND, OrderStatus.FILLED),
    ],
)
def test_an_order_that_rests_is_valid_until_its_hour_and_not_at_it(
    exchange: Exchange, left: timedelta, status: OrderStatus
) -> None:
    order = rest(exchange)
    exchange.quote(ask=9_900, bid=9_800, last=9_850)
    order.valid_until = exchange.clock() + left

    exchange.matching.run()

    assert order.status is status
    assert exchange.fills == ([(1, LOT, 9_900)] if status is OrderStatus.FILLED else [])
    if status is OrderStatus.EXPIRED:
        assert order.reserved == Decimal(0)


@pytest.mark.parametrize(("late", "is_full"), [(-MILLISECOND, False), (0 * MILLISECOND, True)])
def test_everything_is_looked_at_once_the_full_seconds_are_over(
    exchange: Exchange, late: timedelta, *, is_full: bool
) -> None:
    rest(exchange)
    # Whole seconds, so that the clock counts the pause exactly.
    exchange.clock.now = exchange.clock.now.replace(microsecond=0) + timedelta(seconds=10)
    exchange.matching.run()
    exchange.searches.clear()

    exchange.clock.now += timedelta(seconds=FULL_SECONDS) + late
    exchange.matching.run()

    assert exchange.searches == ([None] if is_full else [])


@pytest.mark.parametrize(("most", "searched"), [(1, [[CALL]]), (0, [None])])
def test_as_many_contracts_as_may_be_named_are_named(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, most: int, searched: list[list[str] | None]
) -> None:
    monkeypatch.setattr("angel_x.services.trading.reached_orders._MOST_NAMED", most)
    rest(exchange)

    exchange.quote(CALL, ask=10_055)
    exchange.matching.run()

    assert exchange.searches == searched


def test_a_contract_that_was_never_quoted_has_no_quote_rather_than_an_old_one() -> None:
    exchange = Exchange()

    (terms,) = exchange.decide(exchange.order())

    assert terms.denial is DenialReason.NO_QUOTE
    assert exchange.fills == []


@pytest.mark.parametrize(("limit", "is_taken"), [(2_000, True), (2_005, False)])
def test_a_last_price_of_one_paisa_is_a_reference(
    exchange: Exchange, limit: int, *, is_taken: bool
) -> None:
    exchange.quote(bid=0, ask=0, last=1)

    (terms,) = exchange.market.terms([exchange.order(limit=limit)])

    assert terms.denial is (None if is_taken else DenialReason.PRICE_BAND)


@pytest.mark.parametrize(
    ("paise", "reason"), [(0, DenialReason.STALE_QUOTE), (1, None), (2_400_000, None)]
)
def test_a_spot_of_one_paisa_is_a_spot(
    exchange: Exchange, paise: int, reason: DenialReason | None
) -> None:
    exchange.tell_spot(paise)

    (terms,) = exchange.market.terms([exchange.order(SELL)])

    assert terms.denial is reason


def test_only_what_trades_has_a_price_and_only_what_is_listed_an_underlying(
    exchange: Exchange,
) -> None:
    trades, rests = exchange.order(), exchange.order(limit=9_900)
    unlisted = replace(exchange.order(), symbol="NIFTY_25AUG26_1CE")
    last = exchange.order(lots=9)
    beyond = exchange.order()

    found = exchange.market.terms([trades, rests, unlisted, last, beyond])

    assert [(t.fill_price, t.fill_quantity) for t in found] == [
        (Decimal("100.50"), LOT),
        (None, 0),
        (None, 0),
        (Decimal("100.50"), 9 * LOT),
        (None, 0),
    ]
    assert [t.underlying for t in found] == ["NIFTY", "NIFTY", "", "NIFTY", "NIFTY"]
    assert [t.denial for t in found] == [None, None, DenialReason.UNKNOWN_CONTRACT, None, None]


def test_each_order_meets_the_quote_of_its_own_contract(exchange: Exchange) -> None:
    exchange.quote(PUT, bid=4_995, ask=5_005, last=5_000)

    found = exchange.market.terms([exchange.order(), exchange.order(symbol=PUT)])

    assert [t.fill_price for t in found] == [Decimal("100.50"), Decimal("50.05")]


def test_a_stop_does_not_come_alive_on_a_quote_that_is_old(exchange: Exchange) -> None:
    exchange.clock.advance(MAX_AGE_SECONDS + 1)
    exchange.tell_spot()
    sale = exchange.order(SELL, limit=9_900, trigger=10_000)

    exchange.decide(sale)

    assert sale.status is OrderStatus.TRIGGER_PENDING
    assert exchange.fills == []


def test_a_sale_that_holds_its_margin_trades_without_a_spot_and_is_amended_with_one(
    exchange: Exchange,
) -> None:
    sale = exchange.order(SELL, limit=10_200)
    exchange.decide(sale)
    exchange.tell_spot(0)

    (matched,) = exchange.market.terms([sale])
    (amended,) = exchange.market.preview([sale])

    assert matched.denial is None
    assert amended.denial is DenialReason.STALE_QUOTE
