"""Storing the orders of a basket: held, under names that follow from the basket and their place."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Side, Validity
from angel_x.domain.workflows.basket import Held, Leg, closable, exit_name
from angel_x.domain.workflows.workflow import Workflow
from angel_x.services.intake.acceptance import Acceptance, Intake, Submission

ACTOR = "basket"


class BasketOrders:
    """Stores legs and exits.  A second call stores nothing."""

    def __init__(self, acceptance: Acceptance, intake: Intake) -> None:
        self._acceptance = acceptance
        self._intake = intake

    def store_legs(self, workflow: Workflow) -> None:
        requests = msgspec.convert(workflow.spec["orders"], tuple[OrderRequest, ...])
        self._store(workflow, requests, workflow.actor)

    def store_exits(
        self, workflow: Workflow, legs: Sequence[Leg], orders: Sequence[Leg], held: Held
    ) -> None:
        """Store one more exit for the units that each of these legs has traded and still holds."""
        units = closable(orders, held)
        exits = []
        for leg in legs:
            attempt = 1 + sum(o.is_exit and o.number == leg.number for o in orders)
            name = exit_name(workflow.key, leg.number, attempt)
            exits.append(_exit(leg, units[leg.number], name))
        self._store(workflow, exits, ACTOR)

    def _store(self, workflow: Workflow, requests: Sequence[OrderRequest], actor: str) -> None:
        submission = Submission(workflow.user_id, tuple(requests), actor)
        self._intake.store(self._acceptance.rows(submission), actor, workflow.id)


def _exit(leg: Leg, quantity: int, name: str) -> OrderRequest:
    """Return the order that closes the traded units of a leg; no part of it rests."""
    return OrderRequest(
        client_order_id=name,
        symbol=leg.symbol,
        side=Side.SELL if leg.side is Side.BUY else Side.BUY,
        quantity=quantity,
        order_type=OrderType.MARKET,
        validity=Validity.IOC,
        product=leg.product,
        priority=Priority.EMERGENCY,
    )
