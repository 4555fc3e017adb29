"""The outcome of a submission as its sender reads it, over HTTP and from a message's result alike."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from angel_x.domain.records.order_record import OrderReceipt, OrderReceipts
from angel_x.entrypoints.presentation import problem
from angel_x.errors import AngelXError
from angel_x.services.intake.acceptance import Accepted
from angel_x.services.intake.submissions import Outcome


def receipts(accepted: Iterable[Accepted]) -> OrderReceipts:
    """Return a receipt for each order that was accepted."""
    return OrderReceipts(
        orders=tuple(
            OrderReceipt(
                order_id=str(order.order_id),
                client_order_id=order.client_order_id,
                status=order.status,
            )
            for order in accepted
        )
    )


def as_data(outcome: Outcome) -> object:
    """Return the receipts, or the problem, as plain JSON data."""
    if isinstance(outcome, AngelXError):
        return msgspec.to_builtins(problem.of_error(outcome))
    return msgspec.to_builtins(receipts(outcome))
