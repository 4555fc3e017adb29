"""What each order type needs and allows, against a literal listing."""

from __future__ import annotations

import pytest

from angel_x.domain.orders.order import OrderType, Product, Validity
from angel_x.domain.orders.order_types import LIMITED, ORDER_TYPES, TAKEN, TRIGGERED, listed

#: Type, whether it has a limit and a trigger, and whether the exchange takes it.
ROWS = {
    "MARKET": (False, False, True),
    "LIMIT": (True, False, True),
    "SL": (True, True, True),
    "SL-M": (False, True, False),
}


def test_every_order_type_has_its_rules() -> None:
    found = {
        kind.value: (rules.has_limit, rules.has_trigger, rules.refusal is None)
        for kind, rules in ORDER_TYPES.items()
    }

    assert found == ROWS
    assert list(ORDER_TYPES) == list(OrderType)


def test_every_type_allows_every_validity_and_product() -> None:
    for rules in ORDER_TYPES.values():
        assert rules.validities == {Validity.DAY, Validity.IOC}
        assert rules.products == {Product.NORMAL, Product.INTRADAY}


def test_the_groups_of_types_follow_from_the_rules() -> None:
    assert {kind.value for kind in LIMITED} == {"LIMIT", "SL"}
    assert {kind.value for kind in TRIGGERED} == {"SL", "SL-M"}
    assert [kind.value for kind in TAKEN] == ["MARKET", "LIMIT", "SL"]


@pytest.mark.parametrize(
    ("kinds", "words"),
    [
        ({OrderType.LIMIT}, "LIMIT"),
        ({OrderType.STOP_LIMIT, OrderType.LIMIT}, "LIMIT or SL"),
        (TAKEN[::-1], "MARKET, LIMIT or SL"),
    ],
)
def test_types_are_listed_in_the_order_of_the_table(kinds: set[OrderType], words: str) -> None:
    assert listed(kinds) == words
