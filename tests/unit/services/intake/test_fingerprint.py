"""What makes two requests under one client order id the same."""

from __future__ import annotations

from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import pytest

from angel_x.domain.orders.order import OrderRequest, OrderType, Priority, Product, Side, Validity
from angel_x.services.intake.acceptance import fingerprint

REQUEST = OrderRequest("a", "NIFTY_25AUG26_24050CE", Side.BUY, 65, OrderType.LIMIT, Decimal("1.05"))
OTHER: dict[str, Any] = {
    "client_order_id": "b",
    "symbol": "NIFTY_25AUG26_24050PE",
    "side": Side.SELL,
    "quantity": 130,
    "order_type": OrderType.STOP_LIMIT,
    "limit_price": Decimal("1.10"),
    "trigger_price": Decimal("1.00"),
    "validity": Validity.IOC,
    "product": Product.INTRADAY,
    "priority": Priority.HIGH,
    "tag": "hedge",
}


def test_the_same_content_has_the_same_fingerprint() -> None:
    assert fingerprint(REQUEST) == fingerprint(replace(REQUEST))


def test_every_field_is_known_here() -> None:
    assert set(OTHER) == {field.name for field in fields(OrderRequest)}


@pytest.mark.parametrize("name", sorted(OTHER))
def test_every_field_counts(name: str) -> None:
    assert fingerprint(replace(REQUEST, **{name: OTHER[name]})) != fingerprint(REQUEST)


def test_a_stored_fingerprint_keeps_its_meaning() -> None:
    """Stored orders were hashed by earlier releases: a change here turns replays into conflicts."""
    assert fingerprint(REQUEST).hex() == "ed1d7bfb4411b1535aeb46f1489d6deb"
