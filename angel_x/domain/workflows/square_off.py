"""Square-off: what an account holds, what it takes to be flat, and how far that has come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.workflows.workflow import WorkflowStatus


@dataclass(frozen=True, slots=True)
class Holding:
    """An open position."""

    symbol: str
    product: Product
    #: Units; negative where the account is short.
    quantity: int


@dataclass(frozen=True, slots=True)
class LegRow:
    """What some orders of one contract, product and side have come to together."""

    symbol: str
    product: Product
    side: Side
    orders: int
    filled_quantity: int
    #: Rupees.
    traded_value: Decimal
    #: Those of the newest order.
    status: OrderStatus
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareOffLeg:
    """What the square-off has traded of one contract and product, over all of its orders."""

    symbol: str
    product: Product
    side: Side
    orders: int
    filled_quantity: int
    #: Rupees a unit, to four places; None where nothing has traded.
    average_price: Decimal | None
    #: Of the newest order, which says why the leg is not there yet.
    status: OrderStatus
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """A position that is still open, and why the last order for it did not close it."""

    symbol: str
    product: Product
    quantity: int
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareOffRecord:
    """How far a square-off has come; it is over once its status is not *running*."""

    id: str
    key: str
    status: WorkflowStatus
    symbol: str | None
    underlying: str | None
    product: Product | None
    #: Nothing is held and nothing is open of what was to be squared off; of one that is over, this
    #: was so at its end.
    flat: bool
    legs: tuple[SquareOffLeg, ...]
    left: tuple[Remainder, ...]
    #: Orders that are open and could not be canceled yet.
    open_orders: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Exit:
    """One order that leads out of a position."""

    symbol: str
    product: Product
    side: Side
    quantity: int


def next_exits(held: Sequence[Holding]) -> Iterator[tuple[Holding, Side]]:
    """Yield what to close now: the short positions, and only without any the long ones.

    A short position that is bought back frees its margin; a long one sold first would take the
    hedge away from a short that is still there.
    """
    shorts = [holding for holding in held if holding.quantity < 0]
    for holding in shorts or held:
        yield holding, Side.BUY if holding.quantity < 0 else Side.SELL


def sliced(holding: Holding, side: Side, largest: int) -> Iterator[Exit]:
    """Yield orders of at most ``largest`` units that close a position together."""
    leaves = abs(holding.quantity)
    while leaves > 0:
        quantity = min(leaves, largest)
        yield Exit(holding.symbol, holding.product, side, quantity)
        leaves -= quantity


def units_held(held: Iterable[Holding]) -> int:
    return sum(abs(holding.quantity) for holding in held)
