"""What the paper exchange offers to a batch, on boards in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np
import pytest
from numpy.typing import NDArray

from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.matching import ORDER
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, Side, Validity
from angel_x.domain.values.money import rupees
from tests.builders.chains import make_universe
from tests.builders.paper import CALL, LOT, MAX_AGE_SECONDS, PUT, Exchange


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.quote(CALL)
    exchange.quote(PUT)
    return exchange


def test_a_purchase_trades_at_the_ask_and_a_sale_at_the_bid(exchange: Exchange) -> None:
    bought, sold = exchange.order(Side.BUY), exchange.order(Side.SELL)

    buying, selling = exchange.market.terms([bought, sold])

    assert (buying.fill_price, buying.fill_quantity) == (Decimal("100.50"), LOT)
    assert (selling.fill_price, selling.fill_quantity) == (Decimal("100.00"), LOT)
    assert buying.denial is selling.denial is None
    assert buying.underlying == "NIFTY"
    assert buying.reference == Decimal("100.00")


def test_an_order_at_market_gets_a_limit_within_its_slab_of_the_last_price(
    exchange: Exchange,
) -> None:
    exchange.quote(last=20_000, bid=19_995, ask=20_005)

    buying, selling = exchange.market.terms([exchange.order(), exchange.order(Side.SELL)])

    assert (buying.limit_price, selling.limit_price) == (Decimal("204.00"), Decimal("196.00"))


def test_an_order_at_market_never_trades_beyond_its_protection(exchange: Exchange) -> None:
    exchange.quote(last=10_000, bid=9_000, ask=10_205)
    order = exchange.order()

    (terms,) = exchange.decide(order)

    assert terms.fill_price is None
    assert terms.denial is None
    assert (order.status, order.limit_price) == (OrderStatus.WORKING, Decimal("102.00"))
    assert exchange.fills == []


def test_what_an_order_at_market_does_not_find_rests_at_its_protection(exchange: Exchange) -> None:
    order = exchange.order(lots=14)

    exchange.decide(order)

    assert order.status is OrderStatus.PARTIALLY_FILLED
    assert order.filled_quantity == 10 * LOT
    assert order.limit_price == Decimal("102.00")


def test_immediate_or_cancel_gives_up_what_is_not_displayed(exchange: Exchange) -> None:
    order = exchange.order(lots=14, validity=Validity.IOC)

    exchange.decide(order)

    assert (order.status, order.filled_quantity) == (OrderStatus.CANCELED, 10 * LOT)


def test_a_displayed_size_is_traded_once_across_batches(exchange: Exchange) -> None:
    first, second = exchange.order(lots=8), exchange.order(lots=8)

    exchange.decide(first)
    exchange.restate()
    exchange.decide(second)

    assert [o.filled_quantity // LOT for o in (first, second)] == [8, 2]


@pytest.mark.parametrize("change", [{"ask": 10_055}, {"ask_size": 9 * LOT}, {"volume": LOT}])
def test_another_price_size_or_volume_is_another_quote(
    exchange: Exchange, change: dict[str, int]
) -> None:
    exchange.decide(exchange.order(lots=10))
    late = exchange.order(lots=5)

    exchange.quote(CALL, **change)
    exchange.decide(late)

    assert late.status is OrderStatus.FILLED


def test_both_sides_of_a_quote_are_taken_apart(exchange: Exchange) -> None:
    exchange.decide(exchange.order(Side.BUY, lots=10))
    sale = exchange.order(Side.SELL, lots=10)

    exchange.decide(sale)

    assert sale.status is OrderStatus.FILLED


def test_within_a_batch_the_better_price_trades_first_and_the_earlier_of_two(
    exchange: Exchange,
) -> None:
    near = exchange.order(limit=10_050, lots=6)
    far = exchange.order(limit=10_100, lots=6)
    late = exchange.order(limit=10_050, lots=6)
    any_price = exchange.order(lots=3)

    exchange.decide(near, far, late, any_price)

    assert [o.filled_quantity // LOT for o in (near, far, late, any_price)] == [1, 6, 0, 3]


@pytest.mark.parametrize(
    ("limit", "lots"), [(None, 6), (10_205, 6), (10_150, 4), (10_145, 4), (10_095, 0), (10_090, 0)]
)
def test_an_order_that_comes_in_leaves_what_better_and_equal_prices_that_rest_may_take(
    exchange: Exchange, limit: int | None, lots: int
) -> None:
    exchange.quote(bid=10_300, ask=10_350, last=10_000)
    for price in (10_150, 10_095):
        exchange.decide(exchange.order(limit=price, lots=6))
    exchange.quote(bid=9_995, ask=10_005, last=10_000)
    late = exchange.order(limit=limit, lots=6, user_id=2)

    exchange.decide(late)

    assert late.filled_quantity == lots * LOT
    exchange.matching.run()
    assert sum(units for _, units, _ in exchange.fills) == 10 * LOT


def test_orders_that_come_in_before_and_behind_one_that_rests_share_what_is_left(
    exchange: Exchange,
) -> None:
    exchange.quote(bid=10_300, ask=10_350, last=10_000)
    exchange.decide(exchange.order(limit=10_100, lots=3))
    exchange.quote(bid=9_995, ask=10_005, last=10_000)
    ahead, behind = (exchange.order(limit=price, lots=5) for price in (10_150, 10_050))

    exchange.decide(ahead, behind)

    assert [o.filled_quantity // LOT for o in (ahead, behind)] == [5, 2]


def test_an_order_that_was_amended_comes_in_at_the_touch(exchange: Exchange) -> None:
    order = exchange.order(limit=9_900)
    exchange.decide(order)
    amended = replace(order, limit_price=rupees(10_100))

    (terms,) = exchange.market.terms([amended], are_amended=True)

    assert terms.fill_price == Decimal("100.50")


def test_an_odd_rest_of_a_displayed_size_is_nobodys(exchange: Exchange) -> None:
    exchange.quote(ask_size=2 * LOT + 64)
    order = exchange.order(lots=3)

    exchange.decide(order)

    assert order.filled_quantity == 2 * LOT


def test_a_source_without_sizes_displays_the_freeze_quantity(exchange: Exchange) -> None:
    exchange.quote(ask_size=0)
    order = exchange.order(lots=30)

    exchange.decide(order)

    assert order.filled_quantity == 1_800 // LOT * LOT


def test_slippage_goes_against_the_order_and_never_beyond_its_limit() -> None:
    exchange = Exchange(slippage_ticks=4, seed=3)
    exchange.quote(ask_size=1_000 * LOT, bid_size=1_000 * LOT)
    orders = [exchange.order(limit=10_060) for _ in range(50)]
    orders += [exchange.order(Side.SELL, limit=9_990) for _ in range(50)]

    prices = [terms.fill_price for terms in exchange.decide(*orders)]

    assert set(prices[:50]) == {rupees(p) for p in (10_050, 10_055, 10_060)}
    assert set(prices[50:]) == {rupees(p) for p in (10_000, 9_995, 9_990)}


def test_slippage_is_that_of_the_order_whatever_it_travels_with() -> None:
    def prices(batch: int, seed: int) -> list[Decimal | None]:
        exchange = Exchange(slippage_ticks=9, seed=seed)
        exchange.quote(ask_size=1_000 * LOT)
        orders = [exchange.order() for _ in range(40)]
        batches = (orders[i : i + batch] for i in range(0, 40, batch))
        return [terms.fill_price for batch in batches for terms in exchange.decide(*batch)]

    assert prices(40, seed=1) == prices(1, seed=1) == prices(7, seed=1)
    assert prices(40, seed=1) != prices(40, seed=2)


def test_latency_is_the_longest_of_the_batch_and_the_same_every_time() -> None:
    exchange = Exchange(latency=Latency(fixed_ms=20, jitter_ms=30, seed=5))
    orders = [exchange.order() for _ in range(50)]
    alone = [exchange.market.latency_seconds([order]) for order in orders]

    assert all(0.02 <= seconds < 0.05 for seconds in alone)
    assert exchange.market.latency_seconds(orders) == max(alone)
    assert len(set(alone)) > 40
    assert exchange.market.latency_seconds([]) == 0.0


def test_a_paper_exchange_takes_no_time_unless_it_is_told_to(exchange: Exchange) -> None:
    assert exchange.market.latency_seconds([exchange.order()]) == 0.0


def test_a_stop_waits_for_the_last_price_and_not_for_the_touch(exchange: Exchange) -> None:
    exchange.quote(last=10_000, bid=10_100, ask=10_150)
    purchase = exchange.order(limit=10_300, trigger=10_150)
    sale = exchange.order(Side.SELL, limit=9_500, trigger=9_900)

    terms = exchange.decide(purchase, sale)

    assert [t.triggered for t in terms] == [False, False]
    assert {purchase.status, sale.status} == {OrderStatus.TRIGGER_PENDING}
    assert exchange.fills == []
    assert exchange.liquidity.calls == 0


def test_a_stop_whose_trigger_has_passed_is_denied(exchange: Exchange) -> None:
    purchase = exchange.order(limit=10_300, trigger=10_000)
    sale = exchange.order(Side.SELL, limit=9_500, trigger=10_000)

    exchange.decide(purchase, sale)

    assert {purchase.status, sale.status} == {OrderStatus.DENIED}
    assert {m.reason for b in exchange.books for m in b.moves} == {DenialReason.TRIGGER_PASSED}
    assert exchange.fills == []
    assert exchange.exposures == {}


def test_a_stop_whose_trigger_has_passed_trades_where_its_account_lets_it(
    exchange: Exchange,
) -> None:
    exchange.trigger_at_once(allowed=True)
    purchase = exchange.order(limit=10_300, trigger=10_000)
    sale = exchange.order(Side.SELL, limit=9_500, trigger=10_000)

    exchange.decide(purchase, sale)

    assert exchange.fills == [(1, LOT, 10_050), (2, LOT, 10_000)]


@pytest.mark.parametrize(("limit", "is_taken"), [(14_000, True), (14_005, False)])
def test_the_limit_of_a_stop_is_checked_when_it_comes_alive(
    exchange: Exchange, *, limit: int, is_taken: bool
) -> None:
    dormant = exchange.order(limit=limit, trigger=10_100)
    alive = exchange.order(limit=limit, trigger=10_000)

    sleeping, waking = exchange.market.terms([dormant, alive])

    assert sleeping.denial is None
    assert waking.denial is (None if is_taken else DenialReason.PRICE_BAND)


def test_an_order_in_a_contract_listed_a_moment_ago_is_not_unknown(exchange: Exchange) -> None:
    exchange.universes.stale = make_universe(strikes=(23_000,))

    (terms,) = exchange.market.terms([exchange.order()])

    assert (terms.denial, terms.fill_quantity) == (None, LOT)


def _expire(exchange: Exchange) -> None:
    exchange.clock.now += timedelta(days=30)
    exchange.restate()


def _age(exchange: Exchange) -> None:
    exchange.clock.advance(MAX_AGE_SECONDS + 1)
    exchange.tell_spot()


DENIALS: dict[str, tuple[Callable[[Exchange], None], dict[str, object], DenialReason]] = {
    "a contract that is not listed": (
        lambda e: None,
        {"symbol": "NIFTY_25AUG26_1CE"},
        DenialReason.UNKNOWN_CONTRACT,
    ),
    "a contract that has expired": (_expire, {}, DenialReason.CONTRACT_EXPIRED),
    "no ask": (lambda e: e.quote(ask=0), {}, DenialReason.NO_QUOTE),
    "no bid": (lambda e: e.quote(bid=0), {"side": Side.SELL}, DenialReason.NO_QUOTE),
    "a crossed quote": (lambda e: e.quote(bid=10_100), {}, DenialReason.NO_QUOTE),
    "a quote that is old": (_age, {}, DenialReason.STALE_QUOTE),
    "a spot of nothing": (lambda e: e.tell_spot(0), {"side": Side.SELL}, DenialReason.STALE_QUOTE),
    "a limit above the band": (lambda e: None, {"limit": 14_005}, DenialReason.PRICE_BAND),
    "a limit below the band": (lambda e: None, {"limit": 5_995}, DenialReason.PRICE_BAND),
    "a limit of a cheap option": (
        lambda e: e.quote(bid=4_995, ask=5_005, last=5_000),
        {"limit": 7_005},
        DenialReason.PRICE_BAND,
    ),
}


@pytest.mark.parametrize("case", DENIALS)
def test_a_denied_order_says_why_and_changes_nothing(exchange: Exchange, case: str) -> None:
    happen, asked, reason = DENIALS[case]
    happen(exchange)
    order = replace(exchange.order(), **asked) if "symbol" in asked else exchange.order(**asked)  # type: ignore[arg-type]  # the cases differ in what they ask

    (terms,) = exchange.decide(order)

    assert terms.denial is reason
    assert (terms.fill_price, terms.fill_quantity) == (None, 0)
    assert order.status is OrderStatus.DENIED
    assert [(m.status, m.reason) for b in exchange.books for m in b.moves] == [
        (OrderStatus.DENIED, reason)
    ]
    assert exchange.fills == []
    assert exchange.exposures == {}
    assert exchange.liquidity.calls == 0


@pytest.mark.parametrize("limit", [6_000, 14_000])
def test_a_limit_on_the_edge_of_the_band_is_taken(exchange: Exchange, limit: int) -> None:
    (terms,) = exchange.market.terms([exchange.order(limit=limit)])

    assert terms.denial is None


def test_a_limit_order_rests_where_there_is_no_quote_to_measure_it_by() -> None:
    exchange = Exchange()
    order = exchange.order(limit=99_999_995)

    (terms,) = exchange.decide(order)

    assert (terms.denial, terms.reference) == (None, None)
    assert order.status is OrderStatus.WORKING


def test_a_limit_order_does_not_trade_on_a_quote_that_is_old(exchange: Exchange) -> None:
    _age(exchange)
    order = exchange.order(limit=10_100)

    exchange.decide(order)

    assert order.status is OrderStatus.WORKING
    assert exchange.liquidity.calls == 0


def test_an_order_that_rests_is_not_measured_again(exchange: Exchange) -> None:
    order = exchange.order(limit=6_000)
    exchange.decide(order)
    exchange.quote(last=20_000, bid=19_990, ask=20_010)

    (terms,) = exchange.market.terms([order])

    assert terms.denial is None


def test_an_amended_order_is_measured_again_and_nothing_trades(exchange: Exchange) -> None:
    order = exchange.order(limit=9_000)
    exchange.decide(order)

    def amended(limit: int) -> Order:
        return replace(order, limit_price=rupees(limit))

    inside, outside = exchange.market.preview([amended(10_100), amended(14_005)])

    assert (inside.denial, inside.fill_quantity) == (None, 0)
    assert outside.denial is DenialReason.PRICE_BAND
    assert exchange.liquidity.calls == 0


def test_a_preview_shows_the_protection_of_an_order_at_market(exchange: Exchange) -> None:
    (terms,) = exchange.market.preview([exchange.order()])

    assert (terms.limit_price, terms.fill_quantity) == (Decimal("102.00"), 0)


def test_the_last_trade_is_the_reference_and_else_the_middle(exchange: Exchange) -> None:
    exchange.quote(last=0, bid=9_000, ask=10_000)

    (terms,) = exchange.market.terms([exchange.order()])

    assert terms.reference == Decimal("95.00")


def test_orders_that_rest_are_not_searched_where_none_was_seen(exchange: Exchange) -> None:
    searched: list[object] = []

    def search(*asked: object) -> NDArray[np.void]:
        searched.append(asked)
        return np.empty(0, ORDER)

    exchange.market._size = replace(exchange.market._size, find_marketable=search)

    exchange.market.terms([replace(exchange.order(), others_rest=False)])
    assert searched == []
    exchange.market.terms([exchange.order()])
    assert len(searched) == 1
