"""Square-off: closing the positions of an account, short positions first.

The workflow stores the selection and the orders sent so far.  All other state is read from the
database on each attempt, so an attempt continues where the former one ended.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import islice

import structlog

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Validity
from angel_x.domain.workflows.square_off import ExitOrder, SquareOffRecord, units_held
from angel_x.domain.workflows.workflow import Workflow, WorkflowKind, WorkflowStatus
from angel_x.errors import AngelXError, UnknownContract, WorkflowNotFound
from angel_x.services.intake.acceptance import Acceptance, Submission
from angel_x.services.ports import Dispatcher
from angel_x.services.trading.cancel_all import CancelAll
from angel_x.services.trading.execution import Execution
from angel_x.services.trading_hours import TradingHours
from angel_x.services.workflows.exits import Exits
from angel_x.services.workflows.square_off_plan import FIRST_PAUSE_SECONDS, SquareOffPlan, wanted_by
from angel_x.services.workflows.square_off_progress import Holdings, Progress
from angel_x.services.workflows.workflows import Workflows, WorkflowUnit

log = structlog.get_logger()

#: The most orders of one round; a larger position takes several.
_AT_A_TIME = 100
#: The most rounds of one attempt, each of which must close something.
_ROUNDS = 20


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
        self.progress = Progress(holdings)

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
        wanted = wanted_by(selection)
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
        plan = SquareOffPlan.of(unit.workflow)
        # Two square-offs of one account would both buy back the same short position.
        if not unit.alone():
            unit.save(due_in=FIRST_PAUSE_SECONDS)
            return
        progressed = False
        for _ in range(_ROUNDS):
            if not self._settled(plan):
                break
            self._cancel_all.sweep(
                plan.workflow.user_id, plan.selection, actor="square-off", reason=plan.reason
            )
            held = self.progress.held(plan)
            if not held or self._is_over(plan) or not self._hours.is_open():
                break
            self._send(plan, list(islice(self._exits.of(held), _AT_A_TIME)))
            closed = units_held(held) - units_held(self.progress.held(plan))
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
        return self.progress.record(workflow)

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

    def _settled(self, plan: SquareOffPlan) -> bool:
        """Decide earlier exits, also those of a process that died; return whether none is open."""
        user_id = plan.workflow.user_id
        plan.order_ids += self._holdings.named(user_id, plan.names(_AT_A_TIME))
        if waiting := self._holdings.open_exits(user_id, plan.selection):
            self._execution.run_exactly(waiting)
            return not self._holdings.open_exits(user_id, plan.selection)
        return True

    def _send(self, plan: SquareOffPlan, exits: Sequence[ExitOrder]) -> None:
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

    def _conclude(self, unit: WorkflowUnit, plan: SquareOffPlan, *, progressed: bool) -> None:
        """Finish if nothing is left, else schedule another attempt, with longer pauses after stalls."""
        if not self.progress.held(plan) and not self.progress.open(plan):
            log.info("square_off.finished", workflow_id=plan.workflow.id)
            outcome = self.progress.outcome(plan)
            unit.finish(WorkflowStatus.DONE, outcome, spec=plan.spec)
            return
        if self._is_over(plan):
            self._give_up(unit, plan)
            return
        plan.stalls = 0 if progressed else plan.stalls + 1
        unit.save(plan.spec, due_in=plan.pause_seconds)

    def _give_up(self, unit: WorkflowUnit, plan: SquareOffPlan) -> None:
        outcome = self.progress.outcome(plan)
        log.error("square_off.given_up", workflow_id=plan.workflow.id, left=len(outcome["left"]))
        unit.finish(WorkflowStatus.FAILED, outcome, spec=plan.spec)

    def _is_over(self, plan: SquareOffPlan) -> bool:
        return self._hours.market_clock() >= plan.ends_at
