"""Matching on boards in memory: what is looked at, in which order, and what is left alone."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from angel_x.domain.book.risk import TradingRules, TradingState
from angel_x.domain.orders.order import Order, OrderStatus, Side
from angel_x.services.trading import matching, reached_orders
from tests.builders.paper import CALL, FULL_SECONDS, LOT, MAX_AGE_SECONDS, PUT, Exchange


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    exchange.quote(CALL)
    exchange.quote(PUT)
    return exchange


def rest(exchange: Exchange, *orders: Order) -> None:
    exchange.decide(*orders)
    assert {o.status for o in orders} <= {OrderStatus.WORKING, OrderStatus.TRIGGER_PENDING}
    exchange.matching.run()
    exchange.searches.clear()


def test_an_order_trades_once_the_market_comes_to_its_price(exchange: Exchange) -> None:
    purchase, sale = exchange.order(limit=9_900), exchange.order(Side.SELL, limit=10_200)
    rest(exchange, purchase, sale)

    exchange.quote(bid=9_850, ask=9_895, last=9_890)
    assert exchange.matching.run() == 1
    exchange.quote(bid=10_205, ask=10_250, last=10_210)
    assert exchange.matching.run() == 1

    assert exchange.fills == [(1, LOT, 9_900), (2, LOT, 10_200)]


def test_an_order_that_rests_is_hit_at_its_own_limit_before_the_market_stands_beyond_it(
    exchange: Exchange,
) -> None:
    exchange.quote(bid=20_000, ask=20_100, last=20_000)
    purchase = exchange.order(limit=19_900)
    rest(exchange, purchase)

    exchange.quote(bid=9_995, ask=10_005, last=10_000)
    exchange.matching.run()

    assert exchange.fills == [(1, LOT, 19_900)]


def test_the_rest_of_an_order_that_came_in_trades_at_its_limit(exchange: Exchange) -> None:
    order = exchange.order(limit=10_200, lots=14)
    exchange.decide(order)

    exchange.quote(bid=9_000, ask=9_005, last=9_000)
    exchange.matching.run()

    assert exchange.fills == [(1, 10 * LOT, 10_050), (1, 4 * LOT, 10_200)]


def test_a_stop_comes_in_behind_an_order_that_rests_at_its_price(exchange: Exchange) -> None:
    stop = exchange.order(limit=10_200, trigger=10_100, lots=6)
    resting = exchange.order(limit=10_200, lots=6)
    exchange.quote(bid=10_300, ask=10_350, last=10_000)
    rest(exchange, stop, resting)

    exchange.quote(bid=10_100, ask=10_150, last=10_100)
    exchange.matching.run()

    assert sorted(exchange.fills) == [(1, 4 * LOT, 10_150), (2, 6 * LOT, 10_200)]


def test_only_contracts_whose_quote_has_moved_are_looked_at(exchange: Exchange) -> None:
    rest(exchange, exchange.order(limit=9_900))

    exchange.matching.run()
    assert exchange.searches == []

    exchange.quote(PUT, bid=9_000)
    exchange.matching.run()
    assert exchange.searches == [[PUT]]


def test_a_look_at_everything_notes_the_contracts_in_which_orders_rest(
    exchange: Exchange,
) -> None:
    rest(exchange, exchange.order(limit=9_900))
    exchange.noted.noted.clear()

    exchange.quote(CALL, bid=9_950, ask=10_050)
    exchange.matching.run()
    assert exchange.noted.noted == set()

    exchange.clock.advance(FULL_SECONDS)
    exchange.restate()
    exchange.matching.run()
    assert exchange.noted.noted == {CALL}


def test_where_much_has_moved_no_contract_is_named_and_what_stands_is_left_alone(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reached_orders, "_MOST_NAMED", 0)
    rest(exchange, exchange.order(limit=9_900))
    exchange.quote(ask=9_800, bid=9_700, last=9_750)
    exchange.matching.run()
    late = exchange.order(limit=9_900)
    late.status = OrderStatus.WORKING
    exchange.searches.clear()

    exchange.quote(PUT, bid=9_000)
    assert exchange.matching.run() == 0

    assert exchange.searches == [None]
    assert late.status is OrderStatus.WORKING


def test_what_is_only_said_again_has_not_moved(exchange: Exchange) -> None:
    rest(exchange, exchange.order(limit=9_900))

    exchange.restate()
    exchange.matching.run()

    assert exchange.searches == []


def test_an_order_that_began_to_rest_behind_the_back_is_found_within_seconds(
    exchange: Exchange,
) -> None:
    rest(exchange, exchange.order(limit=9_900))
    exchange.quote(ask=9_800, bid=9_700, last=9_750)
    exchange.matching.run()
    # Decided on the quote before, committed after the look.
    late = exchange.order(limit=9_900)
    late.status = OrderStatus.WORKING
    exchange.accounts[1].open_orders += 1

    assert exchange.matching.run() == 0
    exchange.clock.advance(FULL_SECONDS)
    assert exchange.matching.run() == 1

    assert late.status is OrderStatus.FILLED


def test_a_look_that_failed_is_repeated(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = exchange.order(limit=9_900)
    rest(exchange, order)
    exchange.quote(ask=9_800, bid=9_700, last=9_750)
    with monkeypatch.context() as broken:
        broken.setattr(exchange.ladders, "best", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            exchange.matching.run()

    assert exchange.matching.run() == 1


def test_an_old_quote_matches_nothing(exchange: Exchange) -> None:
    rest(exchange, exchange.order(limit=9_900))
    exchange.quote(ask=9_800, bid=9_700)
    exchange.clock.advance(MAX_AGE_SECONDS + 1)
    exchange.tell_spot()

    assert exchange.matching.run() == 0


def test_the_better_price_trades_first_and_of_two_the_earlier(exchange: Exchange) -> None:
    prices = (9_900, 9_950, 9_900, 9_950)
    orders = [exchange.order(limit=price, lots=4) for price in prices]
    rest(exchange, *orders)

    exchange.quote(ask=9_900, bid=9_800, last=9_850, ask_size=10 * LOT)
    exchange.matching.run()

    assert [o.filled_quantity // LOT for o in orders] == [2, 4, 0, 4]


def test_priority_holds_across_transactions(exchange: Exchange) -> None:
    """The best order is the last to come in, and there are more than one transaction takes."""
    orders = [exchange.order(limit=9_700 + 5 * (i // 100)) for i in range(600)]
    exchange.decide(*orders)
    exchange.matching.run()

    exchange.quote(ask=9_700, bid=9_600, last=9_650, ask_size=150 * LOT)
    assert exchange.matching.run() == 150

    filled = {o.id for o in orders if o.status is OrderStatus.FILLED}
    assert filled == {*range(501, 601), *range(401, 451)}


def test_what_was_displayed_before_is_traded_no_second_time(exchange: Exchange) -> None:
    order = exchange.order(limit=9_900, lots=14)
    rest(exchange, order)
    exchange.quote(ask=9_900, bid=9_800, last=9_850)

    exchange.matching.run()
    exchange.clock.advance(FULL_SECONDS)
    exchange.restate()
    exchange.matching.run()
    assert (order.status, order.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, 10 * LOT)

    exchange.quote(ask=9_900, bid=9_800, last=9_850, volume=LOT)
    exchange.matching.run()
    assert order.status is OrderStatus.FILLED


def test_a_stop_comes_alive_and_rests_where_the_market_has_passed_it(exchange: Exchange) -> None:
    stop = exchange.order(limit=10_120, trigger=10_100)
    rest(exchange, stop)

    exchange.quote(last=10_100, bid=10_100, ask=10_150)
    assert exchange.matching.run() == 0
    assert [stop.status] == [OrderStatus.WORKING]

    exchange.quote(last=10_050, bid=10_050, ask=10_110)
    assert exchange.matching.run() == 1
    assert stop.status == OrderStatus.FILLED


def test_a_stop_comes_alive_and_trades_at_once(exchange: Exchange) -> None:
    stop = exchange.order(Side.SELL, limit=9_800, trigger=9_900)
    rest(exchange, stop)

    exchange.quote(last=9_900, bid=9_850, ask=9_905)
    exchange.matching.run()

    assert exchange.fills == [(1, LOT, 9_850)]


def test_a_stop_whose_limit_is_out_of_the_band_by_then_is_rejected(exchange: Exchange) -> None:
    stop = exchange.order(limit=14_500, trigger=10_100)
    rest(exchange, stop)

    exchange.quote(last=10_100, bid=10_100, ask=10_150)
    exchange.matching.run()

    assert stop.status is OrderStatus.REJECTED
    assert exchange.books[-1].moves[-1].reason == "PRICE_BAND"
    assert exchange.fills == []
    assert exchange.accounts[1].margin_used == Decimal(0)


def test_an_order_that_is_halted_stays_and_takes_nothing_from_others(exchange: Exchange) -> None:
    halted = exchange.order(limit=9_950, lots=10, user_id=1)
    free = exchange.order(limit=9_900, lots=10, user_id=2)
    rest(exchange, halted, free)
    exchange.tables.rules = TradingRules({("user", "1"): TradingState.HALTED})

    exchange.quote(ask=9_900, bid=9_800, last=9_850)
    exchange.matching.run()

    assert [halted.status, free.status] == [OrderStatus.WORKING, OrderStatus.FILLED]


def test_a_sale_that_rests_needs_no_spot_because_its_margin_is_held(exchange: Exchange) -> None:
    sale = exchange.order(Side.SELL, limit=10_200)
    rest(exchange, sale)
    exchange.clock.advance(MAX_AGE_SECONDS + 1)

    exchange.quote(bid=10_205, ask=10_250, last=10_210)

    assert exchange.matching.run() == 1


def test_an_order_of_yesterday_expires_instead_of_trading(exchange: Exchange) -> None:
    order = exchange.order(limit=9_900)
    rest(exchange, order)
    order.valid_until = exchange.clock() - timedelta(seconds=1)

    exchange.quote(ask=9_900, bid=9_800, last=9_850)
    exchange.matching.run()

    assert order.status is OrderStatus.EXPIRED
    assert exchange.fills == []


def test_a_stop_waits_until_the_last_price_comes_whatever_is_bid(exchange: Exchange) -> None:
    stops = [
        exchange.order(limit=10_120, trigger=10_100),
        exchange.order(Side.SELL, limit=9_800, trigger=9_900),
    ]
    rest(exchange, *stops)

    exchange.quote(bid=9_000, ask=11_000, last=9_905)
    exchange.matching.run()
    exchange.quote(bid=9_000, ask=11_000, last=10_095)
    exchange.matching.run()
    assert [stop.status for stop in stops] == [OrderStatus.TRIGGER_PENDING] * 2

    exchange.quote(bid=9_000, ask=11_000, last=9_900)
    exchange.matching.run()
    exchange.quote(bid=9_000, ask=11_000, last=10_100)
    exchange.matching.run()
    assert [stop.status for stop in stops] == [OrderStatus.WORKING] * 2


def test_once_a_quote_is_used_up_its_ladder_is_not_walked(exchange: Exchange) -> None:
    orders = [exchange.order(limit=9_900) for _ in range(30)]
    rest(exchange, *orders)
    exchange.quote(ask=9_900, bid=9_800, last=9_850)
    exchange.matching.run()
    committed = len(exchange.books)

    exchange.quote(ask=9_900, bid=9_800, last=9_845)
    assert exchange.matching.run() == 0
    assert len(exchange.books) == committed

    exchange.quote(ask=9_900, bid=9_800, last=9_845, volume=LOT)
    assert exchange.matching.run() == 10
    assert [o.id for o in orders if o.status is OrderStatus.FILLED] == [*range(1, 21)]


def test_orders_that_may_not_trade_hold_up_none_behind_them(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than a page, each better than the order that may."""
    monkeypatch.setattr(reached_orders, "_PAGE", 10)
    halted = [exchange.order(limit=9_950, user_id=1) for _ in range(25)]
    free = exchange.order(limit=9_900, user_id=2)
    rest(exchange, *halted, free)
    exchange.tables.rules = TradingRules({("user", "1"): TradingState.HALTED})

    exchange.quote(ask=9_900, bid=9_800, last=9_850)
    exchange.matching.run()

    assert free.status is OrderStatus.FILLED
    assert {o.status for o in halted} == {OrderStatus.WORKING}


def test_where_another_process_matches_nothing_is_done_and_nothing_forgotten(
    exchange: Exchange,
) -> None:
    order = exchange.order(limit=9_900)
    rest(exchange, order)
    exchange.quote(ask=9_900, bid=9_800, last=9_850)

    exchange.is_taken = True
    assert exchange.matching.run() == 0
    exchange.is_taken = False
    assert exchange.matching.run() == 1

    assert order.status is OrderStatus.FILLED


def test_a_run_that_takes_too_long_asks_for_another_one(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = exchange.order(limit=9_900)
    rest(exchange, order)
    exchange.quote(ask=9_900, bid=9_800, last=9_850)

    with monkeypatch.context() as hurry:
        hurry.setattr(matching, "_MOST_SECONDS", 0.0)
        assert (exchange.matching.run(), exchange.asked) == (0, 1)
    assert (exchange.matching.run(), exchange.asked) == (1, 1)
