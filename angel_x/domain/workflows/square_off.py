"""Square-off: open positions, the exits that close them, and the progress."""

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
    #: The contract has ceased to trade: the position awaits its settlement.
    has_expired: bool = False


@dataclass(frozen=True, slots=True)
class LegRow:
    """The orders of one contract, product and side, aggregated."""

    symbol: str
    product: Product
    side: Side
    orders: int
    filled_quantity: int
    #: Rupees.
    traded_value: Decimal
    #: Status and reason of the newest order.
    status: OrderStatus
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareOffLeg:
    """The fills of a square-off in one contract and product, over all of its orders."""

    symbol: str
    product: Product
    side: Side
    orders: int
    filled_quantity: int
    #: Rupees a unit, to four places; None where nothing has traded.
    average_price: Decimal | None
    #: Status and reason of the newest order: the cause of an unfinished leg.
    status: OrderStatus
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remainder:
    """A position that is still open, with the reason of the last order that did not close it."""

    symbol: str
    product: Product
    quantity: int
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SquareOffRecord:
    """The progress of a square-off; it is over once its status is not *running*."""

    id: str
    key: str
    status: WorkflowStatus
    symbol: str | None
    underlying: str | None
    product: Product | None
    #: Whether its positions and open orders are all closed; of a finished one, at its end.
    flat: bool
    legs: tuple[SquareOffLeg, ...]
    left: tuple[Remainder, ...]
    #: The number of open orders that are not canceled yet.
    open_orders: int
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class ExitOrder:
    """One order that closes a position or a part of it."""

    symbol: str
    product: Product
    side: Side
    quantity: int


def next_exits(held: Sequence[Holding]) -> Iterator[tuple[Holding, Side]]:
    """Yield the positions to close now: short positions first, long ones once there are no shorts.

    Buying back a short position frees its margin; selling a long position first could remove the
    hedge of a short one.
    """
    shorts = [holding for holding in held if holding.quantity < 0]
    for holding in shorts or held:
        yield holding, Side.BUY if holding.quantity < 0 else Side.SELL


def sliced(holding: Holding, side: Side, largest: int) -> Iterator[ExitOrder]:
    """Yield exits of at most ``largest`` units that together close a position."""
    leaves = abs(holding.quantity)
    while leaves > 0:
        quantity = min(leaves, largest)
        yield ExitOrder(holding.symbol, holding.product, side, quantity)
        leaves -= quantity


def units_held(held: Iterable[Holding]) -> int:
    return sum(abs(holding.quantity) for holding in held)
