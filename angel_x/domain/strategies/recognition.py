"""Strategies by name in the positions of a book.

Legs that are exactly one strategy are taken as it, first all of an underlying, then those of each
expiry.  The rest is searched for the strategies of most legs first, and of the units that they share;
what is left over has no name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import gcd
from typing import NamedTuple

from angel_x.domain.contracts.contract import Right
from angel_x.domain.strategies.leg import OptionLeg
from angel_x.domain.strategies.strategy import (
    SHAPES,
    Direction,
    Shape,
    Strategy,
    StrategyName,
)

#: The most contracts among which strategies of so many legs are searched: the combinations grow fast.
_MOST_SEARCHED = {4: 16, 3: 30, 2: 200}
_PAIR = 2


@dataclass(frozen=True, slots=True)
class Recognized:
    """The strategies of a book, and legs without a name."""

    strategies: tuple[Strategy, ...]
    rest: tuple[OptionLeg, ...]


class _Place(NamedTuple):
    """A leg of a shape without its ratio."""

    expiry: int
    strike: int
    right: Right
    is_long: bool


def _shapes_by_places() -> dict[tuple[_Place, ...], Shape]:
    found: dict[tuple[_Place, ...], Shape] = {}
    for shapes in SHAPES.values():
        for shape in shapes:
            places = tuple(_Place(p.expiry, p.strike, p.right, p.ratio > 0) for p in shape.parts)
            # A ratio spread has the places of a vertical spread, which is the one of equal units.
            if max(abs(p.ratio) for p in shape.parts) == 1 or places not in found:
                found[places] = shape
    return found


_BY_PLACES = _shapes_by_places()
_RATIO_NAMES = {
    (Right.CALL, True): StrategyName.CALL_BACKSPREAD,
    (Right.CALL, False): StrategyName.CALL_RATIO_SPREAD,
    (Right.PUT, True): StrategyName.PUT_BACKSPREAD,
    (Right.PUT, False): StrategyName.PUT_RATIO_SPREAD,
}


def recognize(legs: Iterable[OptionLeg]) -> Recognized:
    """Return the strategies of legs, one leg for each contract."""
    strategies: list[Strategy] = []
    rest: list[OptionLeg] = []
    for group in _groups(legs, lambda leg: leg.underlying):
        left = group
        for whole in (group, *_groups(group, lambda leg: leg.expiry)):
            if left and (found := _exactly(whole)) is not None:
                strategies.append(found)
                left = [leg for leg in left if leg not in whole]
        searched, left = _searched(left)
        strategies += searched
        rest += left
    return Recognized(tuple(strategies), tuple(rest))


def _groups(legs: Iterable[OptionLeg], key: Callable[[OptionLeg], object]) -> list[list[OptionLeg]]:
    groups: dict[object, list[OptionLeg]] = {}
    for leg in sorted(legs, key=_order):
        groups.setdefault(key(leg), []).append(leg)
    return list(groups.values())


def _order(leg: OptionLeg) -> tuple[object, ...]:
    return leg.underlying, leg.expiry, leg.strike, leg.right


def _exactly(legs: Sequence[OptionLeg]) -> Strategy | None:
    """Return the strategy that sorted legs are without a remainder."""
    if len(legs) < _PAIR:
        return None
    units = gcd(*(leg.quantity for leg in legs))
    shape = _BY_PLACES.get(_places(legs))
    if shape is not None and [p.ratio * units for p in shape.parts] == [x.quantity for x in legs]:
        return _named(shape, units, legs) if _is_regular(shape, legs) else None
    return _ratio_spread(legs, units)


def _ratio_spread(legs: Sequence[OptionLeg], units: int) -> Strategy | None:
    """Return the spread of two strikes of which the one further out of the money has more units."""
    if len(legs) != _PAIR or legs[0].expiry != legs[1].expiry or legs[0].right is not legs[1].right:
        return None
    near, far = legs if legs[0].right is Right.CALL else reversed(legs)
    if near.quantity * far.quantity > 0 or abs(far.quantity) <= abs(near.quantity):
        return None
    is_bought = far.quantity > 0
    return Strategy(
        name=_RATIO_NAMES[far.right, is_bought],
        direction=Direction.LONG if is_bought else Direction.SHORT,
        underlying=near.underlying,
        quantity=units,
        legs=tuple(legs),
    )


def _searched(legs: Sequence[OptionLeg]) -> tuple[list[Strategy], list[OptionLeg]]:
    """Return the strategies among legs, of most legs first, and the legs that are left."""
    left = list(legs)
    step = gcd(*(leg.quantity for leg in legs))
    found: list[Strategy] = []
    for size, most in _MOST_SEARCHED.items():
        if len(left) <= most:
            found += _of_size(size, left, step)
            left = [leg for leg in left if leg.quantity]
    return found, left


def _of_size(size: int, left: list[OptionLeg], step: int) -> Iterator[Strategy]:
    """Yield the strategies of so many legs, and take their units, multiples of ``step``, from ``left``."""
    for places in combinations(range(len(left)), size):
        legs = [left[place] for place in places]
        if not all(leg.quantity for leg in legs):
            continue
        shape = _BY_PLACES.get(_places(legs))
        if shape is None or not _is_regular(shape, legs):
            continue
        ratios = [part.ratio for part in shape.parts]
        units = min(leg.quantity // n for leg, n in zip(legs, ratios, strict=True))
        units -= units % step
        if not units:
            continue
        taken = [replace(x, quantity=n * units) for x, n in zip(legs, ratios, strict=True)]
        for place, leg in zip(places, taken, strict=True):
            left[place] = replace(leg, quantity=left[place].quantity - leg.quantity)
        yield _named(shape, units, taken)


def _named(shape: Shape, units: int, legs: Sequence[OptionLeg]) -> Strategy:
    return Strategy(
        name=shape.name,
        direction=shape.direction,
        underlying=legs[0].underlying,
        quantity=units,
        legs=tuple(legs),
    )


def _places(legs: Sequence[OptionLeg]) -> tuple[_Place, ...]:
    """Return the places of sorted legs."""
    expiries = sorted({leg.expiry for leg in legs})
    strikes = sorted({leg.strike for leg in legs})
    return tuple(
        _Place(expiries.index(x.expiry), strikes.index(x.strike), x.right, x.quantity > 0)
        for x in legs
    )


_BUTTERFLIES = frozenset(
    {StrategyName.CALL_BUTTERFLY, StrategyName.PUT_BUTTERFLY, StrategyName.IRON_BUTTERFLY}
)


def _is_regular(shape: Shape, legs: Sequence[OptionLeg]) -> bool:
    """Return whether the wings of a butterfly are of one width; other shapes have no such rule."""
    if shape.name not in _BUTTERFLIES:
        return True
    low, middle, high = sorted({leg.strike for leg in legs})
    return middle - low == high - middle
