"""The legs of a strategy by name: strikes by offset from the money, by delta, or as they are given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.contracts.contract import Right
from angel_x.domain.strategies.leg import OptionLeg
from angel_x.domain.strategies.strategy import SHAPES, Direction, Shape, Strategy, StrategyName
from angel_x.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeChoice:
    """The strikes of a strategy, the lowest first, in one of three ways."""

    #: Strikes of the chain above the money, negative below it.
    offsets: Sequence[int] = ()
    #: Absolute deltas between 0 and 1.
    deltas: Sequence[float] = ()
    #: Rupees.
    strikes: Sequence[Decimal] = ()


def shape_of(name: StrategyName, direction: Direction | None) -> Shape:
    """Return the shape of a name; the direction is needed where there are two.

    Raises:
        InvalidInput: The direction is missing, or the name does not have it.
    """
    shapes = {shape.direction: shape for shape in SHAPES[name]}
    if direction is None and len(shapes) == 1:
        return next(iter(shapes.values()))
    if direction not in shapes:
        raise InvalidInput(
            f"direction of {name} must be {' or '.join(shapes)}, was {direction or 'none'}",
            field="direction",
            value=direction or "",
        )
    return shapes[direction]


def build(
    shape: Shape, chains: Sequence[OptionChain], choice: StrikeChoice, quantity: int
) -> Strategy:
    """Return a strategy on chains, one for each expiry of the shape, the nearest first.

    ``quantity`` are the units of a leg of ratio one.

    Raises:
        InvalidInput: The number of expiries or strikes is wrong, a strike is not listed, strikes do not
            ascend, or no contract has a delta.
    """
    if len(chains) != shape.expiries or _expiries(chains) != sorted(set(_expiries(chains))):
        wanted = "one expiry" if shape.expiries == 1 else f"{shape.expiries} expiries that ascend"
        raise InvalidInput(f"{shape.name} must have {wanted}", field="expiries")
    strikes = _strikes(shape, chains[0], choice)
    if strikes != sorted(set(strikes)):
        shown = ", ".join(map(str, strikes))
        raise InvalidInput(f"strikes must ascend, were {shown}", field="strikes", value=shown)
    return Strategy(
        name=shape.name,
        direction=shape.direction,
        underlying=chains[0].underlying,
        quantity=quantity,
        legs=tuple(
            _leg(chains[p.expiry], strikes[p.strike], p.right, p.ratio * quantity)
            for p in shape.parts
        ),
    )


def _expiries(chains: Sequence[OptionChain]) -> list[date]:
    return [chain.expiry for chain in chains]


def _strikes(shape: Shape, chain: OptionChain, choice: StrikeChoice) -> list[Decimal]:
    ways = {
        name: getattr(choice, name)
        for name in ("offsets", "deltas", "strikes")
        if getattr(choice, name)
    }
    if len(ways) != 1:
        raise InvalidInput(
            "strikes must be chosen by one of offsets, deltas and strikes", field="offsets"
        )
    name, given = next(iter(ways.items()))
    if len(given) != shape.strikes:
        raise InvalidInput(
            f"{name} of {shape.name} must be {shape.strikes} numbers, the lowest strike first, "
            f"were {len(given)}",
            field=name,
            value=str(len(given)),
        )
    if choice.offsets:
        return _by_offset(chain, choice.offsets)
    return _by_delta(shape, chain, choice.deltas) if choice.deltas else list(choice.strikes)


def _by_offset(chain: OptionChain, offsets: Sequence[int]) -> list[Decimal]:
    """Return strikes counted from the one nearest to the forward, or to the spot without a forward."""
    money = chain.forward or chain.spot
    if money is None:
        raise InvalidInput(f"offsets need a price of {chain.underlying}, and there is none now")
    listed = sorted({row.strike for row in chain.rows})
    nearest = min(range(len(listed)), key=lambda place: abs(listed[place] - money))
    places = [nearest + offset for offset in offsets]
    for place, offset in zip(places, offsets, strict=True):
        if not 0 <= place < len(listed):
            raise InvalidInput(
                f"offsets must name listed strikes, {-nearest} to {len(listed) - 1 - nearest}, "
                f"was {offset}",
                field="offsets",
                value=str(offset),
            )
    return [listed[place] for place in places]


def _by_delta(shape: Shape, chain: OptionChain, deltas: Sequence[float]) -> list[Decimal]:
    """Return the strikes of the contracts with the nearest deltas."""
    rights = {part.strike: part.right for part in reversed(shape.parts)}
    return [_nearest(chain, rights[rank], delta).strike for rank, delta in enumerate(deltas)]


def _nearest(chain: OptionChain, right: Right, delta: float) -> ContractGreeks:
    known = [row for row in chain.rows if row.right is right and row.delta is not None]
    if not known:
        raise InvalidInput(f"no {right} of {chain.underlying} {chain.expiry} has a delta now")
    return min(known, key=lambda row: abs(abs(row.delta or 0.0) - delta))


def _leg(chain: OptionChain, strike: Decimal, right: Right, quantity: int) -> OptionLeg:
    for row in chain.rows:
        if row.strike == strike and row.right is right:
            return OptionLeg(row.symbol, chain.underlying, row.expiry, strike, right, quantity)
    raise InvalidInput(
        f"strikes must be listed, {chain.underlying} {chain.expiry} has no {strike} {right}",
        field="strikes",
        value=str(strike),
    )
