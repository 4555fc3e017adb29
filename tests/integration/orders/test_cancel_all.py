"""Canceling everything of an account at once: every race is decided, and the answer says how."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.book.control import CancellationRecord, OrderSelection
from angel_x.domain.orders.order import OrderStatus, Product
from angel_x.errors import UnknownContract
from tests.builders.orders import Market

EVERYTHING = OrderSelection()


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def rest(market: Market, user: int, symbol: str, product: Product = Product.NORMAL) -> int:
    request = replace(market.request(symbol=symbol, limit="80.00"), product=product)
    (accepted,) = market.accept(user, request)
    market.application.trading.execution.run([accepted.order_id])
    return accepted.order_id


def cancel_all(
    market: Market, user: int, selection: OrderSelection = EVERYTHING
) -> Sequence[CancellationRecord]:
    return market.application.controls.cancel_all.run(user, selection, actor="test")


def test_everything_that_is_open_is_canceled_and_nothing_else(market: Market) -> None:
    user, other = market.account(), market.account("other")
    symbol = market.symbols[0]
    resting, foreign = rest(market, user, symbol), rest(market, other, symbol)
    (filled,) = market.accept(user, market.request())
    market.application.trading.execution.run([filled.order_id])
    (waiting,) = market.accept(user, market.request())

    outcomes = cancel_all(market, user)

    assert [(o.order_id, o.status, o.canceled) for o in outcomes] == [
        (str(resting), OrderStatus.CANCELED, True),
        (str(waiting.order_id), OrderStatus.CANCELED, True),
    ]
    statuses = market.statuses()
    assert (statuses[foreign], statuses[filled.order_id]) == ("working", "filled")
    market.assert_invariants()


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (OrderSelection(product=Product.INTRADAY), {"second"}),
        (OrderSelection(underlying="NIFTY"), {"first", "second"}),
    ],
)
def test_only_what_was_selected_is_canceled(
    market: Market, selection: OrderSelection, expected: set[str]
) -> None:
    user = market.account()
    ids = {
        "first": rest(market, user, market.symbols[0]),
        "second": rest(market, user, market.symbols[1], Product.INTRADAY),
    }

    cancel_all(market, user, selection)

    statuses = market.statuses()
    assert {name for name, i in ids.items() if statuses[i] == "canceled"} == expected


def test_nothing_is_canceled_for_a_name_that_nobody_has_listed(market: Market) -> None:
    order_id = rest(market, market.account(), market.symbols[0])

    with pytest.raises(UnknownContract, match="underlying must be listed, was BANKNIFTY"):
        cancel_all(market, 1, OrderSelection(underlying="BANKNIFTY"))

    assert market.statuses()[order_id] == "working"


def test_of_a_sliced_order_every_slice_is_canceled(market: Market) -> None:
    user = market.account(cash="900000000")
    (parent,) = market.accept(user, market.request(limit="80.00", quantity=1755 * 2))

    outcomes = cancel_all(market, user)

    assert [o.canceled for o in outcomes] == [True, True]
    assert market.statuses()[parent.order_id] == "canceled"
    market.assert_invariants()


def test_a_race_with_the_execution_is_decided_and_told_as_it_ended(market: Market) -> None:
    user = market.account()
    # Decided before the race: those that rest wait for it, whoever wins.
    resting = rest(market, user, market.symbols[0])
    order_ids = [a.order_id for a in market.accept(user, *[market.request() for _ in range(60)])]

    with ThreadPoolExecutor(2) as pool:
        execution = pool.submit(market.application.trading.execution.run_exactly, order_ids)
        outcomes = pool.submit(cancel_all, market, user).result()
        execution.result()

    statuses = market.statuses()
    assert set(statuses.values()) <= {"filled", "canceled"}
    assert (str(resting), OrderStatus.CANCELED) in [(o.order_id, o.status) for o in outcomes]
    assert {int(o.order_id) for o in outcomes} <= {resting, *order_ids}
    for outcome in outcomes:
        assert statuses[int(outcome.order_id)] == outcome.status
        assert outcome.canceled is (outcome.status is OrderStatus.CANCELED)
    assert sum(status == "canceled" for status in statuses.values()) == sum(
        outcome.canceled for outcome in outcomes
    )
    market.assert_invariants()


def test_a_second_call_finds_nothing(market: Market) -> None:
    user = market.account()
    rest(market, user, market.symbols[0])
    cancel_all(market, user)

    assert cancel_all(market, user) == []
