"""Taking a basket on: its legs are checked together, hedges trade first, a refusal ends it.

The legs are ordinary orders that are held until their turn has come.  Their statuses decide the next
action, so any process continues where another one ended.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import structlog

from angel_x.domain.book.claim import Claim
from angel_x.domain.book.what_if import what_if
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import OPEN, OrderStatus, Side
from angel_x.domain.workflows.basket import (
    BasketAction,
    BasketResult,
    Held,
    Leg,
    NextAction,
    OnRefusal,
    next_action,
    result,
    stages,
)
from angel_x.domain.workflows.workflow import Workflow, WorkflowStatus
from angel_x.services.trading.execution import Execution
from angel_x.services.trading.transaction import Steps
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.trading_hours import TradingHours
from angel_x.services.units import Unit, Units
from angel_x.services.workflows.basket_orders import ACTOR, BasketOrders
from angel_x.services.workflows.workflows import WorkflowUnit

log = structlog.get_logger()

_RECEIVED = frozenset({OrderStatus.RECEIVED})
#: Steps that one attempt takes at most.
_STEPS = 20
#: Pause between two looks at resting legs, and before the next exit after one without a counterpart.
_PAUSE_SECONDS = 1.0
#: Pause between two looks while the market is closed.
_CLOSED_SECONDS = 5.0


#: Reads the legs and exits of a basket by the id of its workflow, oldest first; a sliced one as its
#: parent order.
ReadLegs = Callable[[int], list[Leg]]


class BasketAdvancer:
    """Advances baskets."""

    def __init__(
        self,
        *,
        read_legs: ReadLegs,
        orders: BasketOrders,
        units: Units,
        venue: Venue,
        desk: VenueDesk,
        execution: Execution,
        hours: TradingHours,
    ) -> None:
        self._read_legs = read_legs
        self._orders = orders
        self._units = units
        self._venue = venue
        self._desk = desk
        self._execution = execution
        self._hours = hours

    def advance(self, unit: WorkflowUnit) -> None:
        """Take every action that is possible now, then save or finish the workflow.

        Outside of a session the basket waits.
        """
        if not self._hours.is_open():
            unit.save(due_in=_CLOSED_SECONDS)
            return
        workflow, choice = unit.workflow, OnRefusal(unit.workflow.spec["on_refusal"])
        has_exited: set[Side] = set()
        for _ in range(_STEPS):
            orders = self._read_legs(workflow.id)
            if not orders:
                self._orders.store_legs(workflow)
                continue
            held = self._held(workflow.user_id, orders)
            action = next_action(orders, choice, held)
            if action.kind is BasketAction.FINISH:
                ended = result(orders, choice, held)
                self._finish(unit, orders, ended)
                return
            if action.kind is BasketAction.EXIT and action.legs[0].side in has_exited:
                break
            if not self._do(action, workflow, orders, held):
                break
            if action.kind is BasketAction.EXIT:
                has_exited.add(action.legs[0].side)
        unit.save(due_in=_PAUSE_SECONDS)

    def withdraw(self, workflow: Workflow) -> None:
        """Cancel every leg that is open, those that are held back too."""
        legs = self._read_legs(workflow.id)
        self._cancel([part for leg in legs if not leg.status.is_closed for part in leg.parts])

    def _do(
        self, action: NextAction, workflow: Workflow, orders: Sequence[Leg], held: Held
    ) -> bool:
        """Take an action; return whether there may be another one at once."""
        parts = [part for leg in action.legs for part in leg.parts]
        match action.kind:
            case BasketAction.CHECK:
                self._check(action.legs)
            case BasketAction.RELEASE:
                self._release(parts)
            case BasketAction.AWAIT:
                return self._execution.run_exactly(parts) > 0
            case BasketAction.CANCEL:
                self._cancel(parts)
            case BasketAction.EXIT:
                self._orders.store_exits(workflow, action.legs, orders, held)
        return True

    def _held(self, user_id: int, orders: Sequence[Leg]) -> Held:
        """Return the positions of the account in the contracts of the basket, once a leg was refused."""
        if not any(leg.is_refused for leg in orders):
            return {}
        places = {(leg.symbol, leg.product) for leg in orders}
        with self._units.begin() as unit:
            book = unit.holdings(user_id, places)
        return {(p.symbol, p.product): p.quantity for p in book.positions.values()}

    def _check(self, legs: Sequence[Leg]) -> None:
        """Release the first legs if the account can bear all of them, else deny them all."""
        parts = [part for leg in legs for part in leg.parts]
        first = [part for leg in stages(legs)[0] for part in leg.parts]

        def decide(unit: Unit, claimed: Claim) -> bool:
            orders, book = claimed
            if len(orders) < len(parts):
                # One of them was taken off in the meantime, which is the next thing to look at.
                return False
            self._desk.begin_day(book)
            self._desk.read_risks(book)
            refusals = what_if(book, orders, self._venue.preview(orders)).refusals
            numbers = {part: leg.number for leg in legs for part in leg.parts}
            why = [f"leg {numbers[i]}: {reason.value}" for i, reason in refusals.items()]
            if refusals:
                for order in orders:
                    detail = ", ".join(dict.fromkeys(why))
                    book.deny(order, DenialReason.BASKET_REFUSED, detail)
            else:
                unit.release(first)
            return True

        self._run(parts, _RECEIVED, decide)

    def _release(self, parts: Sequence[int]) -> None:
        def decide(unit: Unit, _claimed: Claim) -> bool:
            unit.release(parts)
            return True

        self._run(parts, _RECEIVED, decide)

    def _cancel(self, parts: Sequence[int]) -> None:
        def decide(_unit: Unit, claimed: Claim) -> bool:
            self._desk.withdraw(claimed.book, claimed.orders, CancelReason.BASKET_REFUSED)
            return bool(claimed.orders)

        self._run(parts, OPEN, decide)

    def _run(
        self,
        parts: Sequence[int],
        statuses: Collection[OrderStatus],
        decide: Callable[[Unit, Claim], bool],
    ) -> None:
        self._desk.run(
            lambda unit: unit.orders(parts, statuses), decide, actor=ACTOR, steps=Steps()
        )

    def _finish(self, unit: WorkflowUnit, orders: Sequence[Leg], ended: BasketResult) -> None:
        is_done = ended is BasketResult.FILLED
        refusals = [
            f"leg {leg.number} is {leg.status}: {leg.reason}"
            for leg in orders
            if leg.is_refused and not leg.is_exit
        ]
        unit.finish(
            WorkflowStatus.DONE if is_done else WorkflowStatus.FAILED,
            {"result": ended.value, "refusals": refusals},
        )
        log.info("basket.finished", workflow_id=unit.workflow.id, result=ended.value)
