"""Margin of short options as a percentage of the underlying.

An approximation of SPAN plus exposure margin that ignores how far out of the money a contract is
and gives no credit for a hedge, so it never asks for less than the clearing corporation's minimum
on a naked index option.  Long options pay their premium and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_UP, Decimal
from typing import Protocol

from angel_x.domain.contract import Contract
from angel_x.domain.dated import Dated
from angel_x.domain.money import PAISA, ZERO, to_paisa


class MarginModel(Protocol):
    """What one more unit short costs in margin."""

    def per_short_unit(self, contract: Contract, spot: Decimal, today: date) -> Decimal:
        """Return rupees for one unit short; ``spot`` is the underlying in rupees."""


@dataclass(frozen=True, slots=True)
class ShortOptionPercent:
    """Fractions of the underlying's value."""

    #: The price scan range, the worst move that SPAN looks at.
    scan: Decimal
    exposure: Decimal
    #: Extra loss margin on the day of expiry.
    expiry_day: Decimal


class PercentageMargin:
    """The percentage approximation as a :class:`MarginModel`."""

    def __init__(self, table: Dated[ShortOptionPercent]) -> None:
        self._table = table

    @classmethod
    def from_table(cls, rows: Iterable[Mapping[str, str]]) -> PercentageMargin:
        """Build the model from the parsed ``margin`` table."""
        return cls(Dated((date.fromisoformat(row["from"]), _percent(row)) for row in rows))

    def per_short_unit(self, contract: Contract, spot: Decimal, today: date) -> Decimal:
        rule = self._table.on(today)
        fraction = rule.scan + rule.exposure
        if contract.expiry <= today:
            fraction += rule.expiry_day
        return (spot * fraction).quantize(PAISA, rounding=ROUND_UP)


def remargined(margin: Decimal, before: int, after: int, per_unit: Decimal) -> Decimal:
    """Return the margin of a contract when its worst-case short goes from ``before`` to ``after``.

    More short units are margined at today's rate.  Fewer release a proportional part of what is
    held, so an order that reduces risk never needs more margin because the market moved.
    """
    if after == before:
        return margin
    if after > before:
        return margin + per_unit * (after - before)
    return to_paisa(margin * after / before) if after else ZERO


def _percent(row: Mapping[str, str]) -> ShortOptionPercent:
    scan, exposure, expiry_day = (
        Decimal(row[f"{name}_percent"]) / 100 for name in ("scan", "exposure", "expiry_day")
    )
    return ShortOptionPercent(scan, exposure, expiry_day)
