"""The legs of a basket that is being built."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from angel_x.domain.chains.chain_record import ContractGreeks, OptionChain
from angel_x.domain.contracts.contract import Right
from angel_x.domain.orders.order import Side
from angel_x.entrypoints.desk.views.chain import (
    BUY_CALL,
    BUY_PUT,
    SELL_CALL,
    SELL_PUT,
    StrikePair,
    money,
    strike_pairs,
)

_ACTS = {
    BUY_CALL: (Right.CALL, Side.BUY),
    SELL_CALL: (Right.CALL, Side.SELL),
    BUY_PUT: (Right.PUT, Side.BUY),
    SELL_PUT: (Right.PUT, Side.SELL),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLeg:
    """One order of the basket."""

    symbol: str
    strike: Decimal
    right: Right
    side: Side
    lots: int
    lot_size: int
    #: The limit, rupees a unit.
    price: Decimal

    @property
    def units(self) -> int:
        """Signed units."""
        return (1 if self.side is Side.BUY else -1) * self.lots * self.lot_size

    def as_order(self) -> dict[str, object]:
        return {
            "symbol": self.symbol,
            "side": self.side.value,
            "quantity": self.lots * self.lot_size,
            "order_type": "LIMIT",
            "price": str(self.price),
        }


def clicked(chain: OptionChain, strike: str, act: str) -> ChosenLeg | str:
    """Return the leg of a click on a quote, or the words of its refusal."""
    right, side = _ACTS[act]
    pair = next((p for p in strike_pairs(chain) if f"{p.strike:f}" == strike), None)
    return "This strike is not listed." if pair is None else _leg(chain, pair, right, side)


def _leg(chain: OptionChain, pair: StrikePair, right: Right, side: Side) -> ChosenLeg | str:
    row = pair.call if right is Right.CALL else pair.put
    if row is None:
        return f"No {right} is listed at {pair.strike:f}."
    limit = _touch(row, side)
    if limit is None:
        return f"{row.symbol} has no {'ask' if side is Side.BUY else 'bid'} to trade at."
    return ChosenLeg(
        symbol=row.symbol,
        strike=row.strike,
        right=right,
        side=side,
        lots=1,
        lot_size=chain.lot_size,
        price=limit,
    )


def _touch(row: ContractGreeks, side: Side) -> Decimal | None:
    return row.ask if side is Side.BUY else row.bid


def added(legs: Sequence[ChosenLeg], leg: ChosenLeg) -> tuple[ChosenLeg, ...]:
    """Return the legs with one more; the same contract and side again is one more lot of it."""
    for place, each in enumerate(legs):
        if (each.symbol, each.side) == (leg.symbol, leg.side):
            more = replace(each, lots=each.lots + leg.lots, price=leg.price)
            return (*legs[:place], more, *legs[place + 1 :])
    return (*legs, leg)


#: Strategies by name: right, side and steps of strikes from the money of each leg.
STRATEGIES: dict[str, tuple[tuple[Right, Side, int], ...]] = {
    "Long straddle": ((Right.CALL, Side.BUY, 0), (Right.PUT, Side.BUY, 0)),
    "Short straddle": ((Right.CALL, Side.SELL, 0), (Right.PUT, Side.SELL, 0)),
    "Short strangle": ((Right.CALL, Side.SELL, 3), (Right.PUT, Side.SELL, -3)),
    "Bull call spread": ((Right.CALL, Side.BUY, 0), (Right.CALL, Side.SELL, 3)),
    "Bear put spread": ((Right.PUT, Side.BUY, 0), (Right.PUT, Side.SELL, -3)),
    "Iron condor": (
        (Right.PUT, Side.BUY, -6),
        (Right.PUT, Side.SELL, -3),
        (Right.CALL, Side.SELL, 3),
        (Right.CALL, Side.BUY, 6),
    ),
    "Iron butterfly": (
        (Right.PUT, Side.BUY, -4),
        (Right.PUT, Side.SELL, 0),
        (Right.CALL, Side.SELL, 0),
        (Right.CALL, Side.BUY, 4),
    ),
}


def strategy(chain: OptionChain, name: str) -> tuple[ChosenLeg, ...] | str:
    """Return the legs of a strategy around the money, or the words of what is missing."""
    pairs, middle = strike_pairs(chain), money(chain)
    if middle is None or not pairs:
        return "The money is not known: the underlying has no price."
    atm = min(range(len(pairs)), key=lambda place: abs(pairs[place].strike - middle))
    legs: list[ChosenLeg] = []
    for right, side, steps in STRATEGIES[name]:
        if not 0 <= atm + steps < len(pairs):
            return "The chain has too few strikes around the money."
        leg = _leg(chain, pairs[atm + steps], right, side)
        if isinstance(leg, str):
            return leg
        legs.append(leg)
    return tuple(legs)
