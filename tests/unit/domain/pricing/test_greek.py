from __future__ import annotations

from dataclasses import fields

from angel_x.domain.pricing.greek import (
    GREEK_FIELDS,
    GREEK_NAMES,
    OUTPUTS,
    POSITION_GREEKS,
    SUMMED_GREEKS,
    GreekField,
    NetSums,
    UnitGreeks,
)
from angel_x.entrypoints.presentation.positions import MarkedPosition


def test_kernels_write_the_outputs_into_neighboring_columns() -> None:
    start = GreekField.PRICE

    assert GREEK_FIELDS[start : start + len(OUTPUTS)] == OUTPUTS


def test_every_greek_of_the_table_is_a_field_of_a_contract() -> None:
    assert tuple(field.name for field in fields(UnitGreeks)) == GREEK_NAMES


def test_every_summed_greek_is_a_field_of_a_portfolio() -> None:
    assert [field.name for field in fields(NetSums)] == [greek.name for greek in SUMMED_GREEKS]


def test_every_greek_of_positions_is_a_field_of_a_position() -> None:
    names = {field.name for field in fields(MarkedPosition)}

    assert names & set(GREEK_NAMES) == {greek.name for greek in POSITION_GREEKS}
