"""Baskets: acceptance and status."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from typing import Any

import msgspec

from angel_x.domain.records.order_record import OrderFilter, OrderRecord
from angel_x.domain.workflows.basket import (
    BasketRecord,
    BasketRequest,
    BasketResult,
    OnRefusal,
    is_exit,
    leg_name,
)
from angel_x.domain.workflows.workflow import Workflow, WorkflowKind
from angel_x.errors import WorkflowNotFound
from angel_x.services.intake.acceptance import Submission, fingerprint
from angel_x.services.intake.submissions import Submissions
from angel_x.services.ports import Dispatcher
from angel_x.services.workflows.basket_orders import BasketOrders
from angel_x.services.workflows.workflows import Workflows

#: Above every id, and more than a basket has orders.
_NEWEST, _ALL = 2**63 - 1, 10_000


#: Reads the orders of an account that pass a filter, newest first: those with a smaller id than the
#: third argument, and at most as many as the fourth says.
ReadOrders = Callable[[int, OrderFilter, int, int], list[OrderRecord]]


class Baskets:
    """Accepts baskets and reads them; their orders are stored at once and held."""

    def __init__(
        self,
        *,
        workflows: Workflows,
        orders: BasketOrders,
        read_orders: ReadOrders,
        submissions: Submissions,
        dispatcher: Dispatcher,
    ) -> None:
        self._workflows = workflows
        self._orders = orders
        self._read_orders = read_orders
        self._submissions = submissions
        self._dispatcher = dispatcher

    def submit(self, user_id: int, basket: BasketRequest, actor: str) -> tuple[BasketRecord, bool]:
        """Accept a basket; the second value says if it is new.

        A second call with the same name and content finds the first one's basket.

        Raises:
            InvalidOrder: With every fault of every leg; nothing is stored.
            IdempotencyConflict: A basket of other content has this name.
            QueueFull: Too many orders wait.
            OrderRateExceeded: Too many orders came in within a second.
        """
        workflow = self._workflows.named(user_id, WorkflowKind.BASKET, basket.basket_id)
        if workflow is None:
            self._submissions.admit(Submission(user_id, basket.orders, actor))
        workflow, is_new = self._workflows.start(
            user_id,
            WorkflowKind.BASKET,
            basket.basket_id,
            request_hash=_fingerprint(basket),
            spec=_spec(basket),
            actor=actor,
        )
        if is_new:
            self._orders.store_legs(workflow)
            self._dispatcher.advance(workflow.id, emergency=False)
        return self._record(workflow), is_new

    def read(self, user_id: int, basket_id: str) -> BasketRecord:
        """Return a basket by its name.

        Raises:
            WorkflowNotFound: The account has none of this name.
        """
        workflow = self._workflows.named(user_id, WorkflowKind.BASKET, basket_id)
        if workflow is None:
            raise WorkflowNotFound("basket", basket_id)
        return self._record(workflow)

    def _record(self, workflow: Workflow) -> BasketRecord:
        wanted = OrderFilter(basket_id=workflow.key)
        found = self._read_orders(workflow.user_id, wanted, _NEWEST, _ALL)[::-1]
        outcome: dict[str, Any] = workflow.outcome or {}
        return BasketRecord(
            basket_id=workflow.key,
            status=workflow.status,
            result=BasketResult(outcome["result"]) if "result" in outcome else None,
            on_refusal=OnRefusal(workflow.spec["on_refusal"]),
            refusals=tuple(outcome.get("refusals", ())),
            orders=tuple(order for order in found if not is_exit(order.client_order_id)),
            exits=tuple(order for order in found if is_exit(order.client_order_id)),
            created_at=workflow.created_at,
            finished_at=workflow.finished_at,
        )


def _spec(basket: BasketRequest) -> dict[str, Any]:
    named = [
        replace(request, client_order_id=leg_name(basket.basket_id, number))
        for number, request in enumerate(basket.orders, 1)
    ]
    return {"on_refusal": basket.on_refusal.value, "orders": msgspec.to_builtins(named)}


def _fingerprint(basket: BasketRequest) -> bytes:
    content = [fingerprint(replace(order, client_order_id="")) for order in basket.orders]
    return blake2b(repr((basket.on_refusal.value, content)).encode(), digest_size=16).digest()
