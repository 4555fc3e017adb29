"""Rows with names: one NamedTuple beside each statement, one field for each of its columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from sqlalchemy import CursorResult, Engine

RowT = TypeVar("RowT", bound=NamedTuple)

#: Values of the parameters of a statement.
Parameters = Mapping[str, object]


def read(
    source: Engine, statement: str, row: type[RowT], parameters: Parameters | None = None
) -> list[RowT]:
    """Return the rows of a statement that needs no transaction of its own."""
    with source.connect() as connection:
        return named(connection.exec_driver_sql(statement, parameters), row)


def named(result: CursorResult[Any], row: type[RowT]) -> list[RowT]:
    """Return the rows of a result as ``row``; its fields are the columns, in the same order.

    Raises:
        AssertionError: The statement has other columns.
    """
    columns = tuple(result.keys())
    assert columns == row._fields, f"columns must be {row._fields}, were {columns}"
    return [row._make(found) for found in result]
