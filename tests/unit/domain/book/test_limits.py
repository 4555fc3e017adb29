from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.domain.book.limits import NO_LIMITS, LimitKind, Limits, LimitSheet, read_limit
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
        max_wait_hours=Decimal(72),
        trigger_at_once=1,
        stop_loss=Decimal(900),
        take_profit=Decimal(700),
        trailing_stop=Decimal(50),
        stop_square_off=0,
    )
    own = Limits(
        max_order_quantity=650,
        max_order_notional=Decimal(900_000),
        max_open_orders=5,
        max_orders_per_second=30,
        max_daily_loss=Decimal(1000),
        fat_finger_percent=Decimal(20),
        duplicate_window_seconds=Decimal(5),
        max_wait_hours=Decimal(0),
        trigger_at_once=0,
        stop_loss=Decimal(600),
        take_profit=Decimal(800),
        trailing_stop=Decimal(60),
        stop_square_off=1,
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
        max_wait_hours=Decimal(0),
        trigger_at_once=0,
        stop_loss=Decimal(600),
        take_profit=Decimal(700),
        trailing_stop=Decimal(50),
        # To be squared off is stricter than not to be.
        stop_square_off=1,
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


#: The least and the most of each kind, and the finest step between them.
BOUNDS = {
    "max_order_quantity": ("1", "1000000000", "1"),
    "max_order_notional": ("0.01", "1000000000000", "0.001"),
    "max_open_orders": ("1", "1000000000", "1"),
    "max_orders_per_second": ("1", "1000000", "1"),
    "max_daily_loss": ("0", "1000000000000", "0.001"),
    "fat_finger_percent": ("0", "1000", "0.001"),
    "duplicate_window_seconds": ("0.001", "60", "0.001"),
    "max_wait_hours": ("0", "1000", "0.001"),
    "trigger_at_once": ("0", "1", "1"),
    "stop_loss": ("0.01", "1000000000000", "0.001"),
    "take_profit": ("0.01", "1000000000000", "0.001"),
    "trailing_stop": ("0.01", "1000000000000", "0.001"),
    "stop_square_off": ("0", "1", "1"),
}


def test_every_kind_has_bounds() -> None:
    assert list(BOUNDS) == [kind.value for kind in LimitKind]


@pytest.mark.parametrize("name", BOUNDS)
def test_a_limit_may_be_its_bounds_and_nothing_beyond(name: str) -> None:
    least, most, step = map(Decimal, BOUNDS[name])

    for value in (least, least + step, most - step, most):
        assert read_limit(name, str(value)) == (LimitKind(name), value)
    for value in (least - step, most + step, least + step / 10):
        with pytest.raises(InvalidInput, match=rf"between {least:f} and {most:f}, was {value}$"):
            read_limit(name, str(value))


@pytest.mark.parametrize("name", BOUNDS)
def test_a_refusal_says_whether_only_whole_numbers_will_do(name: str) -> None:
    sort = "a whole number" if BOUNDS[name][2] == "1" else "a number of at most 3 places"

    with pytest.raises(InvalidInput, match=f"^{name} must be {sort} between "):
        read_limit(name, "-1")


@pytest.mark.parametrize(("length", "shown"), [(40, "x" * 40), (41, "x" * 40 + "…")])
def test_a_refused_value_is_shown_up_to_forty_characters(length: int, shown: str) -> None:
    with pytest.raises(InvalidInput, match=f"was {shown}$") as caught:
        read_limit("max_open_orders", "x" * length)

    assert caught.value.value == shown


def test_whole_kinds_are_read_back_as_whole_numbers() -> None:
    limits = Limits.of(dict.fromkeys(BOUNDS, "3.000"))

    for name, (_, _, step) in BOUNDS.items():
        value = getattr(limits, name)
        assert type(value) is (int if step == "1" else Decimal)
        assert value == 3


def test_a_sheet_names_only_what_was_set() -> None:
    own = Limits(max_open_orders=3, max_daily_loss=Decimal(0))

    sheet = LimitSheet(1, "demo", own, own.stricter(Limits(max_order_quantity=65)))

    assert sheet.values() == {"max_open_orders": 3, "max_daily_loss": Decimal(0)}
