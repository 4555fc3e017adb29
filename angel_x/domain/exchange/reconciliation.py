"""The comparison of the broker's books with ours: every difference, with both values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from angel_x.domain.orders.order import Side


class DifferenceKind(StrEnum):
    """A way in which the two books differ."""

    ORDER_ABSENT = "order_absent"
    """An order is open here, and the broker does not have it."""

    ORDER_UNRECORDED = "order_unrecorded"
    """The broker has an order under a tag of ours that the database does not have."""

    ORDER_DOUBLED = "order_doubled"
    """The broker has several orders under one tag."""

    ORDER_STATE = "order_state"
    """An order is open on one side and closed on the other."""

    ORDER_TERMS = "order_terms"
    """Contract, side, quantity or prices of an open order differ."""

    ORDER_FILLED = "order_filled"
    """The filled quantity of an order differs."""

    FILL_ABSENT = "fill_absent"
    """A fill is recorded here, and the broker has no such execution."""

    FILL_UNRECORDED = "fill_unrecorded"
    """The broker has an execution of an order of ours that is not recorded."""

    FILL_TERMS = "fill_terms"
    """Order, quantity or price of an execution differ."""

    POSITION = "position"
    """The units held of a contract differ."""

    FUNDS = "funds"
    """The cash differs by more than the tolerance."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: the order, execution or contract that it is about, and both values."""

    kind: DifferenceKind
    subject: str
    broker: str
    database: str


@dataclass(frozen=True, slots=True)
class StatedOrder:
    """An order as one side has it; prices are rupees, None where it has none."""

    contract: str
    side: Side
    quantity: int
    filled: int
    limit_price: Decimal | None
    trigger_price: Decimal | None
    is_open: bool

    @property
    def terms(self) -> str:
        """The terms that may differ, written out."""
        prices = f"at {_written(self.limit_price)}, trigger {_written(self.trigger_price)}"
        return f"{self.side} {self.quantity} {self.contract} {prices}"


@dataclass(frozen=True, slots=True)
class StatedExecution:
    """An execution as one side has it, in rupees a unit."""

    tag: str
    quantity: int
    price: Decimal

    @property
    def terms(self) -> str:
        """The terms that may differ, written out."""
        return f"{self.quantity} at {_written(self.price)} of {self.tag}"


#: A contract and a product.
Held = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class BookState:
    """Orders, executions, positions and cash as one side has them."""

    #: By tag.
    orders: Mapping[str, StatedOrder]
    #: By the venue's name of the execution.
    executions: Mapping[str, StatedExecution]
    #: Units, negative where short; a contract without any may be missing.
    positions: Mapping[Held, int]
    #: Rupees before margin and before the day's charges.
    cash: Decimal
    #: Tags with a request that is not answered yet.
    pending: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ForeignOrder:
    """An order at the broker that was placed by hand or by another program; it is never adopted."""

    order_id: str
    contract: str
    product: str
    side: str
    quantity: int
    filled: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerState:
    """The broker's side, without the orders of others and the units that they have traded today."""

    book: BookState
    foreign: tuple[ForeignOrder, ...] = ()
    #: The number of orders under each tag that has more than one.
    doubled: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The result of a comparison."""

    at: datetime
    #: Orders, executions and positions that were compared.
    orders: int
    executions: int
    positions: int
    #: Orders with a request that was not answered yet: they and their contracts were left out.
    pending: int
    foreign: tuple[ForeignOrder, ...]
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        """Return whether both sides are known to be equal: no difference, and nothing left out."""
        return not self.differences and not self.pending


def compare(broker: BrokerState, ours: BookState, *, tolerance: Decimal) -> list[Difference]:
    """Return the differences, in the order of their kinds; cash may differ by ``tolerance`` rupees.

    Orders with an unanswered request are left out, with their executions and the positions in their
    contracts, and so is the cash, which those executions move: which side is right is found by their tag.
    """
    theirs = broker.book
    return [
        *_doubled(broker.doubled),
        *_orders(theirs.orders, ours),
        *_executions(theirs.executions, ours),
        *_positions(theirs.positions, ours),
        *(() if ours.pending else _funds(theirs.cash, ours.cash, tolerance)),
    ]


def confirmed(first: Iterable[Difference], second: Iterable[Difference]) -> list[Difference]:
    """Return the differences that two comparisons have found alike: no others last."""
    seen = set(first)
    return [each for each in second if each in seen]


def _doubled(doubled: Mapping[str, int]) -> Iterator[Difference]:
    for tag, count in sorted(doubled.items()):
        yield Difference(DifferenceKind.ORDER_DOUBLED, tag, f"{count} orders", "1 order")


def _orders(theirs: Mapping[str, StatedOrder], ours: BookState) -> Iterator[Difference]:
    for tag in sorted((theirs.keys() | ours.orders.keys()) - ours.pending):
        there, here = theirs.get(tag), ours.orders.get(tag)
        if here is None and there is not None:
            yield Difference(DifferenceKind.ORDER_UNRECORDED, tag, there.terms, "absent")
        elif there is None and here is not None and here.is_open:
            yield Difference(DifferenceKind.ORDER_ABSENT, tag, "absent", here.terms)
        elif there is not None and here is not None:
            yield from _order(tag, there, here)


def _order(tag: str, there: StatedOrder, here: StatedOrder) -> Iterator[Difference]:
    if there.is_open is not here.is_open:
        yield Difference(DifferenceKind.ORDER_STATE, tag, _state(there), _state(here))
    elif there.is_open and there.terms != here.terms:
        yield Difference(DifferenceKind.ORDER_TERMS, tag, there.terms, here.terms)
    if there.filled != here.filled:
        yield Difference(DifferenceKind.ORDER_FILLED, tag, str(there.filled), str(here.filled))


def _executions(theirs: Mapping[str, StatedExecution], ours: BookState) -> Iterator[Difference]:
    for name in sorted(theirs.keys() | ours.executions.keys()):
        there, here = theirs.get(name), ours.executions.get(name)
        if ours.pending & {each.tag for each in (there, here) if each is not None}:
            continue
        if here is None and there is not None:
            yield Difference(DifferenceKind.FILL_UNRECORDED, name, there.terms, "absent")
        elif there is None and here is not None:
            yield Difference(DifferenceKind.FILL_ABSENT, name, "absent", here.terms)
        elif there is not None and here is not None and there.terms != here.terms:
            yield Difference(DifferenceKind.FILL_TERMS, name, there.terms, here.terms)


def _positions(theirs: Mapping[Held, int], ours: BookState) -> Iterator[Difference]:
    unsettled = {ours.orders[tag].contract for tag in ours.pending if tag in ours.orders}
    for held in sorted(theirs.keys() | ours.positions.keys()):
        there, here = theirs.get(held, 0), ours.positions.get(held, 0)
        if there != here and held[0] not in unsettled:
            yield Difference(DifferenceKind.POSITION, " ".join(held), str(there), str(here))


def _funds(theirs: Decimal, ours: Decimal, tolerance: Decimal) -> Iterator[Difference]:
    if abs(theirs - ours) > tolerance:
        yield Difference(DifferenceKind.FUNDS, "cash", _written(theirs), _written(ours))


def _state(order: StatedOrder) -> str:
    return "open" if order.is_open else "closed"


def _written(amount: Decimal | None) -> str:
    return "none" if amount is None else f"{amount:.2f}"
