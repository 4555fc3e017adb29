from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.contracts.contract import parse_symbol
from angel_x.domain.contracts.universe import Chain, Universe
from angel_x.domain.contracts.universe_generator import UniversePlan, generate_universe
from angel_x.errors import InvalidInput
from tests.builders.markets import CALENDAR, RULES

DAY = date(2026, 11, 23)


def generated(plan: UniversePlan, day: date = DAY) -> Universe:
    return generate_universe(plan, RULES, CALENDAR, day)


FULL = generated(UniversePlan())


def chains_of(universe: Universe, underlying: str) -> list[Chain]:
    return [chain for chain in universe.chains if chain.underlying == underlying]


def test_the_full_universe_has_a_hundred_thousand_contracts_on_two_hundred_underlyings() -> None:
    assert len(FULL) == 100_000
    assert len(FULL.underlyings) == 200
    assert {len(chains_of(FULL, name)) for name in FULL.underlyings} == {3, 4}


def test_the_same_plan_makes_the_same_contracts_and_another_seed_makes_others() -> None:
    assert generated(UniversePlan()).version == FULL.version
    assert generated(UniversePlan(seed=2)).version != FULL.version


def test_indices_with_weekly_contracts_have_the_month_after_them_too() -> None:
    assert [c.expiry for c in chains_of(FULL, "NIFTY")] == [
        date(2026, 12, 1),
        date(2026, 12, 8),
        date(2026, 12, 15),
        date(2026, 12, 29),
    ]
    assert [c.expiry for c in chains_of(FULL, "SENSEX")] == [
        date(2026, 11, 26),
        date(2026, 12, 3),
        date(2026, 12, 10),
        date(2026, 12, 31),
    ]


def test_all_others_expire_with_the_month() -> None:
    monthly = [date(2026, 12, 29), date(2027, 1, 25), date(2027, 2, 23)]

    for name in ("BANKNIFTY", "STOCK001", "STOCK193"):
        assert [c.expiry for c in chains_of(FULL, name)] == monthly


def test_contracts_of_an_index_follow_the_exchanges_rules() -> None:
    indices = list(filter(RULES.is_index, FULL.underlyings))
    assert "NIFTY" in indices
    for name in indices:
        assert chains_of(FULL, name)
        for chain in chains_of(FULL, name):
            contract = FULL.contracts[chain.start]
            assert contract.lot_size == RULES.lot_size(name, chain.expiry)
            assert contract.freeze_quantity == RULES.freeze_quantity(name, DAY)
            assert contract.expires_at == CALENDAR.expires_at(chain.expiry)


def test_strikes_of_a_chain_are_evenly_spaced_around_its_spot_and_have_both_rights() -> None:
    assert len(FULL.chains) > len(FULL.underlyings)
    for chain in FULL.chains:
        rows = slice(chain.start, chain.stop)
        calls = FULL.strike_paise[rows][FULL.is_call[rows]]
        assert np.array_equal(calls, FULL.strike_paise[rows][~FULL.is_call[rows]])
        steps = set(np.diff(calls).tolist())
        assert len(steps) == 1
        middle = int(calls[len(calls) // 2])
        # Far enough for a year's wings, near enough to tell prices at the money apart.
        assert 0.001 < steps.pop() / middle <= 0.021


def test_a_lot_of_a_stock_is_worth_what_the_exchange_asks_for() -> None:
    stocks = [name for name in FULL.underlyings if not RULES.is_index(name)]
    assert len(stocks) > 100
    for name in stocks:
        chain = chains_of(FULL, name)[0]
        contract = FULL.contracts[(chain.start + chain.stop) // 2]
        assert contract.lot_size % 25 == 0
        assert 480_000 < contract.strike * contract.lot_size < 850_000
        assert contract.freeze_quantity == 40 * contract.lot_size


def test_a_spot_can_be_given() -> None:
    plan = UniversePlan(8, 1, 320, spots={"NIFTY": Decimal(26_010), "STOCK001": Decimal("99.95")})

    made = generated(plan)

    for name, middle in (("NIFTY", 26_000), ("STOCK001", 100)):
        chain = chains_of(made, name)[0]
        assert made.strike[(chain.start + chain.stop) // 2] == middle


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"underlyings": 0}, "underlyings must be from 1 to 1000, was 0"),
        ({"expiries": 13}, "expiries must be from 1 to 12, was 13"),
        ({"contracts": 2_000_000}, "contracts must be from 1 to 1000000, was 2000000"),
        ({"seed": -1}, "seed must not be negative, was -1"),
        (
            {"underlyings": 1, "expiries": 1, "contracts": 1_000_000},
            "strike of NIFTY_.* must be from 1 to 999999999",
        ),
        ({"contracts": 1_000}, "contracts must be at least 1204, was 1000"),
        ({"spots": {"NIFTY": Decimal(0)}}, "spot of NIFTY must be from 1 to 1000000, was 0"),
        ({"spots": {"NIFTY": Decimal("nan")}}, "spot of NIFTY must be from 1 to 1000000, was NaN"),
        ({"spots": {"GOLD": Decimal(1)}}, "must be of a generated underlying, was of GOLD"),
    ],
)
def test_a_plan_that_cannot_be_followed_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        generated(replace(UniversePlan(), **changes))


@given(
    underlyings=st.integers(1, 40),
    expiries=st.integers(1, 4),
    contracts=st.integers(400, 3_000),
    seed=st.integers(0, 2**32),
    day=st.dates(date(2026, 1, 1), date(2026, 12, 31)),
)
def test_every_plan_makes_as_many_contracts_that_can_be_as_it_says(
    underlyings: int, expiries: int, contracts: int, seed: int, day: date
) -> None:
    made = generated(UniversePlan(underlyings, expiries, contracts, seed), day)

    assert len(made) == contracts // 2 * 2
    assert len(made.underlyings) == underlyings
    assert all(CALENDAR.is_trading_day(c.expiry) and c.expiry > day for c in made.chains)
    for symbol in made.symbols[:: max(1, len(made) // 10)]:
        parse_symbol(symbol)
