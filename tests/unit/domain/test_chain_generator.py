from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.chain_generator import generate_chain, strikes_around, weekly_expiries
from angel_x.domain.universe import Universe
from angel_x.errors import InvalidInput
from tests.builders.markets import CALENDAR, RULES, factory_on

TUESDAY = 1


def test_a_holiday_moves_the_expiry_to_the_day_before() -> None:
    expiries = weekly_expiries(CALENDAR, date(2026, 10, 14), TUESDAY)

    assert list(islice(expiries, 5)) == [
        date(2026, 10, 19),
        date(2026, 10, 27),
        date(2026, 11, 3),
        date(2026, 11, 9),
        date(2026, 11, 17),
    ]


def test_a_contract_that_expires_today_is_not_generated() -> None:
    # Tuesday the 24th is a holiday, so that week expires on Monday the 23rd.
    assert next(weekly_expiries(CALENDAR, date(2026, 11, 22), TUESDAY)) == date(2026, 11, 23)
    assert next(weekly_expiries(CALENDAR, date(2026, 11, 23), TUESDAY)) == date(2026, 12, 1)


@given(st.dates(date(2026, 1, 1), date(2026, 12, 1)))
def test_every_expiry_is_a_later_trading_day_and_they_ascend(day: date) -> None:
    expiries = list(islice(weekly_expiries(CALENDAR, day, TUESDAY), 4))

    assert all(CALENDAR.is_trading_day(expiry) for expiry in expiries)
    assert expiries == sorted(set(expiries))
    assert expiries[0] > day
    assert expiries[0] - day <= timedelta(days=8)


def test_strikes_lie_around_the_nearest_one() -> None:
    step = Decimal(50)

    assert strikes_around(Decimal("24074.99"), step, 1) == [24_000, 24_050, 24_100]
    assert strikes_around(Decimal(24075), step, 1) == [24_050, 24_100, 24_150]


def test_no_strike_is_zero_or_negative() -> None:
    assert strikes_around(Decimal(60), Decimal(50), 3) == [50, 100, 150, 200]


def test_the_demo_chain_has_calls_and_puts_for_three_weeks() -> None:
    contracts = generate_chain(factory_on(date(2026, 11, 23)), "NIFTY", Decimal("24062.7"))

    universe = Universe(contracts)
    assert len(universe) == len(contracts) == 3 * 81 * 2
    assert [c.expiry.day for c in universe.chains] == [1, 8, 15]
    assert "NIFTY_01DEC26_24050CE" in universe.rows
    assert {(c.lot_size, c.freeze_quantity, c.tick_size) for c in contracts} == {
        (65, 1800, RULES.tick_size)
    }


def test_an_underlying_without_weekly_contracts_is_refused() -> None:
    with pytest.raises(InvalidInput, match="underlying was BANKNIFTY"):
        generate_chain(factory_on(date(2026, 11, 23)), "BANKNIFTY", Decimal(52_000))
