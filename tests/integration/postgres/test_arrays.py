"""An array literal holds what was put in, whatever it is."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from angel_x.adapters.postgres.arrays import array
from angel_x.domain.orders.order import Side

NOW = datetime(2026, 11, 23, 4, 15, 30, 123456, tzinfo=UTC)


def read_back(engine: Engine, elements: list[Any], kind: str) -> list[Any]:
    with engine.connect() as connection:
        query = f"SELECT %(elements)s::{kind}[]"
        return list(connection.exec_driver_sql(query, {"elements": array(elements)}).scalar_one())


@pytest.mark.parametrize(
    ("elements", "kind"),
    [
        ([], "bigint"),
        ([1, -(2**62), None], "bigint"),
        ([Decimal("0.05"), Decimal("-1E+3"), None], "numeric"),
        ([True, False, None], "boolean"),
        ([NOW, None], "timestamptz"),
        (
            [
                "",
                "NULL",
                "null",
                None,
                " a ",
                "a,b",
                "{a}",
                'say "hi"',
                "back\\slash",
                "'",
                "%s",
                "₹",
            ],
            "text",
        ),
    ],
)
def test_what_goes_in_comes_out(engine: Engine, elements: list[Any], kind: str) -> None:
    assert read_back(engine, elements, kind) == elements


def test_an_enum_is_written_as_its_value(engine: Engine) -> None:
    assert read_back(engine, [Side.BUY, Side.SELL], "text") == ["BUY", "SELL"]


def test_bytes_come_out_as_they_were(engine: Engine) -> None:
    elements = [b"", b"\x00\xff\\\"'", bytes(range(256))]

    assert [bytes(e) for e in read_back(engine, elements, "bytea")] == elements


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00"))))
def test_any_text_survives(engine: Engine, elements: list[str]) -> None:
    assert read_back(engine, elements, "text") == elements
