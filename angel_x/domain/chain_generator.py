"""A realistic option chain made from the rules alone, for when there is no recording at hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import count as count_from
from itertools import islice, product
from typing import TYPE_CHECKING

from angel_x.domain.contract import Contract, Right

if TYPE_CHECKING:
    from angel_x.domain.contract_rules import ContractFactory
    from angel_x.domain.session import TradingCalendar

_WEEK = timedelta(days=7)


def weekly_expiries(calendar: TradingCalendar, after: date, weekday: int) -> Iterator[date]:
    """Yield the weekly expiries later than ``after``; a holiday moves one to the day before it."""
    nominal = after + timedelta(days=(weekday - after.weekday()) % 7)
    for week in count_from():
        expiry = calendar.trading_day_on_or_before(nominal + week * _WEEK)
        if expiry > after:
            yield expiry


def strikes_around(spot: Decimal, step: Decimal, each_side: int) -> list[Decimal]:
    """Return the strike nearest to the spot and ``each_side`` more below and above, ascending."""
    center = (spot / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step
    ladder = (center + step * offset for offset in range(-each_side, each_side + 1))
    return [strike for strike in ladder if strike > 0]


def generate_chain(
    factory: ContractFactory,
    underlying: str,
    spot: Decimal,
    *,
    expiries: int = 3,
    strikes_each_side: int = 40,
    strike_step: Decimal = Decimal(50),
) -> tuple[Contract, ...]:
    """Return calls and puts of the next weekly expiries, none of which falls on the trading day.

    Raises:
        InvalidInput: The rules do not know the underlying.
    """
    weekday = factory.rules.expiry_weekday(underlying)
    days = islice(weekly_expiries(factory.calendar, factory.trading_day, weekday), expiries)
    strikes = strikes_around(spot, strike_step, strikes_each_side)
    return tuple(
        factory.make(underlying, expiry, strike, right)
        for expiry, strike, right in product(days, strikes, Right)
    )
