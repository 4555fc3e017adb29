from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.domain.contracts.contract import Contract, Right, format_future
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.quotes import minute_sample
from angel_x.domain.quotes.minute_sample import (
    ChainMinute,
    chain_minutes,
    contract_number,
    sampled_rows,
)
from angel_x.domain.quotes.quote import QUOTE
from angel_x.errors import InvalidSymbol
from tests.builders.chains import EXPIRIES, MARKET_TIME, make_contract, make_universe
from tests.builders.markets import make_quotes

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT = MARKET_TIME.timestamp()
WEEKS = (*EXPIRIES, date(2026, 9, 8), date(2026, 9, 15))


def paise(*rupees: int) -> NDArray[np.int64]:
    return np.array(rupees, np.int64) * 100


def symbols(universe: Universe, rows: NDArray[np.int64]) -> list[str]:
    return [universe.symbol(row) for row in rows.tolist()]


def future(expiry: date) -> Contract:
    option, symbol = make_contract("NIFTY", expiry, 1, Right.CALL), format_future("NIFTY", expiry)
    return replace(option, symbol=symbol, strike=Decimal(0), right=None)


def test_a_contract_is_its_strike_in_paise_negative_for_a_put_and_zero_for_the_future() -> None:
    found = [contract_number(f"NIFTY_25AUG26_{end}") for end in ("24050CE", "24050.5PE", "FUT")]

    assert found == [2_405_000, -2_405_050, 0]


@pytest.mark.parametrize("text", ["NIFTY", "NIFTY_31FEB26_FUT", "NIFTY_25AUG26_0CE", "_FUT"])
def test_a_text_that_is_no_symbol_has_no_number(text: str) -> None:
    with pytest.raises(InvalidSymbol, match=text):
        contract_number(text)


def test_the_strikes_nearest_to_the_spot_of_the_nearest_expiries_are_sampled() -> None:
    universe = make_universe(expiries=WEEKS, strikes=range(20_000, 28_001, 50))

    rows = sampled_rows(universe, paise(24_010), (), AT)

    contracts = [universe.contract(row) for row in rows.tolist()]
    assert {c.expiry for c in contracts} == set(WEEKS[:3])
    strikes = {int(c.strike) for c in contracts}
    assert strikes == set(range(23_000, 25_001, 50))
    assert len(rows) == 3 * 41 * 2
    assert (np.diff(rows) > 0).all()


def test_an_expiry_that_has_ended_is_not_sampled() -> None:
    universe = make_universe(expiries=WEEKS, strikes=[24_000])
    later = universe.contract(0).expires_at.timestamp()

    rows = sampled_rows(universe, paise(24_010), [universe.symbols[0]], later)

    assert {universe.contract(row).expiry for row in rows.tolist()} == set(WEEKS[1:])


def test_each_underlying_has_its_own_money_and_one_without_a_spot_has_none() -> None:
    universe = make_universe(("A", "B", "C"), EXPIRIES[:1], range(100, 1_001, 1))

    rows = sampled_rows(universe, paise(120, 0, 900), (), AT)

    found = [universe.contract(row) for row in rows.tolist()]
    assert {(c.underlying, int(c.strike)) for c in found} == {
        *(("A", strike) for strike in range(100, 141)),
        *(("C", strike) for strike in range(880, 921)),
    }


def test_held_contracts_and_futures_are_sampled_wherever_they_are() -> None:
    options = make_universe(expiries=WEEKS, strikes=[20_000, *range(23_900, 25_000)])
    universe = Universe([*options.contracts, future(WEEKS[3])])
    held = ["NIFTY_15SEP26_20000PE", "NIFTY_15SEP26_1CE"]

    rows = sampled_rows(universe, paise(0), held, AT)

    assert symbols(universe, rows) == ["NIFTY_15SEP26_20000PE", "NIFTY_15SEP26_FUT"]


def test_of_too_many_contracts_those_held_and_at_the_money_are_sampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(minute_sample, "MOST", 6)
    universe = make_universe(expiries=EXPIRIES)

    rows = sampled_rows(universe, paise(24_010), ["NIFTY_25AUG26_25000PE"], AT)

    assert symbols(universe, rows) == [
        "NIFTY_25AUG26_24000CE",
        "NIFTY_25AUG26_24000PE",
        "NIFTY_25AUG26_24100CE",
        "NIFTY_25AUG26_25000PE",
        "NIFTY_01SEP26_24000CE",
        "NIFTY_01SEP26_24000PE",
    ]


def test_nothing_is_sampled_of_an_empty_universe() -> None:
    universe = Universe()

    rows = sampled_rows(universe, paise(), (), AT)

    assert len(rows) == 0
    assert list(chain_minutes(universe, rows, np.zeros(0, QUOTE), paise())) == []


def test_quotes_are_grouped_by_chain_with_the_straddle_at_the_money() -> None:
    options = make_universe(strikes=[23_900, 24_000, 24_100])
    universe = Universe([*options.contracts, future(EXPIRIES[1])])
    quotes = make_quotes([10, 20, 35, 41, 50, 60, 15, 25, 35, 45, 55, 65, 70], time=1)
    # A price between two ticks, one of the last trade only, and none.
    quotes["ask"][2] += 1
    quotes["bid"][4] = quotes["ask"][4] = 0
    quotes[5] = np.zeros((), QUOTE)
    quotes["oi"] = range(13)

    found = list(chain_minutes(universe, np.arange(13), quotes, paise(24_049)))

    assert found == [
        ChainMinute(
            "NIFTY", EXPIRIES[0], 2_404_900, 2_400_000, 36, 41,
            [2_390_000, -2_390_000, 2_400_000, -2_400_000, 2_410_000],
            [10, 20, 36, 41, 50], [0, 1, 2, 3, 4],
        ),
        ChainMinute(
            "NIFTY", EXPIRIES[1], 2_404_900, 2_400_000, 35, 45,
            [2_390_000, -2_390_000, 2_400_000, -2_400_000, 2_410_000, -2_410_000, 0],
            [15, 25, 35, 45, 55, 65, 70], [6, 7, 8, 9, 10, 11, 12],
        ),
    ]  # fmt: skip


def test_a_straddle_at_the_money_that_is_not_quoted_is_not_that_of_another_strike() -> None:
    universe = make_universe(expiries=EXPIRIES[:1], strikes=[23_900, 24_000, 24_100])
    rows = np.array([0, 1, 2, 4])

    (found,) = chain_minutes(universe, rows, make_quotes([10, 20, 30, 40]), paise(24_001))

    assert (found.strike, found.call, found.put) == (2_400_000, 30, None)


def test_without_a_spot_there_is_no_straddle_and_without_any_price_no_row() -> None:
    universe = make_universe(strikes=[24_000])
    quotes = make_quotes([10, 20, 0, 0])
    quotes[2:] = np.zeros((), QUOTE)

    (found,) = chain_minutes(universe, np.arange(4), quotes, paise(0))

    assert (found.expiry, found.spot, found.strike, found.call) == (EXPIRIES[0], None, None, None)
    assert found.prices == [10, 20]


def test_a_future_without_options_has_a_row_of_its_own() -> None:
    universe = Universe([future(EXPIRIES[0])])

    (found,) = chain_minutes(universe, np.array([0]), make_quotes([70]), paise(24_000))

    assert (found.strike, found.contracts, found.prices) == (None, [0], [70])
