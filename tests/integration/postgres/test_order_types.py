"""The orders table and the table of order types say the same."""

from __future__ import annotations

from itertools import product

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from angel_x.domain.orders.order import OrderType, Product, Validity
from angel_x.domain.orders.order_types import ORDER_TYPES

_LISTED = """
INSERT INTO users (name) VALUES ('demo');
INSERT INTO contracts VALUES
    ('NIFTY_25AUG26_1CE', 'NIFTY', '2026-08-25', 1, 'CE', 65, 0.05, 1800, '2026-08-25T10:10:00Z')
"""
_ORDER = text("""
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, order_type,
    limit_price, trigger_price, validity, product, priority, ring_at, valid_until)
VALUES (1, :name, '\\x00', 'NIFTY_25AUG26_1CE', 'BUY', 65, :order_type, :limit, :trigger, :validity,
    :product, 'normal', now(), now())
""")


def row(kind: OrderType) -> dict[str, object]:
    rules = ORDER_TYPES[kind]
    return {
        "name": "o",
        "order_type": kind.value,
        "limit": 100 if rules.has_limit else None,
        "trigger": 99 if rules.has_trigger else None,
        "validity": Validity.DAY.value,
        "product": Product.NORMAL.value,
    }


@pytest.fixture
def listed(engine: Engine) -> Engine:
    """A database with an account and a contract."""
    with engine.begin() as connection:
        connection.execute(text(_LISTED))
    return engine


@pytest.mark.parametrize("kind", OrderType)
def test_an_order_is_stored_with_all_that_its_type_allows(listed: Engine, kind: OrderType) -> None:
    rules = ORDER_TYPES[kind]
    allowed = product(rules.validities, rules.products)
    rows = [
        row(kind) | {"name": f"o{n}", "validity": validity.value, "product": wanted.value}
        for n, (validity, wanted) in enumerate(allowed)
    ]

    with listed.begin() as connection:
        connection.execute(_ORDER, rows)


@pytest.mark.parametrize("kind", [kind for kind, rules in ORDER_TYPES.items() if rules.has_limit])
def test_no_order_is_stored_without_the_limit_that_its_type_needs(
    listed: Engine, kind: OrderType
) -> None:
    with (
        pytest.raises(IntegrityError, match="orders_limit_has_price"),
        listed.begin() as connection,
    ):
        connection.execute(_ORDER, row(kind) | {"limit": None})


def test_no_order_is_stored_of_a_type_that_is_none(listed: Engine) -> None:
    with pytest.raises(IntegrityError), listed.begin() as connection:
        connection.execute(_ORDER, row(OrderType.MARKET) | {"order_type": "ICEBERG"})
