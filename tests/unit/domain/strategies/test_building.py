from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from angel_x.domain.contracts.contract import Right, format_symbol
from angel_x.domain.strategies.building import StrikeChoice, build, shape_of
from angel_x.domain.strategies.recognition import recognize
from angel_x.domain.strategies.strategy import SHAPES, Direction, Shape, StrategyName
from angel_x.errors import InvalidInput

NEAR, FAR = date(2026, 8, 25), date(2026, 9, 29)


class Row:
    def __init__(self, expiry: date, strike: int, right: Right) -> None:
        self.symbol = format_symbol("NIFTY", expiry, Decimal(strike), right)
        self.expiry, self.strike, self.right = expiry, Decimal(strike), right
        distance = (24_030 - strike) / 2000
        self.delta = 0.5 + distance if right is Right.CALL else distance - 0.5


class Listed:
    """A chain of eleven strikes around 24,000."""

    underlying, forward, spot = "NIFTY", Decimal("24030.00"), Decimal(24_000)

    def __init__(self, expiry: date) -> None:
        self.expiry = expiry
        strikes = range(23_500, 24_501, 100)
        self.rows = [Row(expiry, strike, right) for strike in strikes for right in Right]


def chains(shape: Shape) -> Any:
    return [Listed(expiry) for expiry in (NEAR, FAR)[: shape.expiries]]


@pytest.mark.parametrize("shape", [s for each in SHAPES.values() for s in each], ids=str)
def test_every_strategy_that_is_built_is_known_by_its_name(shape: Shape) -> None:
    offsets = list(range(-1, shape.strikes - 1))

    made = build(shape, chains(shape), StrikeChoice(offsets=offsets), 65)
    found = recognize(made.legs)

    assert [(s.name, s.direction, s.quantity) for s in found.strategies] == [
        (shape.name, shape.direction, 65)
    ]


def test_strikes_are_chosen_by_the_nearest_delta() -> None:
    shape = shape_of(StrategyName.IRON_CONDOR, Direction.SHORT)

    made = build(shape, chains(shape), StrikeChoice(deltas=[0.3, 0.4, 0.4, 0.3]), 65)

    assert [(int(leg.strike), leg.right.value, leg.quantity) for leg in made.legs] == [
        (23_600, "PE", 65), (23_800, "PE", -65), (24_200, "CE", -65), (24_400, "CE", 65),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "direction", "choice", "reason"),
    [
        ("straddle", None, {"offsets": [0]}, "direction of straddle must be long or short"),
        ("bull_call_spread", "short", {"offsets": [0, 1]}, "direction of bull_call_spread"),
        ("strangle", "long", {"offsets": [0]}, "offsets of strangle must be 2 numbers"),
        ("strangle", "long", {"offsets": [1, -1]}, "strikes must ascend"),
        ("strangle", "long", {"offsets": [-6, 1]}, "must name listed strikes, -5 to 5, was -6"),
        ("strangle", "long", {}, "must be chosen by one of"),
        ("strangle", "long", {"offsets": [0, 1], "deltas": [0.1, 0.2]}, "must be chosen by one of"),
        ("straddle", "long", {"strikes": [Decimal(24_050)]}, "has no 24050 CE"),
        ("call_calendar", "long", {"offsets": [0]}, "must have 2 expiries"),
    ],
)
def test_a_strategy_that_cannot_be_built_is_refused_with_the_reason(
    name: str, direction: str | None, choice: dict[str, Any], reason: str
) -> None:
    def made() -> object:
        shape = shape_of(StrategyName(name), cast("Direction | None", direction))
        return build(shape, chains(shape)[:1], StrikeChoice(**choice), 65)

    with pytest.raises(InvalidInput, match=reason):
        made()
