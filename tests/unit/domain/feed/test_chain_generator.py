from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.chain_generator import generate_chain, strikes_around
from angel_x.errors import InvalidInput
from tests.builders.markets import RULES, factory_on


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
