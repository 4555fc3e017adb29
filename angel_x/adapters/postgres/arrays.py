"""Columns as array literals.

psycopg2 writes a list as ``ARRAY['a', 'b', …]``, and PostgreSQL then parses and plans every element
as an expression of its own.  A literal such as ``{"a","b"}`` is one constant however long it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

#: The types of elements; None is NULL.
Element = int | float | str | bytes | bool | Decimal | date | datetime | None


def array(elements: Iterable[Element]) -> str:
    """Return elements as the text of a one-dimensional array, to be cast to its type.

    Text must not hold NUL, which PostgreSQL cannot store.
    """
    return "{" + ",".join(map(_written, elements)) + "}"


def _written(element: Element) -> str:
    if element is None:
        return "NULL"
    if isinstance(element, str):
        # Text may be an enum; str.replace returns a plain one.
        escaped = element.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(element, bytes):
        return f'"\\\\x{element.hex()}"'
    if isinstance(element, date):
        return f'"{element.isoformat()}"'
    return str(element)
