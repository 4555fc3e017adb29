"""A basket: orders that are checked together and traded hedges first, and its next action.

The next action depends only on the stored orders, so that any process can continue a basket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from angel_x.domain.orders.order import EXIT_PREFIX, OrderRequest, OrderStatus, Product, Side
from angel_x.domain.records.order_record import OrderRecord
from angel_x.domain.workflows.workflow import WorkflowStatus

#: Units of an account by contract and product, negative where it is short.
Held = Mapping[tuple[str, Product], int]

#: The most attempts to close the fills of a leg.
MAX_EXITS = 30


class OnRefusal(StrEnum):
    """Treatment of the fills when a leg is refused."""

    KEEP = "keep"
    FLATTEN = "flatten"


class BasketResult(StrEnum):
    """The result of a finished basket."""

    FILLED = "filled"
    """Every leg has traded in full."""

    REFUSED = "refused"
    """A leg was refused, or all of them together, and nothing has traded."""

    KEPT = "kept"
    """A leg was refused; the fills of the others are kept."""

    FLATTENED = "flattened"
    """A leg was refused; the fills of the others were closed again."""

    STUCK = "stuck"
    """A leg was refused, and not all fills of the others could be closed again."""


@dataclass(frozen=True, slots=True)
class BasketRequest:
    """The request of a caller; the client order ids of its orders are made from the basket id."""

    basket_id: str
    orders: tuple[OrderRequest, ...]
    on_refusal: OnRefusal = OnRefusal.KEEP


@dataclass(frozen=True, slots=True)
class Leg:
    """The present state of one order of a basket: a leg, or an exit from a leg."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    product: Product
    quantity: int
    filled_quantity: int
    status: OrderStatus
    reason: str | None
    #: Whether it must not be decided yet.
    is_held: bool
    #: The ids of its orders in the market: its slices, or itself.
    parts: tuple[int, ...]

    @property
    def is_refused(self) -> bool:
        return self.status.is_closed and self.status is not OrderStatus.FILLED

    @property
    def number(self) -> int:
        """The number of the leg, or of the leg that it is an exit from, counted from one."""
        return int(self.client_order_id.split(" ")[3 if self.is_exit else 2])

    @property
    def is_exit(self) -> bool:
        return is_exit(self.client_order_id)


class BasketAction(StrEnum):
    """The next action of a basket."""

    CHECK = "check"
    RELEASE = "release"
    AWAIT = "await"
    CANCEL = "cancel"
    EXIT = "exit"
    FINISH = "finish"


@dataclass(frozen=True, slots=True)
class NextAction:
    kind: BasketAction
    legs: tuple[Leg, ...] = ()


def leg_name(basket_id: str, number: int) -> str:
    """Return the client order id of a leg.  No caller's id has a space in it."""
    return f"basket {basket_id} {number}"


def exit_name(basket_id: str, number: int, attempt: int) -> str:
    """Return the client order id of an exit from a leg.

    An order with its prefix can only reduce a position.
    """
    return f"{EXIT_PREFIX}basket {basket_id} {number} {attempt}"


def is_exit(client_order_id: str) -> bool:
    """Return whether an order of a basket is an exit from a leg."""
    return client_order_id.startswith(EXIT_PREFIX)


def next_action(orders: Sequence[Leg], on_refusal: OnRefusal, held: Held) -> NextAction:
    """Return the next action of a basket, from all its orders and the positions of its account."""
    legs = [leg for leg in orders if not leg.is_exit]
    exits = [leg for leg in orders if leg.is_exit]
    if any(leg.is_refused for leg in legs):
        if open_legs := tuple(leg for leg in legs if not leg.status.is_closed):
            return NextAction(BasketAction.CANCEL, open_legs)
        return (
            _exit_action(legs, exits, held)
            if on_refusal is OnRefusal.FLATTEN
            else NextAction(BasketAction.FINISH)
        )
    if all(leg.is_held for leg in legs):
        return NextAction(BasketAction.CHECK, tuple(legs))
    for stage in stages(legs):
        if following := _stage_action(stage):
            return following
    return NextAction(BasketAction.FINISH)


def stages(legs: Sequence[Leg]) -> list[tuple[Leg, ...]]:
    """Return the legs by stage: purchases hedge, so they trade before sales."""
    by_side = (tuple(leg for leg in legs if leg.side is side) for side in (Side.BUY, Side.SELL))
    return [stage for stage in by_side if stage]


def left(orders: Sequence[Leg]) -> dict[int, int]:
    """Return the units of each leg that have traded and are not closed again; zeros are left out."""
    units: dict[int, int] = {}
    for leg in orders:
        traded = -leg.filled_quantity if leg.is_exit else leg.filled_quantity
        units[leg.number] = units.get(leg.number, 0) + traded
    return {number: count for number, count in units.items() if count}


def closable(orders: Sequence[Leg], held: Held) -> dict[int, int]:
    """Return the units of each leg that can be closed again: at most the position of the account.

    Units that the account or a square-off has closed in the meantime are not closed again, which
    would open a position on the other side.
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
    """Return the result of a basket whose next action is to finish."""
    legs = [leg for leg in orders if not leg.is_exit]
    if not any(leg.is_refused for leg in legs):
        return BasketResult.FILLED
    if not any(leg.filled_quantity for leg in legs):
        return BasketResult.REFUSED
    if on_refusal is OnRefusal.KEEP:
        return BasketResult.KEPT
    return BasketResult.STUCK if closable(orders, held) else BasketResult.FLATTENED


def _stage_action(stage: tuple[Leg, ...]) -> NextAction | None:
    if held := tuple(leg for leg in stage if leg.is_held):
        return NextAction(BasketAction.RELEASE, held)
    standing = tuple(leg for leg in stage if not leg.status.is_closed)
    return NextAction(BasketAction.AWAIT, standing) if standing else None


def _exit_action(legs: Sequence[Leg], exits: Sequence[Leg], held: Held) -> NextAction:
    """Return the next action of closing fills: short legs first, so that they stay hedged."""
    if following := _stage_action(tuple(exits)):
        return following
    units = closable([*legs, *exits], held)
    for side in (Side.SELL, Side.BUY):
        stage = [leg for leg in legs if leg.side is side and leg.number in units]
        if stage:
            tried = max(sum(e.number == leg.number for e in exits) for leg in stage)
            return (
                NextAction(BasketAction.FINISH)
                if tried >= MAX_EXITS
                else NextAction(BasketAction.EXIT, tuple(stage))
            )
    return NextAction(BasketAction.FINISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketRecord:
    """A basket as the API sends it to its account."""

    basket_id: str
    status: WorkflowStatus
    #: None while it runs.
    result: BasketResult | None
    on_refusal: OnRefusal
    #: The reasons of refused legs, one sentence each.
    refusals: tuple[str, ...] = ()
    orders: tuple[OrderRecord, ...]
    #: Orders that close the fills of legs.
    exits: tuple[OrderRecord, ...] = ()
    created_at: datetime
    finished_at: datetime | None
