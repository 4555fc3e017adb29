"""Slicing by the freeze quantities of the day."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.domain.contracts.contract import Contract, Right
from angel_x.services.intake.slicing import MAX_SLICES, Slicing
from tests.builders.markets import RULES

SLICING = Slicing(lambda: RULES)
TODAY = datetime(2026, 11, 23, 6, tzinfo=UTC)


def contract(underlying: str = "NIFTY", lot_size: int = 65, freeze: int = 1800) -> Contract:
    expires = datetime(2026, 12, 29, 10, 10, tzinfo=UTC)
    return Contract(
        f"{underlying}_29DEC26_24000CE",
        underlying,
        expires.date(),
        Decimal(24_000),
        Right.CALL,
        lot_size,
        Decimal("0.05"),
        freeze,
        expires,
    )


@pytest.mark.parametrize(
    ("quantity", "sizes"),
    [
        (65, ()),
        (1755, ()),
        (1820, (1755, 65)),
        (3510, (1755, 1755)),
        (3575, (1755, 1755, 65)),
    ],
)
def test_no_slice_is_above_the_largest_number_of_lots(
    quantity: int, sizes: tuple[int, ...]
) -> None:
    assert SLICING.sizes(quantity, contract(), TODAY) == sizes


@pytest.mark.parametrize(
    ("day", "largest"),
    [("2025-11-30", 1800), ("2025-12-01", 1200), ("2026-01-31", 1200), ("2026-02-01", 1800)],
)
def test_the_freeze_quantity_is_that_of_the_trading_day(day: str, largest: int) -> None:
    noon_in_india = datetime.fromisoformat(f"{day}T06:30:00+00:00")

    assert SLICING.largest(contract("FINNIFTY", lot_size=60), noon_in_india) == largest


def test_a_day_begins_in_india() -> None:
    before = datetime(2025, 11, 30, 18, 29, tzinfo=UTC)
    after = datetime(2025, 11, 30, 18, 30, tzinfo=UTC)

    assert SLICING.largest(contract("FINNIFTY", lot_size=60), before) == 1800
    assert SLICING.largest(contract("FINNIFTY", lot_size=60), after) == 1200


def test_a_contract_listed_under_a_smaller_one_keeps_it() -> None:
    assert SLICING.largest(contract(freeze=650), TODAY) == 650


def test_an_underlying_without_a_table_has_what_its_contract_says() -> None:
    assert SLICING.largest(contract("GOLD", lot_size=100, freeze=1050), TODAY) == 1000


def test_one_lot_may_always_be_asked_for() -> None:
    assert SLICING.largest(contract(freeze=10), TODAY) == 65


@pytest.mark.parametrize(
    ("quantity", "sizes"), [(570, ()), (600, ()), (630, (600, 30)), (1_200, (600, 600))]
)
def test_a_freeze_quantity_of_whole_lots_is_one_order_and_a_lot_more_is_two(
    quantity: int, sizes: tuple[int, ...]
) -> None:
    banks = contract("BANKNIFTY", lot_size=30, freeze=600)

    assert SLICING.largest(banks, TODAY) == 600
    assert SLICING.sizes(quantity, banks, TODAY) == sizes


def test_a_contract_listed_under_a_larger_one_is_held_to_todays() -> None:
    assert SLICING.largest(contract(freeze=3_600), TODAY) == 1_755


def test_an_order_is_cut_into_two_hundred_at_most() -> None:
    assert MAX_SLICES == 200
