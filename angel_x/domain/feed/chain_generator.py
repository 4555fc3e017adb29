"""A chain of options, and futures, generated from the contract rules, for use without a recording."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from itertools import islice, product
from typing import TYPE_CHECKING

from angel_x.domain.calendar.expiry_days import monthly_expiries, weekly_expiries
from angel_x.domain.contracts.contract import Contract, Right
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from angel_x.domain.contracts.contract_rules import ContractFactory


def strikes_around(spot: Decimal, step: Decimal, each_side: int) -> list[Decimal]:
    """Return the strike nearest to the spot and ``each_side`` more below and above, ascending."""
    center = (spot / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step
    ladder = (center + step * offset for offset in range(-each_side, each_side + 1))
    return [strike for strike in ladder if strike > 0]


def generate_futures(
    factory: ContractFactory, underlying: str, *, expiries: int = 3
) -> tuple[Contract, ...]:
    """Return the futures of the next monthly expiries after the trading day.

    Raises:
        InvalidInput: There are no rules for the underlying.
    """
    weekdays = factory.rules.weekdays(underlying)
    days = islice(monthly_expiries(factory.calendar, factory.trading_day, weekdays), expiries)
    return tuple(factory.make_future(underlying, expiry) for expiry in days)


def generate_chain(
    factory: ContractFactory,
    underlying: str,
    spot: Decimal,
    *,
    expiries: int = 3,
    strikes_each_side: int = 40,
    strike_step: Decimal = Decimal(50),
) -> tuple[Contract, ...]:
    """Return calls and puts of the next weekly expiries after the trading day.

    Raises:
        InvalidInput: There are no rules for the underlying, or it has no weekly contracts.
    """
    rules, day = factory.rules, factory.trading_day
    if underlying not in rules.weekly:
        raise InvalidInput(f"no weekly expiry is known, underlying was {underlying}")
    days = islice(weekly_expiries(factory.calendar, day, rules.weekdays(underlying)), expiries)
    strikes = strikes_around(spot, strike_step, strikes_each_side)
    return tuple(
        factory.make(underlying, expiry, strike, right)
        for expiry, strike, right in product(days, strikes, Right)
    )
