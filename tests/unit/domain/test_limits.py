from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.domain.limits import NO_LIMITS, LimitKind, Limits, read_limit
from angel_x.errors import InvalidInput


def test_of_two_limits_the_stricter_holds() -> None:
    everyone = Limits(
        max_order_quantity=1800,
        max_order_notional=Decimal(500_000),
        max_open_orders=10,
        max_orders_per_second=20,
        max_daily_loss=Decimal(5000),
        fat_finger_percent=Decimal(10),
        duplicate_window_seconds=Decimal(2),
    )
    own = Limits(
        max_order_quantity=650,
        max_order_notional=Decimal(900_000),
        max_open_orders=5,
        max_orders_per_second=30,
        max_daily_loss=Decimal(1000),
        fat_finger_percent=Decimal(20),
        duplicate_window_seconds=Decimal(5),
    )
    stricter = Limits(
        max_order_quantity=650,
        max_order_notional=Decimal(500_000),
        max_open_orders=5,
        max_orders_per_second=20,
        max_daily_loss=Decimal(1000),
        fat_finger_percent=Decimal(10),
        # The longer memory is the stricter one.
        duplicate_window_seconds=Decimal(5),
    )

    assert everyone.stricter(own) == own.stricter(everyone) == stricter


def test_no_limit_is_the_least_strict() -> None:
    some = Limits(max_open_orders=3)

    assert NO_LIMITS.stricter(some) == some.stricter(NO_LIMITS) == some


def test_a_kind_that_only_a_later_release_knows_is_left_out() -> None:
    assert Limits.of({"max_lots_of_tomorrow": "3", "max_open_orders": "3"}) == Limits(
        max_open_orders=3
    )
    assert Limits.of({"max_lots_of_tomorrow": "3"}) is NO_LIMITS


@pytest.mark.parametrize("value", [1800, "1800", Decimal("1800.0"), 1800.0])
def test_a_value_is_read_from_text_and_numbers(value: object) -> None:
    assert read_limit("max_order_quantity", value) == (
        LimitKind.MAX_ORDER_QUANTITY,
        Decimal(1800),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_everything", 1),
        (None, 1),
        (["max_open_orders"], 1),
        ("max_order_quantity", "12.5"),
        ("max_order_quantity", 0),
        ("max_order_quantity", -1),
        ("max_order_quantity", True),
        ("max_order_quantity", None),
        ("max_order_quantity", "1e400"),
        ("max_order_quantity", "lots"),
        ("max_order_quantity", []),
        ("max_orders_per_second", 0),
        ("max_daily_loss", "NaN"),
        ("max_daily_loss", "Infinity"),
        ("max_daily_loss", float("inf")),
        ("max_daily_loss", "-0.01"),
        ("max_daily_loss", "0.0001"),
        ("duplicate_window_seconds", 61),
        ("duplicate_window_seconds", 0),
        ("fat_finger_percent", 1001),
    ],
)
def test_what_is_no_limit_is_refused_and_says_what_it_was(name: object, value: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_limit(name, value)

    assert str(caught.value).endswith(f"was {value if caught.value.field != 'kind' else name}")
