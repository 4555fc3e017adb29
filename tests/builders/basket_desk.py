"""A desk that takes baskets as well."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import msgspec

from angel_x.domain.orders.order import OrderRequest
from angel_x.domain.workflows.basket import Leg, OnRefusal, leg_name
from angel_x.domain.workflows.workflow import Workflow, WorkflowKind
from angel_x.services.workflows.basket_advancer import BasketAdvancer
from angel_x.services.workflows.basket_orders import BasketOrders
from angel_x.services.workflows.workflows import Advance
from tests.builders.desk import ALL, Desk
from tests.fakes.basket_legs import MemoryBasketLegs


class BasketDesk(Desk):
    def __init__(self) -> None:
        super().__init__()
        self.everything = ALL
        self.legs = MemoryBasketLegs(self.tables)
        self.basket_orders = BasketOrders(self.acceptance, self.intake)
        self.basket_advancer = BasketAdvancer(
            read_legs=self.read_legs,
            orders=self.basket_orders,
            units=self.units,
            venue=self.venue,
            desk=self.desk,
            execution=self.execution,
            hours=self.exchange.hours,
        )
        self.advance = Advance(
            workflows=self.workflows,
            advancers={
                WorkflowKind.SQUARE_OFF: self.square_off,
                WorkflowKind.BASKET: self.basket_advancer,
            },
            publish=self.events.publish,
            transient=(ConnectionError,),
        )

    def read_legs(self, workflow_id: int) -> list[Leg]:
        """Read the legs by the present ``read`` of the fake, which a test may have replaced."""
        return self.legs.read(workflow_id)

    def submit(
        self, user: int, *legs: OrderRequest, on_refusal: OnRefusal = OnRefusal.KEEP
    ) -> Workflow:
        """Start a basket called `spread` and store its legs."""
        named = [
            replace(leg, client_order_id=leg_name("spread", number))
            for number, leg in enumerate(legs, 1)
        ]
        spec: dict[str, Any] = {
            "on_refusal": on_refusal.value,
            "orders": msgspec.to_builtins(named),
        }
        workflow, _ = self.workflows.start(
            user, WorkflowKind.BASKET, "spread", request_hash=b"", spec=spec, actor="ann"
        )
        self.basket_orders.store_legs(workflow)
        return workflow

    def step_basket(self, basket: Workflow) -> None:
        self.advance.run(basket.id)

    def forget_orders(self) -> None:
        """Lose every order, as if the process had ended before it stored them."""
        self.tables.rows.clear()
        self.intake.rows.clear()
        self.intake._ids = count(1)
