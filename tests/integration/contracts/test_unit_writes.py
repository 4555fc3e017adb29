"""One contract of transactions over accounts and orders: what they write, and what they leave."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from angel_x.domain.book.book import Book
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import OPEN, RESTING, Order, OrderStatus, Product, Side
from angel_x.errors import IllegalTransition
from tests.builders.terms import fill, rest
from tests.fakes.tables import LOT
from tests.integration.contracts.worlds import LEASE_SECONDS, MARGIN, UNIVERSE, World

RECEIVED = frozenset({OrderStatus.RECEIVED})
SYMBOL, OTHER, THIRD = UNIVERSE.symbols[2], UNIVERSE.symbols[0], UNIVERSE.symbols[1]


def act(
    world: World,
    order_ids: Sequence[int],
    deed: Callable[[Book, Order], Any],
    *,
    statuses: frozenset[OrderStatus] = OPEN,
    commits: bool = True,
) -> Book:
    """Do the same to each of these orders in one transaction."""
    with world.units.begin() as unit:
        orders, book = unit.orders(order_ids, statuses)
        assert len(orders) == len(order_ids)
        book.margins.sheet = MARGIN
        for order in orders:
            deed(book, order)
        unit.record(book, "test")
        if commits:
            unit.commit()
    return book


def decide(world: World, order_ids: Sequence[int], terms: Terms) -> Book:
    def deed(book: Book, order: Order) -> None:
        book.decide(order, replace(terms, execution_id=f"{terms.execution_id}-{order.id}"))

    return act(world, order_ids, deed)


def look(world: World, order_ids: Sequence[int]) -> Book:
    with world.units.begin() as unit:
        orders, book = unit.orders(order_ids, OPEN)
    assert [order.id for order in orders] == list(order_ids)
    return book


def test_what_was_committed_is_read_by_the_next(world: World, user: int) -> None:
    order_id, later = world.order(user), world.order(user)

    decide(world, [order_id], fill("100.50"))

    row = world.row(order_id)
    assert (row.order.status, row.order.filled_quantity) == (OrderStatus.FILLED, LOT)
    assert (row.order.traded_value, row.order.attempt) == (Decimal("6532.50"), 1)
    assert row.closed_at is not None
    assert world.events(order_id) == [("filled", "test", 1, None)]
    assert world.row(later).order.status is OrderStatus.RECEIVED
    book = look(world, [later])
    position = book.positions[user, SYMBOL, Product.NORMAL]
    assert (position.quantity, position.cost) == (LOT, Decimal("6532.50"))
    assert position.id is not None
    assert book.exposures[user, SYMBOL].net_quantity == LOT
    assert book.accounts[user].cash == world.balance(user).cash < Decimal(10**7) - 6532


def test_what_is_left_without_a_commit_never_was(world: World, user: int) -> None:
    holding, order_id = world.order(user), world.order(user, side=Side.SELL)
    decide(world, [holding], fill())
    before, balance = world.row(order_id), world.balance(user)

    act(world, [order_id], lambda b, o: b.decide(o, fill("101.00")), commits=False)

    assert world.row(order_id) == before
    assert world.balance(user) == balance
    assert world.events(order_id) == []
    book = look(world, [order_id])
    assert book.positions[user, SYMBOL, Product.NORMAL].quantity == LOT
    assert book.exposures[user, SYMBOL].net_quantity == LOT


def test_a_transaction_that_raises_keeps_nothing(world: World, user: int) -> None:
    order_id = world.order(user)

    def fail(book: Book, order: Order) -> None:
        book.decide(order, fill())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act(world, [order_id], fail)

    assert world.row(order_id).order.status is OrderStatus.RECEIVED
    assert world.events(order_id) == []


def test_what_is_read_is_a_copy(world: World, user: int) -> None:
    order_id = world.order(user)

    with world.units.begin() as unit:
        (order,), book = unit.orders([order_id], RECEIVED)
        book.decide(order, fill())

    assert world.row(order_id).order.status is OrderStatus.RECEIVED
    assert world.balance(user).cash == Decimal(10**7)


def test_an_order_on_its_way_has_a_lease_until_it_is_answered(world: World, user: int) -> None:
    order_id = world.order(user, "101.00")

    act(world, [order_id], lambda b, o: b.submit(o, rest("101.00")))
    sent = world.row(order_id)
    assert (sent.order.status, sent.order.attempt) == (OrderStatus.SUBMITTING, 1)
    assert sent.order.reserved > 6565
    assert sent.lease_until is not None
    assert abs((sent.lease_until - sent.accepted_at).total_seconds() - LEASE_SECONDS) < 300
    act(world, [order_id], lambda b, o: b.settle(o, rest()))

    answered = world.row(order_id)
    assert (answered.order.status, answered.lease_until) == (OrderStatus.WORKING, None)
    assert world.events(order_id) == [
        ("submitting", "test", 1, None),
        ("working", "test", 1, None),
    ]


def test_an_end_is_stored_with_its_reason_and_its_time(world: World, user: int) -> None:
    order_id = world.order(user, "99.00")
    decide(world, [order_id], rest())
    assert world.row(order_id).closed_at is None

    act(
        world,
        [order_id],
        lambda b, o: b.take_off(o, OrderStatus.CANCELED, CancelReason.REQUESTED),
    )

    row = world.row(order_id)
    assert (row.order.status, row.reason) == (OrderStatus.CANCELED, "REQUESTED")
    assert row.closed_at is not None
    assert row.order.reserved == 0
    assert world.balance(user).margin_used == 0


@pytest.mark.parametrize("target", [OrderStatus.SUBMITTING, OrderStatus.DENIED])
def test_a_move_that_is_not_legal_is_refused(world: World, user: int, target: OrderStatus) -> None:
    order_id = world.order(user, "99.00")
    decide(world, [order_id], rest())

    def move(book: Book, order: Order) -> None:
        order.status = OrderStatus.RECEIVED
        if target is OrderStatus.DENIED:
            book.deny(order, DenialReason.NO_QUOTE)
        else:
            book.submit(order, rest())

    with pytest.raises((IllegalTransition, IntegrityError)):
        act(world, [order_id], move, statuses=RESTING)

    assert world.row(order_id).order.status is OrderStatus.WORKING


def test_a_purchase_reserves_and_a_sale_is_margined(world: World, user: int) -> None:
    purchase, sale = world.order(user, "99.00"), world.order(user, "120.00", side=Side.SELL)
    decide(world, [purchase, sale], rest())

    book = look(world, [purchase])

    assert book.accounts[user].open_orders == 2
    assert book.exposures[user, SYMBOL].open_buy_quantity == LOT
    assert book.exposures[user, SYMBOL].open_sell_quantity == LOT
    assert book.margins.stored == {(user, "NIFTY"): Decimal(100 * LOT)}
    assert book.accounts[user].margin_used > 100 * LOT + 99 * LOT


def test_what_is_closed_is_not_read_and_what_is_open_comes_of_every_contract(
    world: World, user: int
) -> None:
    decide(world, [world.order(user, symbol=OTHER)], fill())
    decide(world, [world.order(user, symbol=OTHER, side=Side.SELL)], fill())
    decide(world, [world.order(user, symbol=THIRD)], fill())
    for side in (Side.SELL, Side.BUY):
        decide(world, [world.order(user, symbol=OTHER, side=side)], fill())
    stranger = world.account()
    decide(world, [world.order(stranger, symbol=OTHER, side=Side.SELL)], fill())
    decide(world, [world.order(stranger)], fill())
    order_id = world.order(user)

    book = look(world, [order_id])

    assert set(book.exposures) == {(user, THIRD)}
    assert book.positions == {}
    assert book.margins.symbols == {SYMBOL, THIRD}
    assert book.margins.stored == {}
    assert set(book.accounts) == {user}
    assert book.rules == TradingRules()


def test_a_position_that_was_closed_is_opened_anew(world: World, user: int) -> None:
    decide(world, [world.order(user)], fill())
    first = look(world, [world.order(user)]).positions[user, SYMBOL, Product.NORMAL]
    decide(world, [world.order(user, side=Side.SELL, quantity=2 * LOT)], fill(units=2 * LOT))

    second = look(world, [world.order(user)]).positions[user, SYMBOL, Product.NORMAL]

    assert (first.quantity, second.quantity) == (LOT, -LOT)
    assert first.id != second.id


def test_products_are_held_apart(world: World, user: int) -> None:
    decide(world, [world.order(user, quantity=2 * LOT)], fill(units=2 * LOT))
    decide(world, [world.order(user, product=Product.INTRADAY)], fill())

    for product, quantity in ((Product.NORMAL, 2 * LOT), (Product.INTRADAY, LOT)):
        book = look(world, [world.order(user, product=product)])

        assert set(book.positions) == {(user, SYMBOL, product)}
        assert book.positions[user, SYMBOL, product].quantity == quantity
        assert book.exposures[user, SYMBOL].net_quantity == 3 * LOT


def test_holdings_are_of_the_contracts_that_were_asked_for(world: World, user: int) -> None:
    decide(world, [world.order(user), world.order(user, symbol=OTHER)], fill())

    with world.units.begin() as unit:
        book = unit.holdings(user, [(OTHER, Product.NORMAL), (THIRD, Product.NORMAL)])
        alone = unit.holdings(user, [])

    assert set(book.positions) == {(user, OTHER, Product.NORMAL)}
    assert set(book.exposures) == {(user, SYMBOL), (user, OTHER)}
    assert book.margins.symbols == {SYMBOL, OTHER, THIRD}
    assert book.accounts[user] == world.balance(user)
    assert (alone.accounts, alone.exposures) == (book.accounts, book.exposures)
    assert not alone.positions
    assert alone.margins.symbols == {SYMBOL, OTHER}


def test_an_amendment_is_stored_and_goes_to_the_end_of_its_price(world: World, user: int) -> None:
    moved, kept, last = (world.order(user, "99.00", quantity=2 * LOT) for _ in range(3))
    decide(world, [moved, kept, last], rest())

    act(world, [moved], lambda b, o: b.amend(o, Amendment(2 * LOT, Decimal(98), None), rest()))
    act(world, [kept], lambda b, o: b.amend(o, Amendment(LOT, Decimal(99), None), rest()))

    ranks = {i: world.row(i).order.time_priority for i in (moved, kept, last)}
    assert sorted(ranks, key=lambda i: ranks[i]) == [kept, last, moved]
    assert world.row(moved).order.limit_price == Decimal("98.00")
    assert world.row(kept).order.quantity == LOT


def test_an_order_to_be_asked_about_again_has_no_lease_and_no_rings(
    world: World, user: int
) -> None:
    sent = world.order(user, status=OrderStatus.SUBMITTING, lease=60, rings=5)
    left = world.order(user, status=OrderStatus.SUBMITTING, lease=-60, rings=5)
    waiting = world.order(user, rings=5)
    lease, ring = world.row(left).lease_until, world.row(waiting).ring_at

    with world.units.begin() as unit:
        unit.orders([sent, left, waiting], OPEN)
        unit.ask_again({sent: 20.0, left: 1.0, waiting: 20.0})
        unit.commit()

    with world.units.begin() as unit:
        assert [order.id for order in unit.abandoned([sent, left, waiting]).orders] == [sent, left]
    assert [world.row(order_id).rings for order_id in (sent, left, waiting)] == [0, 0, 5]
    assert world.row(left).lease_until == lease
    begun = world.row(sent).lease_until
    assert begun is not None
    pauses = [(world.row(i).ring_at - begun).total_seconds() for i in (sent, left)]
    assert pauses == [pytest.approx(20.0, abs=0.5), pytest.approx(15.0, abs=0.5)], (
        "silent for a minute"
    )
    assert (world.row(waiting).ring_at, world.row(waiting).lease_until) == (ring, None)


def test_what_is_not_committed_is_not_asked_about_again(world: World, user: int) -> None:
    sent = world.order(user, status=OrderStatus.SUBMITTING, lease=60, rings=5)

    with world.units.begin() as unit:
        unit.orders([sent], OPEN)
        unit.ask_again({sent: 1.0})

    with world.units.begin() as unit:
        assert unit.abandoned([sent]).orders == []
    assert world.row(sent).rings == 5
