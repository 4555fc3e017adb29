"""An order that repeats another within the window, as the database and the execution see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from angel_x.adapters.postgres.duplicates import find_duplicates
from angel_x.bootstrap import Application
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import OrderRequest, Priority, Product, Side, Validity
from tests.builders.orders import Market


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def found(market: Market, order_ids: Sequence[int], seconds: str = "30") -> set[int]:
    with market.application.base.engine.connect() as connection:
        return find_duplicates(connection, dict.fromkeys(order_ids, Decimal(seconds)))


def accept(market: Market, user: int, *requests: OrderRequest) -> list[int]:
    return [accepted.order_id for accepted in market.accept(user, *requests)]


def execute(market: Market, statement: str) -> None:
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(statement)


def test_the_first_of_equal_orders_is_none_and_the_others_are(market: Market) -> None:
    user = market.account()
    ids = accept(market, user, *[market.request(limit="99.00") for _ in range(3)])

    assert found(market, ids) == set(ids[1:])
    assert found(market, ids[1:]) == set(ids[1:])


@pytest.mark.parametrize(
    "changes",
    [
        {"side": Side.SELL},
        {"quantity": 130},
        {"limit_price": Decimal("99.05")},
        {"symbol": "another"},
    ],
)
def test_an_order_of_other_content_is_no_duplicate(market: Market, changes: dict[str, Any]) -> None:
    user = market.account()
    first = market.request(limit="99.00")
    if "symbol" in changes:
        changes = {"symbol": market.symbols[1]}
    ids = accept(market, user, first, replace(first, client_order_id="other", **changes))

    assert found(market, ids) == set()


def test_another_trigger_price_is_other_content(market: Market) -> None:
    user = market.account()
    stops = [market.request(limit="120.00", trigger=t) for t in ("110.00", "111.00", "110.00")]
    ids = accept(market, user, *stops)

    assert found(market, ids) == {ids[2]}


@pytest.mark.parametrize(
    "changes", [{"validity": Validity.IOC}, {"product": Product.INTRADAY}, {"tag": "again"}]
)
def test_what_does_not_change_the_trade_makes_no_other_order(
    market: Market, changes: dict[str, Any]
) -> None:
    user = market.account()
    first = market.request(limit="99.00")
    ids = accept(market, user, first, replace(first, client_order_id="other", **changes))

    assert found(market, ids) == {ids[1]}


def test_the_same_order_of_another_account_is_no_duplicate(market: Market) -> None:
    first, second = market.account("first"), market.account("second")
    ids = accept(market, first, market.request()) + accept(market, second, market.request())

    assert found(market, ids) == set()


def test_an_order_before_the_window_is_forgotten(market: Market) -> None:
    user = market.account()
    old, new = accept(market, user, market.request(), market.request())
    execute(
        market,
        f"UPDATE orders SET accepted_at = accepted_at - interval '10 seconds' WHERE id = {old}",
    )

    assert found(market, [new], "9") == set()
    assert found(market, [new], "11") == {new}


def test_an_order_of_exactly_one_window_ago_is_repeated_still(market: Market) -> None:
    user = market.account()
    old, new = accept(market, user, market.request(), market.request())
    execute(
        market,
        "UPDATE orders SET accepted_at = (SELECT accepted_at FROM orders "
        f"WHERE id = {new}) - interval '10 seconds' WHERE id = {old}",
    )

    assert found(market, [new], "10") == {new}
    assert found(market, [new], "9.999999") == set()


def test_an_order_that_took_its_id_later_and_its_time_earlier_hides_no_other(
    market: Market,
) -> None:
    """Ids are given out a moment before the time is taken."""
    user = market.account()
    same, other = market.request(limit="99.00"), market.request(limit="98.00")
    first, between, last = accept(market, user, same, other, replace(same, client_order_id="again"))
    for order_id, seconds in ((first, "9.9"), (between, "10.5")):
        execute(
            market,
            "UPDATE orders SET accepted_at = (SELECT accepted_at FROM orders "
            f"WHERE id = {last}) - interval '{seconds} seconds' WHERE id = {order_id}",
        )

    assert found(market, [last], "10") == {last}


def test_an_order_at_market_that_was_decided_is_still_the_same(market: Market) -> None:
    # When it is decided, it gets a protection limit.
    user = market.account()
    (first,) = accept(market, user, market.request())
    market.application.trading.execution.run([first])
    (second,) = accept(market, user, market.request())

    assert found(market, [second]) == {second}


def test_each_order_has_the_window_of_its_account(market: Market) -> None:
    first, second = market.account("first"), market.account("second")
    ids = [*accept(market, first, market.request(), market.request())]
    ids += accept(market, second, market.request(), market.request())
    execute(
        market,
        "UPDATE orders SET accepted_at = accepted_at - interval '10 seconds' "
        f"WHERE id IN ({ids[0]}, {ids[2]})",
    )
    windows = {ids[1]: Decimal(5), ids[3]: Decimal(20)}

    with market.application.base.engine.connect() as connection:
        assert find_duplicates(connection, windows) == {ids[3]}
        assert find_duplicates(connection, {}) == set()


def test_the_search_reads_no_further_back_than_the_window(market: Market) -> None:
    user = market.account()
    (first,) = accept(market, user, market.request())
    execute(
        market,
        "INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, "
        "order_type, validity, product, priority, valid_until, accepted_at, ring_at) "
        "SELECT user_id, 'old' || n, request_hash, symbol, side, quantity, order_type, validity, "
        "product, priority, valid_until, now() - interval '1 hour', ring_at "
        f"FROM orders, generate_series(1, 20000) n WHERE id = {first}",
    )
    execute(market, "ANALYZE orders")
    latest = accept(market, user, *[market.request() for _ in range(5)])

    with market.application.base.engine.connect() as connection:
        connection.exec_driver_sql("SELECT pg_stat_clear_snapshot()")
        before = fetched(connection)
        duplicates = find_duplicates(connection, dict.fromkeys(latest, Decimal(2)))
        after = fetched(connection)

    assert duplicates == set(latest[1:])
    assert after - before < 200


def fetched(connection: Any) -> int:
    """Return how many rows of orders this transaction has read."""
    (row,) = connection.exec_driver_sql(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'orders'"
    ).all()
    return int(row[0])


def test_a_duplicate_is_denied_and_changes_nothing(market: Market) -> None:
    user = market.account()
    market.application.people.limits.put(user, {"duplicate_window_seconds": 30}, "test")
    ids = accept(market, user, market.request(), market.request())

    market.application.trading.execution.run(ids)

    with market.application.base.engine.connect() as connection:
        orders = connection.exec_driver_sql("SELECT status, reason FROM orders ORDER BY id").all()
        fills = connection.exec_driver_sql("SELECT count(*) FROM fills").scalar_one()
        held = connection.exec_driver_sql("SELECT quantity FROM positions").scalar_one()
    assert [tuple(row) for row in orders] == [
        ("filled", None),
        ("denied", DenialReason.DUPLICATE_ORDER),
    ]
    assert (fills, held) == (1, 65)
    market.assert_invariants()


def test_an_emergency_may_repeat_itself_as_far_as_it_closes(market: Market) -> None:
    user = market.account()
    market.application.trading.execution.run(accept(market, user, market.request(quantity=130)))
    market.application.people.limits.put(user, {"duplicate_window_seconds": 30}, "test")
    requests = [market.request(Side.SELL, priority=Priority.EMERGENCY) for _ in range(3)]
    ids = accept(market, user, *requests)

    market.application.trading.execution.run(ids)

    found = market.statuses()
    assert [found[order_id] for order_id in ids] == ["filled", "filled", "denied"]
