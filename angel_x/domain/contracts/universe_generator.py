"""A generated universe of the size of the real one: indices by the exchange's rules, and stocks.

The same plan makes the same contracts.  The stocks are fictitious; their lots, freeze quantities and
strikes follow the practice of the exchange.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import chain, islice
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.domain.calendar.expiry_days import monthly_expiries, weekly_expiries
from angel_x.domain.contracts.listed_chain import ListedChain, Term, epoch_microseconds
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.values.money import paise
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.calendar.session import TradingCalendar
    from angel_x.domain.contracts.contract_rules import ContractRules


class _Index(NamedTuple):
    #: Rupees.
    spot: int
    #: Rupees.
    step: int


_INDICES = MappingProxyType(
    {
        "NIFTY": _Index(24_000, 50),
        "BANKNIFTY": _Index(52_000, 100),
        "SENSEX": _Index(79_000, 100),
        "FINNIFTY": _Index(25_000, 50),
        "MIDCPNIFTY": _Index(13_000, 25),
        "NIFTYNXT50": _Index(68_000, 100),
        "BANKEX": _Index(59_000, 100),
    }
)
#: Rupees: the range of the spots of stocks.
_STOCK_SPOTS = (60.0, 12_000.0)
#: Distance of strikes in paise, by the lowest spot in rupees: one to two per cent of the spot.
_STEPS = (
    (0, 50), (50, 100), (125, 250), (250, 500), (500, 1_000), (1_000, 2_000), (2_500, 5_000),
    (5_000, 10_000), (12_500, 25_000), (25_000, 50_000),
)  # fmt: skip
#: The least value of one lot of a stock in rupees, and the unit of lot sizes.
_LEAST_VALUE, _LOT_UNIT = 500_000, 25
#: The most lots of a stock in one order: the median of the exchange's list.
_FREEZE_LOTS = 40
#: The ratio of strikes in a chain of an index to those of a stock.
_INDEX_WEIGHT = 2.0
#: The largest values of a plan.
_MOST = MappingProxyType({"underlyings": 1_000, "expiries": 12, "contracts": 1_000_000})
#: Rupees.
_HIGHEST_SPOT = 1_000_000


@dataclass(frozen=True, slots=True)
class UniversePlan:
    """The size of a generated universe.

    Raises:
        InvalidInput: A number or a spot is out of bounds.
    """

    underlyings: int = 200
    #: Monthly expiries of each underlying.  An underlying with weekly contracts has as many weekly
    #: expiries and the monthly one after them.
    expiries: int = 3
    contracts: int = 100_000
    seed: int = 1
    #: Rupees, for the underlyings whose spot is given and not generated.
    spots: Mapping[str, Decimal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            if not 1 <= (number := getattr(self, name)) <= most:
                raise InvalidInput(f"{name} must be from 1 to {most}, was {number}")
        for name, spot in self.spots.items():
            if not (spot.is_finite() and 1 <= spot <= _HIGHEST_SPOT):
                raise InvalidInput(f"spot of {name} must be from 1 to {_HIGHEST_SPOT}, was {spot}")
        if self.seed < 0:
            raise InvalidInput(f"seed must not be negative, was {self.seed}")


@dataclass(frozen=True, slots=True)
class _Underlying:
    name: str
    spot_paise: int
    step_paise: int
    weight: float


def generate_universe(
    plan: UniversePlan, rules: ContractRules, calendar: TradingCalendar, trading_day: date
) -> Universe:
    """Return a universe of exactly ``plan.contracts``, or one less where that is odd.

    It has calls and puts on strikes around each spot; none expires on the trading day.

    Raises:
        InvalidInput: A spot is given for an underlying that is not generated, or there are fewer
            contracts than the chains need.
    """
    underlyings = _underlyings(plan)
    strangers = plan.spots.keys() - {u.name for u in underlyings}
    if strangers:
        raise InvalidInput(f"spot must be of a generated underlying, was of {min(strangers)}")
    made = [
        (u, day) for u in underlyings for day in _expiries(plan, u, rules, calendar, trading_day)
    ]
    sizes = _shares(plan.contracts // 2, np.array([u.weight for u, _ in made]))
    listing = _Listing(rules, calendar, trading_day)
    return Universe(
        chains=(listing.chain(u, day, n) for (u, day), n in zip(made, sizes, strict=True))
    )


def _underlyings(plan: UniversePlan) -> list[_Underlying]:
    indices = [
        _Underlying(name, index.spot * 100, index.step * 100, _INDEX_WEIGHT)
        for name, index in islice(_INDICES.items(), plan.underlyings)
    ]
    low, high = np.log(_STOCK_SPOTS)
    random = np.random.default_rng(plan.seed)
    spots = np.exp(random.uniform(low, high, plan.underlyings - len(indices)))
    stocks = [
        _Underlying(f"STOCK{i:03d}", round(spot * 20) * 5, _step(spot), 1.0)
        for i, spot in enumerate(spots.tolist(), 1)
    ]
    return [_respotted(u, plan.spots.get(u.name)) for u in chain(indices, stocks)]


def _respotted(underlying: _Underlying, spot: Decimal | None) -> _Underlying:
    if spot is None:
        return underlying
    is_index = underlying.name in _INDICES
    step = underlying.step_paise if is_index else _step(float(spot))
    return _Underlying(underlying.name, round(spot * 100), step, underlying.weight)


def _step(spot: float) -> int:
    return _STEPS[bisect_right(_STEPS, spot, key=lambda row: row[0]) - 1][1]


def _expiries(
    plan: UniversePlan,
    underlying: _Underlying,
    rules: ContractRules,
    calendar: TradingCalendar,
    trading_day: date,
) -> Iterator[date]:
    weekdays = rules.weekdays(underlying.name)
    monthly = monthly_expiries(calendar, trading_day, weekdays)
    if underlying.name not in rules.weekly:
        yield from islice(monthly, plan.expiries)
        return
    weekly = list(islice(weekly_expiries(calendar, trading_day, weekdays), plan.expiries))
    yield from weekly
    yield next(day for day in monthly if day > weekly[-1])


def _shares(total: int, weights: NDArray[np.float64]) -> list[int]:
    """Distribute ``total`` strikes over the chains by weight, without remainder."""
    if total < len(weights):
        raise InvalidInput(f"contracts must be at least {2 * len(weights)}, was {2 * total}")
    # Every chain gets one strike; the remaining ones are distributed by weight.
    ends = np.rint(np.cumsum(weights) / weights.sum() * (total - len(weights))).astype(np.int64)
    shares: list[int] = (np.diff(ends, prepend=0) + 1).tolist()
    return shares


@dataclass(frozen=True, slots=True)
class _Listing:
    rules: ContractRules
    calendar: TradingCalendar
    trading_day: date

    def chain(self, underlying: _Underlying, expiry: date, strikes: int) -> ListedChain:
        lot, freeze = self._sizes(underlying, expiry)
        terms = np.empty((2 * strikes, len(Term)), np.int64)
        center = round(underlying.spot_paise / underlying.step_paise)
        lowest = max(1, center - strikes // 2)
        ladder = np.arange(lowest, lowest + strikes) * underlying.step_paise
        terms[:, Term.STRIKE] = np.repeat(ladder, 2)
        terms[:, Term.KIND] = np.tile((0, 1), strikes)
        terms[:, Term.LOT_SIZE] = lot
        terms[:, Term.TICK_SIZE] = paise(self.rules.tick_size)
        terms[:, Term.FREEZE_QUANTITY] = freeze
        terms[:, Term.EXPIRES_AT] = epoch_microseconds(self.calendar.expires_at(expiry))
        return ListedChain(underlying.name, expiry, terms)

    def _sizes(self, underlying: _Underlying, expiry: date) -> tuple[int, int]:
        """Return lot size and freeze quantity."""
        if self.rules.is_index(underlying.name):
            freeze = self.rules.freeze_quantity(underlying.name, self.trading_day)
            return self.rules.lot_size(underlying.name, expiry), freeze
        value_paise = _LEAST_VALUE * 100
        lot = -(-value_paise // (underlying.spot_paise * _LOT_UNIT)) * _LOT_UNIT
        return lot, lot * _FREEZE_LOTS
