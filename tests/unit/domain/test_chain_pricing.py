from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from angel_x.domain.chain_pricing import MarketRows, price_chains
from angel_x.domain.expiry import years_to_expiry
from angel_x.domain.greek_columns import GreekField
from angel_x.domain.pricing.black_scholes import greeks
from angel_x.domain.pricing_status import status_name
from angel_x.domain.quote import mid_paise
from tests.builders.chains import (
    FORWARD,
    MARKET_TIME,
    RATE,
    SPOT,
    VOLATILITY,
    make_universe,
    market_rows,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.universe import Universe

UNIVERSE = make_universe()
ROWS = len(UNIVERSE)
MODEL_FIELDS = slice(GreekField.IMPLIED_VOL, GreekField.FORWARD)


def price(market: MarketRows, universe: Universe = UNIVERSE) -> NDArray[np.float64]:
    return price_chains(universe, 0, len(universe), market)


def statuses(columns: NDArray[np.float64]) -> list[str]:
    return [status_name(code) for code in columns[GreekField.STATUS]]


def unquoted(market: MarketRows, rows: list[int]) -> MarketRows:
    quotes = market.quotes.copy()
    quotes[rows] = 0
    return replace(market, quotes=quotes)


def test_the_forward_and_the_volatility_of_a_made_market_are_found_again() -> None:
    columns = price(market_rows(UNIVERSE))

    assert columns[GreekField.FORWARD] == pytest.approx(FORWARD, abs=0.02)
    near = np.abs(UNIVERSE.strike - FORWARD) < 500
    assert columns[GreekField.IMPLIED_VOL, near] == pytest.approx(VOLATILITY, abs=5e-5)
    assert set(statuses(columns)) == {"ok"}


def test_the_model_gives_back_the_mark_that_it_was_fitted_to() -> None:
    market = market_rows(UNIVERSE)

    columns = price(market)

    marks = mid_paise(market.quotes) / 100
    np.testing.assert_allclose(columns[GreekField.PRICE], marks, rtol=0, atol=1e-9)


def test_delta_and_gamma_are_those_of_the_spot() -> None:
    columns = price(market_rows(UNIVERSE))

    row = UNIVERSE.rows["NIFTY_25AUG26_24000CE"]
    sigma, forward = columns[GreekField.IMPLIED_VOL, row], columns[GreekField.FORWARD, row]
    years = float(years_to_expiry(UNIVERSE.expires_at[row], MARKET_TIME.timestamp()))

    def call_at(spot: float) -> float:
        moved = forward * spot / SPOT
        return float(greeks(moved, 24_000, years, RATE, RATE, sigma, True)["price"])  # noqa: FBT003 - the argument has no other name

    bump = 1.0
    up, here, down = call_at(SPOT + bump), call_at(SPOT), call_at(SPOT - bump)
    assert columns[GreekField.DELTA, row] == pytest.approx((up - down) / 2, rel=1e-6)
    assert columns[GreekField.GAMMA, row] == pytest.approx(up - 2 * here + down, rel=1e-5)


def test_a_row_without_a_quote_has_a_status_and_no_numbers() -> None:
    row = UNIVERSE.rows["NIFTY_25AUG26_24000CE"]

    columns = price(unquoted(market_rows(UNIVERSE), [row]))

    assert np.isnan(columns[MODEL_FIELDS, row]).all()
    assert statuses(columns)[row] == "no_quote"
    assert statuses(columns).count("ok") == ROWS - 1


def test_a_price_below_the_payoff_has_a_status_and_no_numbers() -> None:
    market = market_rows(UNIVERSE)
    row = UNIVERSE.rows["NIFTY_25AUG26_23000CE"]
    quotes = market.quotes.copy()
    quotes["bid"][row], quotes["ask"][row] = 90_000, 90_010

    columns = price(replace(market, quotes=quotes))

    assert np.isnan(columns[MODEL_FIELDS, row]).all()
    assert statuses(columns)[row] == "below_intrinsic"


def test_without_a_two_sided_strike_the_forward_is_the_spot_with_carry() -> None:
    puts = np.flatnonzero(~UNIVERSE.is_call).tolist()

    columns = price(unquoted(market_rows(UNIVERSE), puts))

    years = years_to_expiry(UNIVERSE.expires_at, MARKET_TIME.timestamp())
    np.testing.assert_allclose(columns[GreekField.FORWARD], SPOT * np.exp(RATE * years))
    assert statuses(columns)[0] == "ok"


def test_without_a_spot_nothing_is_priced() -> None:
    market = unquoted(market_rows(UNIVERSE), [1])
    blind = replace(market, spots=np.zeros_like(market.spots))

    columns = price(blind)

    assert np.isnan(columns[GreekField.IMPLIED_VOL : GreekField.STATUS]).all()
    assert statuses(columns)[:2] == ["no_spot", "no_quote"]


def test_a_market_without_quotes_prices_nothing_and_does_not_warn() -> None:
    columns = price(unquoted(market_rows(UNIVERSE), list(range(ROWS))))

    assert np.isnan(columns[MODEL_FIELDS]).all()
    assert set(statuses(columns)) == {"no_quote"}


def test_an_expired_chain_has_no_greeks_while_the_next_has() -> None:
    after = datetime(2026, 8, 25, 10, 10, tzinfo=UTC)

    columns = price(replace(market_rows(UNIVERSE), at=after.timestamp()))

    assert statuses(columns)[:42] == ["expired"] * 42
    assert np.isnan(columns[MODEL_FIELDS, :42]).all()
    assert statuses(columns)[42:] == ["ok"] * 42


def test_in_its_last_seconds_a_contract_has_a_minute_left() -> None:
    last_minute = datetime(2026, 8, 25, 10, 9, tzinfo=UTC)
    market = market_rows(UNIVERSE, last_minute)

    at_the_minute = price(market)
    seconds_later = price(replace(market, at=(last_minute + timedelta(seconds=59)).timestamp()))

    np.testing.assert_array_equal(at_the_minute[:, :42], seconds_later[:, :42])


def test_chunks_and_the_whole_give_the_same_numbers() -> None:
    universe = make_universe(("BANKNIFTY", "NIFTY"))
    market = market_rows(universe)

    whole = price(market, universe)
    half = price_chains(universe, 84, 168, replace(market, quotes=market.quotes[84:]))

    np.testing.assert_array_equal(whole[:, 84:], half)
