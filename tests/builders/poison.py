"""An order in memory that no transaction can read."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pytest

from angel_x.domain.book.claim import Claim
from angel_x.domain.orders.order import OrderStatus
from tests.fakes.units import MemoryUnit


def poison(bad: int, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every transaction in memory fail that reads an order."""
    orders = MemoryUnit.orders

    def fail(
        unit: MemoryUnit, order_ids: Sequence[int], statuses: Collection[OrderStatus]
    ) -> Claim:
        if bad in order_ids:
            raise error
        return orders(unit, order_ids, statuses)

    monkeypatch.setattr(MemoryUnit, "orders", fail)
