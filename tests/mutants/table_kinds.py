"""Changes to one cell of a market table."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.mutants.mutant import Mutant

Path = tuple[str | int, ...]

#: Sentences for people, which no rule reads.
_PROSE = re.compile(r"(^|_)source$|^name$")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"(\d{2}):(\d{2})")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def table_mutants(path: str, source: str) -> list[Mutant]:
    """Return a change of every cell of a table, and the loss of every row."""
    return [
        Mutant(path, f"table: {kind}", _pointer(at), 1, f"{_pointer(at)}: {said}", 0, change)
        for at, kind, said, change in _changes(json.loads(source))
    ]


def _changes(table: Any) -> Iterator[tuple[Path, str, str, Callable[[str], str | None]]]:
    for at, value in _leaves(table, ()):
        for other in _others(value):
            yield at, "cell", f"{value} becomes {other}", _set(at, other)
    for at, row in _rows(table, ()):
        yield at, "row", f"{json.dumps(row)} is dropped", _dropped(at)


def _leaves(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if not _PROSE.search(key):
                yield from _leaves(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, (*at, index))
    else:
        yield at, value


def _rows(value: Any, at: Path) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _rows(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            if len(value) > 1:
                yield (*at, index), inner
            yield from _rows(inner, (*at, index))


def _others(value: Any) -> list[Any]:
    """Return other values of the same kind, as near as there are."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    text = str(value)
    if _DATE.fullmatch(text):
        day = date.fromisoformat(text)
        return [(day + timedelta(days=step)).isoformat() for step in (1, -1)]
    if found := _TIME.fullmatch(text):
        return [f"{found[1]}:{(int(found[2]) + 1) % 60:02}"]
    if _NUMBER.fullmatch(text):
        number = Decimal(text)
        return [str(number + Decimal(1).scaleb(int(number.as_tuple().exponent)))]
    return [f"{text}X"]


def _set(at: Path, other: Any) -> Callable[[str], str | None]:
    def change(source: str) -> str:
        table = json.loads(source)
        _holder(table, at)[at[-1]] = other
        return json.dumps(table, indent=1)

    return change


def _dropped(at: Path) -> Callable[[str], str | None]:
    def change(source: str) -> str:
        table = deepcopy(json.loads(source))
        del _holder(table, at)[at[-1]]
        return json.dumps(table, indent=1)

    return change


def _holder(table: Any, at: Path) -> Any:
    for step in at[:-1]:
        table = table[step]
    return table


def _pointer(at: Path) -> str:
    return "/".join(map(str, at))
