"""A dashboard as data: rows of charts, each with its expressions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """Grafana's names of units."""

    COUNT = "short"
    SECONDS = "s"
    BYTES = "bytes"
    A_SECOND = "cps"
    PART = "percentunit"


@dataclass(frozen=True, slots=True)
class Series:
    """One expression; the legend may name labels as ``{{label}}``."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Lines over time, or one large number each where ``is_number``."""

    title: str
    #: The meaning of a high or a low value.
    text: str
    unit: Unit
    series: tuple[Series, ...]
    is_number: bool = False
    #: A value of concern, drawn as a line or as a change of color; one below counts where ``is_floor``.
    limit: float | None = None
    is_floor: bool = False
    is_stacked: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """Charts side by side, of equal width."""

    title: str
    charts: tuple[Chart, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard; its name is the one of its file and of its address in Grafana."""

    name: str
    title: str
    text: str
    rows: tuple[Row, ...]
