"""The progress of a square-off: its legs and the rest, read from orders and positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Product
from angel_x.domain.workflows.square_off import (
    Holding,
    LegRow,
    Remainder,
    SquareOffLeg,
    SquareOffRecord,
)
from angel_x.domain.workflows.workflow import Workflow
from angel_x.services.workflows.square_off_plan import SquareOffPlan

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

    def legs(self, order_ids: Sequence[int]) -> list[LegRow]:
        """Return orders aggregated by contract, product and side."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Reads the state of an account by the plan of a square-off."""

    holdings: Holdings

    def record(self, workflow: Workflow) -> SquareOffRecord:
        """Return the progress of a square-off."""
        plan = SquareOffPlan.of(workflow)
        legs = self.holdings.legs(plan.order_ids)
        left = self._left(plan, legs)
        waiting = len(self.open(plan))
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

    def outcome(self, plan: SquareOffPlan) -> dict[str, Any]:
        """Return the stored outcome of a plan that ends now."""
        left = self._left(plan, self.holdings.legs(plan.order_ids))
        waiting = len(self.open(plan))
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

    def held(self, plan: SquareOffPlan) -> list[Holding]:
        """Return the positions that trading can close; expired ones await their settlement."""
        return [holding for holding in self._positions(plan) if not holding.has_expired]

    def _positions(self, plan: SquareOffPlan) -> list[Holding]:
        return self.holdings.positions(plan.workflow.user_id, plan.selection)

    def open(self, plan: SquareOffPlan) -> list[int]:
        """Return the ids of open orders and open exits."""
        user_id = plan.workflow.user_id
        return [
            *self.holdings.open_orders(user_id, plan.selection),
            *self.holdings.open_exits(user_id, plan.selection),
        ]

    def _left(self, plan: SquareOffPlan, legs: Sequence[LegRow]) -> tuple[Remainder, ...]:
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
