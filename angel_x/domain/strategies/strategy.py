"""The named strategies and their shapes: rights, strikes, expiries and ratios of the legs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from angel_x.domain.contracts.contract import Right
from angel_x.domain.strategies.leg import OptionLeg


class StrategyName(StrEnum):
    STRADDLE = "straddle"
    STRANGLE = "strangle"
    GUTS = "guts"
    BULL_CALL_SPREAD = "bull_call_spread"
    BEAR_CALL_SPREAD = "bear_call_spread"
    BULL_PUT_SPREAD = "bull_put_spread"
    BEAR_PUT_SPREAD = "bear_put_spread"
    CALL_RATIO_SPREAD = "call_ratio_spread"
    PUT_RATIO_SPREAD = "put_ratio_spread"
    CALL_BACKSPREAD = "call_backspread"
    PUT_BACKSPREAD = "put_backspread"
    CALL_BUTTERFLY = "call_butterfly"
    PUT_BUTTERFLY = "put_butterfly"
    IRON_BUTTERFLY = "iron_butterfly"
    CALL_CONDOR = "call_condor"
    PUT_CONDOR = "put_condor"
    IRON_CONDOR = "iron_condor"
    CALL_CALENDAR = "call_calendar"
    PUT_CALENDAR = "put_calendar"
    CALL_DIAGONAL = "call_diagonal"
    PUT_DIAGONAL = "put_diagonal"
    BOX = "box"
    SYNTHETIC_FUTURE = "synthetic_future"
    RISK_REVERSAL = "risk_reversal"


class Direction(StrEnum):
    """Long is the direction that the shape of a name shows, short is its opposite."""

    LONG = "long"
    SHORT = "short"


class Part(NamedTuple):
    """One leg of a shape: the ranks of its expiry and strike, from zero, and its signed ratio."""

    expiry: int
    strike: int
    right: Right
    ratio: int


@dataclass(frozen=True, slots=True)
class Shape:
    """The parts of a strategy, in the order of expiry, strike and right."""

    name: StrategyName
    direction: Direction
    parts: tuple[Part, ...]

    @property
    def strikes(self) -> int:
        """The number of distinct strikes."""
        return 1 + max(part.strike for part in self.parts)

    @property
    def expiries(self) -> int:
        """The number of distinct expiries."""
        return 1 + max(part.expiry for part in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """A strategy in a book, or one to trade."""

    name: StrategyName
    direction: Direction
    underlying: str
    #: Units of a leg of ratio one.
    quantity: int
    legs: tuple[OptionLeg, ...]


C, P = Right.CALL, Right.PUT
_N = StrategyName


def _parts(*legs: tuple[Right, int, int], expiries: Sequence[int] = ()) -> tuple[Part, ...]:
    """Return the parts of legs given as right, rank of the strike and ratio."""
    places = expiries or (0,) * len(legs)
    made = (Part(e, strike, right, n) for e, (right, strike, n) in zip(places, legs, strict=True))
    return tuple(sorted(made))


#: Paying premium where a strategy pays or receives it; a future is bought.
_LONG = {
    _N.STRADDLE: _parts((C, 0, 1), (P, 0, 1)),
    _N.STRANGLE: _parts((P, 0, 1), (C, 1, 1)),
    _N.GUTS: _parts((C, 0, 1), (P, 1, 1)),
    _N.CALL_BUTTERFLY: _parts((C, 0, 1), (C, 1, -2), (C, 2, 1)),
    _N.PUT_BUTTERFLY: _parts((P, 0, 1), (P, 1, -2), (P, 2, 1)),
    _N.IRON_BUTTERFLY: _parts((P, 0, -1), (P, 1, 1), (C, 1, 1), (C, 2, -1)),
    _N.CALL_CONDOR: _parts((C, 0, 1), (C, 1, -1), (C, 2, -1), (C, 3, 1)),
    _N.PUT_CONDOR: _parts((P, 0, 1), (P, 1, -1), (P, 2, -1), (P, 3, 1)),
    _N.IRON_CONDOR: _parts((P, 0, -1), (P, 1, 1), (C, 2, 1), (C, 3, -1)),
    _N.BOX: _parts((C, 0, 1), (C, 1, -1), (P, 0, -1), (P, 1, 1)),
    _N.SYNTHETIC_FUTURE: _parts((C, 0, 1), (P, 0, -1)),
    _N.RISK_REVERSAL: _parts((P, 0, -1), (C, 1, 1)),
    _N.CALL_CALENDAR: _parts((C, 0, -1), (C, 0, 1), expiries=(0, 1)),
    _N.PUT_CALENDAR: _parts((P, 0, -1), (P, 0, 1), expiries=(0, 1)),
    _N.CALL_DIAGONAL: _parts((C, 1, -1), (C, 0, 1), expiries=(0, 1)),
    _N.PUT_DIAGONAL: _parts((P, 0, -1), (P, 1, 1), expiries=(0, 1)),
}
#: Names that have one direction only: pairs of a shape and the name of its opposite.
_ONE_WAY = (
    (_N.BULL_CALL_SPREAD, _N.BEAR_CALL_SPREAD, _parts((C, 0, 1), (C, 1, -1))),
    (_N.BEAR_PUT_SPREAD, _N.BULL_PUT_SPREAD, _parts((P, 0, -1), (P, 1, 1))),
    (_N.CALL_BACKSPREAD, _N.CALL_RATIO_SPREAD, _parts((C, 0, -1), (C, 1, 2))),
    (_N.PUT_BACKSPREAD, _N.PUT_RATIO_SPREAD, _parts((P, 0, 2), (P, 1, -1))),
)


def opposite(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return parts with the other sign."""
    return tuple(part._replace(ratio=-part.ratio) for part in parts)


def _shapes() -> Iterator[Shape]:
    for name, parts in _LONG.items():
        yield Shape(name, Direction.LONG, parts)
        yield Shape(name, Direction.SHORT, opposite(parts))
    for bought, sold, parts in _ONE_WAY:
        yield Shape(bought, Direction.LONG, parts)
        yield Shape(sold, Direction.SHORT, opposite(parts))


#: By name; a name of one direction has one shape.
SHAPES: Mapping[StrategyName, tuple[Shape, ...]] = MappingProxyType(
    {name: tuple(s for s in _shapes() if s.name is name) for name in StrategyName}
)
