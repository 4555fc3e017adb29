"""Tables as plain values: columns, rows of texts, and the difference between two states of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from angel_x.entrypoints.desk.views.words import Text

#: In place of a column, the tone of a row.
TONE = "tone"
#: A text; with its tone, its title and the value that it is sorted by if there is more to say.
Cell = str | list[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    name: str
    label: str
    #: The meaning of a short label.
    title: str = ""
    is_text: bool = False
    #: Shown on a phone as well.
    is_vital: bool = True
    #: The act of a click on a cell, such as ``Buy call``; none without one.
    act: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "name": self.name,
            "label": self.label,
            "title": self.title,
            "isText": self.is_text,
            "isVital": self.is_vital,
            "act": self.act,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a table."""

    id: str
    cells: tuple[Cell, ...]
    #: Names of what can be done with it.
    acts: tuple[str, ...] = ()
    tone: str = ""

    def as_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "cells": list(self.cells),
            "acts": list(self.acts),
            "tone": self.tone,
        }


def cell(text: Text | str, key: float | str | None = None) -> Cell:
    """Return a cell, sorted by ``key`` where its text would sort wrongly."""
    if isinstance(text, str):
        return text if key is None else [text, "", "", key]
    told: list[Any] = [text.text, text.tone.value, text.title]
    return told if key is None else [*told, key]


def changes(before: Sequence[Row], after: Sequence[Row]) -> list[list[Any]] | None:
    """Return ``[row, column, cell]`` of each changed cell, and ``[row, TONE, tone]`` of each changed tone.

    None where rows have come, gone or moved, or may be used for something else: then all are sent.
    """
    if [_frame(row) for row in before] != [_frame(row) for row in after]:
        return None
    return [
        change
        for place, (former, row) in enumerate(zip(before, after, strict=True))
        if former is not row
        for change in _changes(place, former, row)
    ]


def _changes(place: int, former: Row, row: Row) -> Iterator[list[Any]]:
    if former.tone != row.tone:
        yield [place, TONE, row.tone]
    for column, (old, new) in enumerate(zip(former.cells, row.cells, strict=True)):
        if old != new:
            yield [place, column, new]


def _frame(row: Row) -> tuple[object, ...]:
    return row.id, row.acts, len(row.cells)
