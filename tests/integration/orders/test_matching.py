"""Orders that rest, against real servers: what is looked at, what trades, and how much of it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from angel_x.adapters.postgres import ladders
from angel_x.adapters.postgres.prepared import numbered
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import OrderStatus
from tests.builders.environs import application_on
from tests.builders.orders import Market

LOT = 65


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def place(market: Market, user: int, **asked: Any) -> int:
    """Accept and decide one order."""
    (accepted,) = market.accept(user, market.request(**asked))
    market.application.trading.execution.run([accepted.order_id])
    return accepted.order_id


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def test_an_order_fills_in_parts_as_sizes_are_displayed(market: Market) -> None:
    market.quote(market.symbols[0], "100.00", "100.50", size=2 * LOT)
    order = place(market, market.account(), quantity=5 * LOT)
    assert market.statuses() == {order: "partially_filled"}

    market.quote(market.symbols[0], "100.00", "100.55", size=2 * LOT)
    assert market.application.trading.matching.run() == 1
    market.quote(market.symbols[0], "100.00", "102.05", size=2 * LOT)
    assert market.application.trading.matching.run() == 0
    market.quote(market.symbols[0], "100.00", "102.00", size=2 * LOT)
    assert market.application.trading.matching.run() == 1

    assert market.statuses() == {order: "filled"}
    assert rows(market, "SELECT quantity, price::text FROM fills ORDER BY id") == [
        (130, "100.50"),
        (130, "102.00"),
        (65, "102.00"),
    ]
    market.assert_invariants()


def test_the_better_order_trades_first_whoever_came_first(market: Market) -> None:
    accounts = [market.account(name) for name in ("a", "b", "c")]
    market.quote(market.symbols[0], "100.00", "101.00")
    limits = ("99.00", "100.00", "99.00")
    orders = [place(market, u, limit=p) for u, p in zip(accounts, limits, strict=True)]

    market.quote(market.symbols[0], "98.00", "99.00", size=2 * LOT)
    market.application.trading.matching.run()

    assert list(market.statuses().values()) == ["filled", "filled", "working"]
    assert set(market.statuses()) == set(orders)
    market.assert_invariants()


def test_a_stop_is_triggered_and_then_trades(market: Market) -> None:
    user = market.account()
    stop = place(market, user, limit="102.00", trigger="101.00")
    assert market.statuses() == {stop: "trigger_pending"}

    market.quote(market.symbols[0], "101.00", "102.50")
    assert market.application.trading.matching.run() == 0
    market.quote(market.symbols[0], "100.50", "101.50")
    assert market.application.trading.matching.run() == 1

    told = rows(market, "SELECT status, reason FROM order_events ORDER BY id")
    assert told == [
        ("received", None),
        ("trigger_pending", None),
        ("working", "TRIGGERED"),
        ("filled", None),
    ]
    market.assert_invariants()


def test_a_stop_that_is_triggered_trades_what_is_displayed_at_once(market: Market) -> None:
    stop = place(market, market.account(), limit="102.00", trigger="101.00", quantity=5 * LOT)

    market.quote(market.symbols[0], "101.00", "101.50", size=2 * LOT)
    assert market.application.trading.matching.run() == 1

    assert market.statuses() == {stop: "partially_filled"}
    told = rows(market, "SELECT status, reason FROM order_events ORDER BY id")[2:]
    assert told == [("working", "TRIGGERED"), ("partially_filled", None)]
    market.assert_invariants()


def test_a_stop_whose_limit_has_left_the_band_is_rejected_and_frees_its_margin(
    market: Market,
) -> None:
    stop = place(market, market.account(), limit="150.00", trigger="101.00")

    market.quote(market.symbols[0], "101.00", "101.50")
    market.application.trading.matching.run()

    assert market.statuses() == {stop: "rejected"}
    assert rows(market, "SELECT reason FROM orders") == [("PRICE_BAND",)]
    assert rows(market, "SELECT margin_used FROM users") == [(0,)]
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
    market.assert_invariants()


def test_a_limit_outside_the_band_is_denied_and_nothing_is_held(market: Market) -> None:
    order = place(market, market.account(), limit="140.05")

    assert market.statuses() == {order: "denied"}
    assert rows(market, "SELECT reason, reserved::text FROM orders") == [("PRICE_BAND", "0.00")]
    assert rows(market, "SELECT margin_used::text, open_orders FROM users") == [("0.00", 0)]
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]
    market.assert_invariants()


def test_two_workers_never_fill_more_than_one_quote_displays(
    market: Market, environ: dict[str, str]
) -> None:
    symbol = market.symbols[0]
    market.quote(symbol, "100.00", "100.50", size=37 * LOT)
    accepted = [
        [a.order_id for a in market.accept(market.account(name), *_requests(market))]
        for name in ("a", "b", "c", "d")
    ]
    with application_on(environ, "worker") as other, ThreadPoolExecutor(4) as pool:
        applications = (market.application, other, market.application, other)
        runs = [
            pool.submit(application.trading.execution.run, order_ids)
            for application, order_ids in zip(applications, accepted, strict=True)
        ]
        assert sum(run.result() for run in runs) == 80

    assert rows(market, "SELECT sum(quantity) FROM fills") == [(37 * LOT,)]
    market.assert_invariants()


def _requests(market: Market) -> list[Any]:
    return [market.request(limit="100.50") for _ in range(20)]


def test_every_search_of_resting_orders_goes_through_their_index(market: Market) -> None:
    searches = ladders._BEST, ladders._BEST_OF_ALL, ladders._PAGE
    with market.application.base.engine.connect() as connection:
        # With so few rows there is no better plan than to read them all.
        connection.exec_driver_sql("SET enable_seqscan = off; SET enable_bitmapscan = off")
        for number, search in enumerate(searches):
            text, names = numbered(search.text)
            given = f"({', '.join(['NULL'] * len(names))})" if names else ""
            connection.exec_driver_sql(f"PREPARE search{number} AS {text}")
            plan = connection.exec_driver_sql(
                f"EXPLAIN (FORMAT JSON) EXECUTE search{number}{given}"
            )
            scans = [n for n in _nodes(plan.scalar_one()[0]["Plan"]) if "Index Name" in n]
            assert {scan["Index Name"] for scan in scans} == {"idx_orders_ladders"}
            assert all("is_stopped" in scan.get("Index Cond", "is_stopped") for scan in scans)


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def test_an_order_that_was_taken_off_is_not_matched(market: Market) -> None:
    user = market.account()
    order = place(market, user, limit="95.00")
    market.application.trading.cancellation.cancel(user, order)

    market.quote(market.symbols[0], "94.00", "94.50")

    assert market.application.trading.matching.run() == 0
    assert market.statuses() == {order: OrderStatus.CANCELED}


def test_an_order_that_may_not_open_a_position_leaves_the_displayed_size_to_others(
    market: Market,
) -> None:
    stopped, other = (market.account(name) for name in ("a", "b"))
    orders = [
        place(market, user, limit=limit, quantity=2 * LOT)
        for user, limit in ((stopped, "99.50"), (other, "99.00"))
    ]
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO trading_controls (scope, name, state, actor) "
            "VALUES ('user', %(name)s, 'reducing', 'test')",
            {"name": str(stopped)},
        )

    market.quote(market.symbols[0], "98.00", "98.50", size=2 * LOT)
    market.application.trading.matching.run()

    assert market.statuses() == dict(zip(orders, ("working", "filled"), strict=True))
    market.assert_invariants()
