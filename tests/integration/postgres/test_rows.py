"""Rows with names are what the statement selects, or nothing."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.rows import read


class Pair(NamedTuple):
    number: int
    word: str | None


def test_each_column_becomes_the_field_of_its_name(engine: Engine) -> None:
    statement = "SELECT n AS number, %(word)s::text AS word FROM generate_series(1, 2) n ORDER BY n"

    assert read(engine, statement, Pair, {"word": "x"}) == [Pair(1, "x"), Pair(2, "x")]


@pytest.mark.parametrize(
    "columns", ["'x' AS word, 1 AS number", "1 AS number", "1 AS number, 'x' AS word, 2 AS more"]
)
def test_a_statement_with_other_columns_is_refused(engine: Engine, columns: str) -> None:
    with pytest.raises(AssertionError, match="columns must be"):
        read(engine, f"SELECT {columns}", Pair)
