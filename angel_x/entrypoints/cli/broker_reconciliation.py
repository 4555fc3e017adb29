"""The result of a comparison with the broker, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from angel_x.domain.exchange.reconciliation import Reconciliation
from angel_x.entrypoints.presentation.printing import table

if TYPE_CHECKING:
    from rich.table import Table


def shown(result: Reconciliation) -> Iterator[Table | str]:
    """Yield the summary, the differences, and the orders of others."""
    yield (
        f"Compared {result.orders} orders, {result.executions} executions, {result.positions} positions "
        f"and the cash: {_outcome(result)}."
    )
    if result.differences:
        rows = [
            (each.kind.value, each.subject, each.broker, each.database)
            for each in result.differences
        ]
        yield table("Differences", ("kind", "of", "at the broker", "in the database"), rows)
    if result.foreign:
        orders = [
            (o.order_id, o.side, str(o.quantity), o.contract, str(o.filled), o.status)
            for o in result.foreign
        ]
        columns = ("order", "side", ">quantity", "contract", ">filled", "status")
        yield table("Foreign orders", columns, orders)


def _outcome(result: Reconciliation) -> str:
    if result.agrees:
        return "both sides agree"
    pending = f"{result.pending} orders are pending" if result.pending else ""
    unequal = f"{len(result.differences)} differences" if result.differences else ""
    return ", ".join(filter(None, (unequal, pending)))
