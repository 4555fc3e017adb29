"""The stored specification of a square-off."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from angel_x.domain.book.control import OrderSelection
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import EXIT_PREFIX, Product
from angel_x.domain.workflows.workflow import Workflow

FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 15.0


@dataclass(slots=True)
class SquareOffPlan:
    """The selection of a square-off, and its orders so far."""

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
    def of(cls, workflow: Workflow) -> SquareOffPlan:
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
        return min(FIRST_PAUSE_SECONDS * 2.0 ** min(self.stalls, 10), _LONGEST_PAUSE_SECONDS)

    def names(self, count: int) -> list[str]:
        """Return the client order ids of the next orders."""
        sent = len(self.order_ids)
        return [f"{EXIT_PREFIX}{self.workflow.id} {sent + n}" for n in range(1, count + 1)]


def wanted_by(selection: OrderSelection) -> dict[str, str | None]:
    """Return the stored form of a selection."""
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
