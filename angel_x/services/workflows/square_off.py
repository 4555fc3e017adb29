"""Square-off: from whatever an account holds to flat, short positions first.

The workflow holds what was asked for and the orders sent so far.  Everything else is read from the
database on each attempt, so it goes on wherever the one before has ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from hashlib import blake2b
from itertools import islice
from typing import Any, Protocol

import structlog

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import (
    EXIT_PREFIX,
    OrderRequest,
    OrderType,
    Priority,
    Product,
    Validity,
)
from angel_x.domain.workflows.square_off import (
    Exit,
    Holding,
    LegRow,
    Remainder,
    SquareOffLeg,
    SquareOffRecord,
    units_held,
)
from angel_x.domain.workflows.workflow import Workflow, WorkflowKind, WorkflowStatus
from angel_x.errors import AngelXError, UnknownContract, WorkflowNotFound
from angel_x.services.intake.acceptance import Acceptance, Submission
from angel_x.services.ports import Clock, Dispatcher
from angel_x.services.trading.cancel_all import CancelAll
from angel_x.services.trading.execution import Execution
from angel_x.services.workflows.exits import Exits
from angel_x.services.workflows.workflows import Workflows, WorkflowUnit

log = structlog.get_logger()

#: Orders that one round sends at most; a larger position takes several.
_AT_A_TIME = 100
#: Rounds that one attempt makes at most while each of them gets on.
_ROUNDS = 20
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 15.0
_AVERAGE = Decimal("0.0001")


class Holdings(Protocol):
    """Reads of positions and open orders."""

    def open_orders(self, user_id: int, selection: OrderSelection) -> list[int]:
        """Return the orders that are open, oldest first, and none of a square-off."""

    def open_exits(self, user_id: int, selection: OrderSelection) -> list[int]:
        """Return the orders of square-offs that are open."""

    def positions(self, user_id: int, selection: OrderSelection) -> list[Holding]:
        """Return the open positions, the largest short one first."""

    def named(self, user_id: int, names: Sequence[str]) -> list[int]:
        """Return the orders of an account that have one of these client order ids, oldest first."""

    def legs(self, order_ids: Sequence[int]) -> list[LegRow]:
        """Return what these orders have come to, by contract, product and side."""


@dataclass(slots=True)
class _Plan:
    """What the specification of a workflow says."""

    workflow: Workflow
    selection: OrderSelection
    #: When it is given up, UTC: the close of the session in which it was asked for.
    ends_at: datetime
    reason: CancelReason
    #: Sent so far; the number of each is its place here, from one on.
    order_ids: list[int] = field(default_factory=list)
    #: Attempts, one after the other, that closed nothing.
    stalls: int = 0

    @classmethod
    def of(cls, workflow: Workflow) -> _Plan:
        spec = workflow.spec
        return cls(
            workflow,
            _selection(spec),
            datetime.fromisoformat(spec["ends_at"]),
            CancelReason(spec["reason"]),
            list(spec["order_ids"]),
            spec["stalls"],
        )

    @property
    def spec(self) -> dict[str, Any]:
        return {**self.workflow.spec, "order_ids": self.order_ids, "stalls": self.stalls}

    @property
    def pause_seconds(self) -> float:
        return min(_FIRST_PAUSE_SECONDS * 2.0 ** min(self.stalls, 10), _LONGEST_PAUSE_SECONDS)

    def names(self, count: int) -> list[str]:
        """Return the client order ids of the next orders."""
        sent = len(self.order_ids)
        return [f"{EXIT_PREFIX}{self.workflow.id} {sent + n}" for n in range(1, count + 1)]


class SquareOff:
    """Starts square-offs, advances them, and says how far they are."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        holdings: Holdings,
        cancel_all: CancelAll,
        acceptance: Acceptance,
        execution: Execution,
        exits: Exits,
        calendar: TradingCalendar,
        market_clock: Clock,
        dispatcher: Dispatcher,
    ) -> None:
        self._workflows = workflows
        self._holdings = holdings
        self._cancel_all = cancel_all
        self._acceptance = acceptance
        self._execution = execution
        self._exits = exits
        self._calendar = calendar
        self._market_clock = market_clock
        self._dispatcher = dispatcher

    def start(
        self,
        user_id: int,
        selection: OrderSelection,
        *,
        key: str,
        actor: str,
        reason: CancelReason = CancelReason.SQUARED_OFF,
    ) -> tuple[Workflow, bool]:
        """Store a square-off and ring for it; the second value says if it is new.

        A second call with the same key finds it, and rings again while it runs.

        Raises:
            UnknownContract: Nothing of that name is listed, and nothing is held or open there.
            IdempotencyConflict: The key stands for a square-off of something else.
        """
        self._check(user_id, selection)
        wanted = _wanted(selection)
        workflow, is_new = self._workflows.start(
            user_id,
            WorkflowKind.SQUARE_OFF,
            key,
            request_hash=blake2b(repr(sorted(wanted.items())).encode(), digest_size=16).digest(),
            spec={
                **wanted,
                "reason": reason.value,
                "ends_at": self._calendar.next_close(self._market_clock()).isoformat(),
                "order_ids": [],
                "stalls": 0,
            },
            actor=actor,
        )
        if workflow.status is WorkflowStatus.RUNNING:
            self._dispatcher.advance(workflow.id, emergency=True)
        return workflow, is_new

    def advance(self, unit: WorkflowUnit) -> None:
        """Cancel what is open, close what is held, and look again until nothing gets on."""
        plan = _Plan.of(unit.workflow)
        # Two of one account would both buy the same short position back.
        if not unit.alone():
            unit.save(due_in=_FIRST_PAUSE_SECONDS)
            return
        gets_on = False
        for _ in range(_ROUNDS):
            if not self._settled(plan):
                break
            self._cancel_all.sweep(
                plan.workflow.user_id, plan.selection, actor="square-off", reason=plan.reason
            )
            held = self._held(plan)
            if not held or self._is_over(plan):
                break
            self._send(plan, list(islice(self._exits.of(held), _AT_A_TIME)))
            closed = units_held(held) - units_held(self._held(plan))
            gets_on = gets_on or closed > 0
            if closed <= 0:
                break
        self._conclude(unit, plan, gets_on=gets_on)

    def withdraw(self, workflow: Workflow) -> None:
        """Leave its exits alone: they never rest, and can only reduce what is held."""

    def read(self, user_id: int, workflow_id: int) -> SquareOffRecord:
        """Return how far a square-off has come.

        Raises:
            WorkflowNotFound: The account has none of this id.
        """
        workflow = self._workflows.read(user_id, workflow_id)
        if workflow is None or workflow.kind is not WorkflowKind.SQUARE_OFF:
            raise WorkflowNotFound("square-off", str(workflow_id))
        return self.record(workflow)

    def record(self, workflow: Workflow) -> SquareOffRecord:
        """Return how far a square-off has come."""
        plan = _Plan.of(workflow)
        legs = self._holdings.legs(plan.order_ids)
        left = self._left(plan, legs)
        waiting = len(self._open(plan))
        if workflow.outcome is not None and "left" in workflow.outcome:
            left = tuple(map(_remainder, workflow.outcome["left"]))
            waiting = workflow.outcome["open_orders"]
        return SquareOffRecord(
            id=str(workflow.id),
            key=workflow.key,
            status=workflow.status,
            symbol=plan.selection.symbol,
            underlying=plan.selection.underlying,
            product=plan.selection.product,
            flat=_is_flat(workflow, left, waiting),
            legs=tuple(map(_leg, legs)),
            left=left,
            open_orders=waiting,
            created_at=workflow.created_at,
            finished_at=workflow.finished_at,
        )

    def _check(self, user_id: int, selection: OrderSelection) -> None:
        """Refuse a name that is not known, which would otherwise be reported as flat."""
        unknown = self._exits.unlisted(selection)
        if unknown is None:
            return
        if self._holdings.positions(user_id, selection) or self._holdings.open_orders(
            user_id, selection
        ):
            return
        raise UnknownContract(*unknown)

    def _settled(self, plan: _Plan) -> bool:
        """Bring earlier orders to an end, also those of a process that died after sending them."""
        user_id = plan.workflow.user_id
        plan.order_ids += self._holdings.named(user_id, plan.names(_AT_A_TIME))
        if waiting := self._holdings.open_exits(user_id, plan.selection):
            self._execution.run_exactly(waiting)
            return not self._holdings.open_exits(user_id, plan.selection)
        return True

    def _send(self, plan: _Plan, exits: Sequence[Exit]) -> None:
        """Store orders and decide them here and now; the relay knows them if this is the end."""
        requests = tuple(
            OrderRequest(
                client_order_id=name,
                symbol=leg.symbol,
                side=leg.side,
                quantity=leg.quantity,
                order_type=OrderType.MARKET,
                # What finds no counterpart is asked for again at the next quote, by a new order.
                validity=Validity.IOC,
                product=leg.product,
                priority=Priority.EMERGENCY,
            )
            for name, leg in zip(plan.names(len(exits)), exits, strict=True)
        )
        submission = Submission(plan.workflow.user_id, requests, actor=plan.workflow.actor)
        (outcome,) = self._acceptance.accept([submission])
        if isinstance(outcome, AngelXError):
            raise outcome
        sent = [order.order_id for order in outcome]
        plan.order_ids += sent
        self._execution.run_exactly(sent)

    def _conclude(self, unit: WorkflowUnit, plan: _Plan, *, gets_on: bool) -> None:
        """Finish where nothing is left; otherwise try again, later each time that nothing got on."""
        if not self._held(plan) and not self._open(plan):
            log.info("square_off.finished", workflow_id=plan.workflow.id)
            outcome = {"flat": True, "left": [], "open_orders": 0}
            unit.finish(WorkflowStatus.DONE, outcome, spec=plan.spec)
            return
        if self._is_over(plan):
            self._give_up(unit, plan)
            return
        plan.stalls = 0 if gets_on else plan.stalls + 1
        unit.save(plan.spec, due_in=plan.pause_seconds)

    def _give_up(self, unit: WorkflowUnit, plan: _Plan) -> None:
        left = self._left(plan, self._holdings.legs(plan.order_ids))
        log.error("square_off.given_up", workflow_id=plan.workflow.id, left=len(left))
        outcome = {
            "flat": False,
            "open_orders": len(self._open(plan)),
            "left": [
                {
                    "symbol": rest.symbol,
                    "product": rest.product.value,
                    "quantity": rest.quantity,
                    "reason": rest.reason,
                }
                for rest in left
            ],
        }
        unit.finish(WorkflowStatus.FAILED, outcome, spec=plan.spec)

    def _is_over(self, plan: _Plan) -> bool:
        return self._market_clock() >= plan.ends_at

    def _held(self, plan: _Plan) -> list[Holding]:
        return self._holdings.positions(plan.workflow.user_id, plan.selection)

    def _open(self, plan: _Plan) -> list[int]:
        user_id = plan.workflow.user_id
        return [
            *self._holdings.open_orders(user_id, plan.selection),
            *self._holdings.open_exits(user_id, plan.selection),
        ]

    def _left(self, plan: _Plan, legs: Sequence[LegRow]) -> tuple[Remainder, ...]:
        reasons = {(leg.symbol, leg.product): leg.reason for leg in legs}
        return tuple(
            Remainder(
                symbol=held.symbol,
                product=held.product,
                quantity=held.quantity,
                reason=reasons.get((held.symbol, held.product)),
            )
            for held in self._held(plan)
        )


def _is_flat(workflow: Workflow, left: Sequence[Remainder], waiting: int) -> bool:
    if workflow.outcome is not None:
        return bool(workflow.outcome.get("flat", False))
    return not left and not waiting


def _wanted(selection: OrderSelection) -> dict[str, str | None]:
    return {
        "symbol": selection.symbol,
        "underlying": selection.underlying,
        "product": None if selection.product is None else selection.product.value,
    }


def _selection(spec: dict[str, Any]) -> OrderSelection:
    product = spec["product"]
    return OrderSelection(
        symbol=spec["symbol"],
        underlying=spec["underlying"],
        product=None if product is None else Product(product),
    )


def _leg(row: LegRow) -> SquareOffLeg:
    filled = row.filled_quantity
    return SquareOffLeg(
        symbol=row.symbol,
        product=row.product,
        side=row.side,
        orders=row.orders,
        filled_quantity=filled,
        average_price=(row.traded_value / filled).quantize(_AVERAGE) if filled else None,
        status=row.status,
        reason=row.reason,
    )


def _remainder(row: dict[str, Any]) -> Remainder:
    return Remainder(
        symbol=row["symbol"],
        product=Product(row["product"]),
        quantity=row["quantity"],
        reason=row["reason"],
    )
