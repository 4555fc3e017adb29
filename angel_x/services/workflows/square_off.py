"""Square-off: closing the positions of an account, short positions first.

The workflow stores the selection and the orders sent so far.  All other state is read from the
database on each attempt, so an attempt continues where the former one ended.
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
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import (
    EXIT_PREFIX,
    OrderRequest,
    OrderType,
    Priority,
    Product,
    Validity,
)
from angel_x.domain.workflows.square_off import (
    ExitOrder,
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
from angel_x.services.ports import Dispatcher
from angel_x.services.trading.cancel_all import CancelAll
from angel_x.services.trading.execution import Execution
from angel_x.services.trading_hours import TradingHours
from angel_x.services.workflows.exits import Exits
from angel_x.services.workflows.workflows import Workflows, WorkflowUnit

log = structlog.get_logger()

#: The most orders of one round; a larger position takes several.
_AT_A_TIME = 100
#: The most rounds of one attempt, each of which must close something.
_ROUNDS = 20
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 15.0
_AVERAGE = Decimal("0.0001")


class Holdings(Protocol):
    """Reads of positions and open orders."""

    def open_orders(self, user_id: int, selection: OrderSelection) -> list[int]:
        """Return the ids of open orders that are no exits, oldest first."""

    def open_exits(self, user_id: int, selection: OrderSelection) -> list[int]:
        """Return the ids of open exits."""

    def positions(self, user_id: int, selection: OrderSelection) -> list[Holding]:
        """Return the open positions, the largest short one first."""

    def named(self, user_id: int, names: Sequence[str]) -> list[int]:
        """Return the ids of orders with one of these client order ids, oldest first."""

    def accounts(self) -> list[int]:
        """Return the accounts with positions or open orders."""

    def legs(self, order_ids: Sequence[int]) -> list[LegRow]:
        """Return orders aggregated by contract, product and side."""


@dataclass(slots=True)
class _Plan:
    """The stored specification of a square-off."""

    workflow: Workflow
    selection: OrderSelection
    #: The time at which it is given up, UTC: the close of the session of its start.
    ends_at: datetime
    reason: CancelReason
    #: The orders sent so far; their client order ids count the positions here from one.
    order_ids: list[int] = field(default_factory=list)
    #: The number of consecutive attempts that closed nothing.
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
    """Starts, advances and reads square-offs."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        holdings: Holdings,
        cancel_all: CancelAll,
        acceptance: Acceptance,
        execution: Execution,
        exits: Exits,
        hours: TradingHours,
        dispatcher: Dispatcher,
    ) -> None:
        self._workflows = workflows
        self._holdings = holdings
        self._cancel_all = cancel_all
        self._acceptance = acceptance
        self._execution = execution
        self._exits = exits
        self._hours = hours
        self._dispatcher = dispatcher

    def accounts(self) -> list[int]:
        """Return the accounts that a square-off of the system concerns."""
        return self._holdings.accounts()

    def start(
        self,
        user_id: int,
        selection: OrderSelection,
        *,
        key: str,
        actor: str,
        reason: CancelReason = CancelReason.SQUARED_OFF,
    ) -> tuple[Workflow, bool]:
        """Store a square-off and ring for it; the second value is whether it is new.

        A second call with the same key returns the same square-off, and rings again while it runs.

        Raises:
            UnknownContract: The symbol or underlying is not listed, and the account has neither
                positions nor open orders in it.
            IdempotencyConflict: The key belongs to a square-off of another selection.
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
                "ends_at": self._hours.next_close().isoformat(),
                "order_ids": [],
                "stalls": 0,
            },
            actor=actor,
        )
        if workflow.status is WorkflowStatus.RUNNING:
            self._dispatcher.advance(workflow.id, emergency=True)
        return workflow, is_new

    def advance(self, unit: WorkflowUnit) -> None:
        """Cancel open orders, then close positions, until flat or without progress.

        Outside of a session positions wait for the next one.
        """
        plan = _Plan.of(unit.workflow)
        # Two square-offs of one account would both buy back the same short position.
        if not unit.alone():
            unit.save(due_in=_FIRST_PAUSE_SECONDS)
            return
        progressed = False
        for _ in range(_ROUNDS):
            if not self._settled(plan):
                break
            self._cancel_all.sweep(
                plan.workflow.user_id, plan.selection, actor="square-off", reason=plan.reason
            )
            held = self._held(plan)
            if not held or self._is_over(plan) or not self._hours.is_open():
                break
            self._send(plan, list(islice(self._exits.of(held), _AT_A_TIME)))
            closed = units_held(held) - units_held(self._held(plan))
            progressed = progressed or closed > 0
            if closed <= 0:
                break
        self._conclude(unit, plan, progressed=progressed)

    def withdraw(self, workflow: Workflow) -> None:
        """Do nothing: exits never rest, and can only reduce a position."""

    def read(self, user_id: int, workflow_id: int) -> SquareOffRecord:
        """Return a square-off with its progress.

        Raises:
            WorkflowNotFound: The account has no square-off of this id.
        """
        workflow = self._workflows.read(user_id, workflow_id)
        if workflow is None or workflow.kind is not WorkflowKind.SQUARE_OFF:
            raise WorkflowNotFound("square-off", str(workflow_id))
        return self.record(workflow)

    def record(self, workflow: Workflow) -> SquareOffRecord:
        """Return the progress of a square-off."""
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
        """Refuse an unknown symbol or underlying, which would otherwise be reported as flat."""
        unknown = self._exits.unlisted(selection)
        if unknown is None:
            return
        if self._holdings.positions(user_id, selection) or self._holdings.open_orders(
            user_id, selection
        ):
            return
        raise UnknownContract(*unknown)

    def _settled(self, plan: _Plan) -> bool:
        """Decide earlier exits, also those of a process that died; return whether none is open."""
        user_id = plan.workflow.user_id
        plan.order_ids += self._holdings.named(user_id, plan.names(_AT_A_TIME))
        if waiting := self._holdings.open_exits(user_id, plan.selection):
            self._execution.run_exactly(waiting)
            return not self._holdings.open_exits(user_id, plan.selection)
        return True

    def _send(self, plan: _Plan, exits: Sequence[ExitOrder]) -> None:
        """Store exits and decide them at once; after a crash the relay rings for them."""
        requests = tuple(
            OrderRequest(
                client_order_id=name,
                symbol=leg.symbol,
                side=leg.side,
                quantity=leg.quantity,
                order_type=OrderType.MARKET,
                # The rest that does not trade is sent as a new order at a later quote.
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

    def _conclude(self, unit: WorkflowUnit, plan: _Plan, *, progressed: bool) -> None:
        """Finish if nothing is left, else schedule another attempt, with longer pauses after stalls."""
        if not self._held(plan) and not self._open(plan):
            log.info("square_off.finished", workflow_id=plan.workflow.id)
            outcome = self._outcome(plan)
            unit.finish(WorkflowStatus.DONE, outcome, spec=plan.spec)
            return
        if self._is_over(plan):
            self._give_up(unit, plan)
            return
        plan.stalls = 0 if progressed else plan.stalls + 1
        unit.save(plan.spec, due_in=plan.pause_seconds)

    def _give_up(self, unit: WorkflowUnit, plan: _Plan) -> None:
        outcome = self._outcome(plan)
        log.error("square_off.given_up", workflow_id=plan.workflow.id, left=len(outcome["left"]))
        unit.finish(WorkflowStatus.FAILED, outcome, spec=plan.spec)

    def _outcome(self, plan: _Plan) -> dict[str, Any]:
        left = self._left(plan, self._holdings.legs(plan.order_ids))
        waiting = len(self._open(plan))
        return {
            "flat": not left and not waiting,
            "open_orders": waiting,
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

    def _is_over(self, plan: _Plan) -> bool:
        return self._hours.market_clock() >= plan.ends_at

    def _held(self, plan: _Plan) -> list[Holding]:
        """Return the positions that trading can close; what has expired awaits its settlement."""
        return [holding for holding in self._positions(plan) if not holding.has_expired]

    def _positions(self, plan: _Plan) -> list[Holding]:
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
                reason=DenialReason.CONTRACT_EXPIRED
                if held.has_expired
                else reasons.get((held.symbol, held.product)),
            )
            for held in self._positions(plan)
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
