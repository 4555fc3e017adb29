"""A basket: orders that are checked together, hedges first, and what is to be done about it next.

Everything follows from where its orders stand, so whoever looks at it next goes on from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from angel_x.domain.orders.order import EXIT_PREFIX, OrderRequest, OrderStatus, Product, Side
from angel_x.domain.records.statement import OrderRecord
from angel_x.domain.workflows.workflow import WorkflowStatus

#: Units of an account by contract and product, negative where it is short.
Held = Mapping[tuple[str, Product], int]

#: How often it is tried to close what a leg has traded.
MAX_EXITS = 30


class OnRefusal(StrEnum):
    """What becomes of the legs that have traded when another one is refused."""

    KEEP = "keep"
    FLATTEN = "flatten"


class BasketResult(StrEnum):
    """How a basket has ended."""

    FILLED = "filled"
    """Every leg has traded in full."""

    REFUSED = "refused"
    """A leg was refused, or all of them together, and nothing has traded."""

    KEPT = "kept"
    """A leg was refused; what the others had traded is there."""

    FLATTENED = "flattened"
    """A leg was refused; what the others had traded was closed again."""

    STUCK = "stuck"
    """A leg was refused, and not all that had traded could be closed again."""


@dataclass(frozen=True, slots=True)
class BasketRequest:
    """What a caller asks for; the names of its orders are given by the basket."""

    basket_id: str
    orders: tuple[OrderRequest, ...]
    on_refusal: OnRefusal = OnRefusal.KEEP


@dataclass(frozen=True, slots=True)
class Leg:
    """An order of a basket as it stands: one that was asked for, or an exit from one."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    product: Product
    quantity: int
    filled_quantity: int
    status: OrderStatus
    reason: str | None
    #: Whether nobody may decide it yet.
    is_held: bool
    #: The orders that stand in the market for it: its slices, or itself.
    parts: tuple[int, ...]

    @property
    def is_refused(self) -> bool:
        return self.status.is_closed and self.status is not OrderStatus.FILLED

    @property
    def number(self) -> int:
        """Which leg it is, or is an exit from, counted from one."""
        return int(self.client_order_id.split(" ")[3 if self.is_exit else 2])

    @property
    def is_exit(self) -> bool:
        return is_exit(self.client_order_id)


class Deed(StrEnum):
    """What is to be done next."""

    CHECK = "check"
    RELEASE = "release"
    AWAIT = "await"
    CANCEL = "cancel"
    EXIT = "exit"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class Step:
    deed: Deed
    legs: tuple[Leg, ...] = ()


def leg_name(basket_id: str, number: int) -> str:
    """Return the client order id of a leg.  No caller's id has a space in it."""
    return f"basket {basket_id} {number}"


def exit_name(basket_id: str, number: int, attempt: int) -> str:
    """Return the client order id of an order that closes what a leg has traded.

    Its prefix makes it one that can only reduce a position.
    """
    return f"{EXIT_PREFIX}basket {basket_id} {number} {attempt}"


def is_exit(client_order_id: str) -> bool:
    """Return whether an order of a basket closes what a leg has traded."""
    return client_order_id.startswith(EXIT_PREFIX)


def next_step(orders: Sequence[Leg], on_refusal: OnRefusal, held: Held) -> Step:
    """Return what is to be done, given all orders of a basket and what its account holds."""
    legs = [leg for leg in orders if not leg.is_exit]
    exits = [leg for leg in orders if leg.is_exit]
    if any(leg.is_refused for leg in legs):
        if open_legs := tuple(leg for leg in legs if not leg.status.is_closed):
            return Step(Deed.CANCEL, open_legs)
        return (
            _exit_step(legs, exits, held) if on_refusal is OnRefusal.FLATTEN else Step(Deed.FINISH)
        )
    if all(leg.is_held for leg in legs):
        return Step(Deed.CHECK, tuple(legs))
    for stage in stages(legs):
        if step := _stage_step(stage):
            return step
    return Step(Deed.FINISH)


def stages(legs: Sequence[Leg]) -> list[tuple[Leg, ...]]:
    """Return the legs in the order in which they may trade: purchases hedge, so they come first."""
    by_side = (tuple(leg for leg in legs if leg.side is side) for side in (Side.BUY, Side.SELL))
    return [stage for stage in by_side if stage]


def left(orders: Sequence[Leg]) -> dict[int, int]:
    """Return the units of each leg that have traded and were not closed again, where there are any."""
    units: dict[int, int] = {}
    for leg in orders:
        traded = -leg.filled_quantity if leg.is_exit else leg.filled_quantity
        units[leg.number] = units.get(leg.number, 0) + traded
    return {number: count for number, count in units.items() if count}


def closable(orders: Sequence[Leg], held: Held) -> dict[int, int]:
    """Return the units of each leg that can be closed again: what is left, as far as it is held.

    Whatever its owner or a square-off closed in the meantime is closed; once more would open it on
    the other side.
    """
    units, rest = left(orders), dict(held)
    found: dict[int, int] = {}
    for leg in orders:
        if leg.is_exit or leg.number not in units:
            continue
        place, sign = (leg.symbol, leg.product), leg.side.sign
        count = min(units[leg.number], sign * rest.get(place, 0))
        if count > 0:
            found[leg.number] = count
            rest[place] -= sign * count
    return found


def result(orders: Sequence[Leg], on_refusal: OnRefusal, held: Held) -> BasketResult:
    """Return how a basket has ended for which nothing is left to do."""
    legs = [leg for leg in orders if not leg.is_exit]
    if not any(leg.is_refused for leg in legs):
        return BasketResult.FILLED
    if not any(leg.filled_quantity for leg in legs):
        return BasketResult.REFUSED
    if on_refusal is OnRefusal.KEEP:
        return BasketResult.KEPT
    return BasketResult.STUCK if closable(orders, held) else BasketResult.FLATTENED


def _stage_step(stage: tuple[Leg, ...]) -> Step | None:
    if held := tuple(leg for leg in stage if leg.is_held):
        return Step(Deed.RELEASE, held)
    standing = tuple(leg for leg in stage if not leg.status.is_closed)
    return Step(Deed.AWAIT, standing) if standing else None


def _exit_step(legs: Sequence[Leg], exits: Sequence[Leg], held: Held) -> Step:
    """Return the next step out of what has traded: what is short first, so that it stays hedged."""
    if step := _stage_step(tuple(exits)):
        return step
    units = closable([*legs, *exits], held)
    for side in (Side.SELL, Side.BUY):
        stage = [leg for leg in legs if leg.side is side and leg.number in units]
        if stage:
            tried = max(sum(e.number == leg.number for e in exits) for leg in stage)
            return Step(Deed.FINISH) if tried >= MAX_EXITS else Step(Deed.EXIT, tuple(stage))
    return Step(Deed.FINISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketRecord:
    """A basket as its owner sees it."""

    basket_id: str
    status: WorkflowStatus
    #: How it has ended, None while it runs.
    result: BasketResult | None
    on_refusal: OnRefusal
    #: Why legs were refused, one sentence each.
    refusals: tuple[str, ...] = ()
    orders: tuple[OrderRecord, ...]
    #: Orders that close what had traded.
    exits: tuple[OrderRecord, ...] = ()
    created_at: datetime
    finished_at: datetime | None
