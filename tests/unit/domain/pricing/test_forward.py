"""The forward of an expiry as its calls and puts imply it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from angel_x.domain.pricing.forward import (
    ChainQuotes,
    Expiries,
    ForwardSource,
    implied_forwards,
    mark_prices,
)
from angel_x.pricing import greeks

SPOT, RATE = 24_000.0, 0.065
YEARS = np.array([0.02, 0.1])
#: Carry above and below the rate, which only the options know of.
FORWARDS = SPOT * np.exp(np.array([0.11, 0.03]) * YEARS)
STRIKES = np.arange(23_000.0, 25_050.0, 50.0)


def expiries(**changes: Any) -> Expiries:
    columns = {
        "spot": np.full(2, SPOT),
        "years": YEARS,
        "rate": np.full(2, RATE),
        "dividend_yield": np.zeros(2),
    }
    return Expiries(**columns | changes)


def chain() -> ChainQuotes:
    """Return exact quotes of both expiries: all calls of the first, all its puts, then the second."""
    expiry = np.repeat(np.arange(2), 2 * STRIKES.size)
    is_call = np.tile(np.repeat(np.array([True, False]), STRIKES.size), 2)
    strike = np.tile(STRIKES, 4)
    price = greeks(FORWARDS[expiry], strike, YEARS[expiry], RATE, RATE, 0.15, is_call)["price"]
    fresh = np.ones(strike.size, np.bool_)
    return ChainQuotes(expiry, strike, is_call, price - 0.5, price + 0.5, price, fresh)


def rows_of(quotes: ChainQuotes, rows: NDArray[np.intp]) -> ChainQuotes:
    return ChainQuotes._make(column[rows] for column in quotes)


def test_exact_quotes_give_back_the_forward_of_every_expiry() -> None:
    forward, source = implied_forwards(chain(), expiries())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert (source == ForwardSource.PARITY).all()


def test_the_order_of_the_quotes_does_not_matter() -> None:
    shuffle = np.random.default_rng(3).permutation(chain().strike.size)
    shuffled = rows_of(chain(), shuffle)

    assert implied_forwards(shuffled, expiries())[0] == pytest.approx(FORWARDS, rel=1e-12)


def test_without_two_sides_the_last_price_counts() -> None:
    quotes = chain()
    quotes.bid[::2], quotes.ask[1::2] = 0.0, np.nan

    forward, source = implied_forwards(quotes, expiries())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert (source == ForwardSource.PARITY).all()


def test_a_crossed_quote_counts_with_its_last_price() -> None:
    quotes = chain()
    crossed = quotes._replace(bid=quotes.ask + 5.0)

    np.testing.assert_array_equal(mark_prices(crossed), quotes.last)


def test_a_quote_without_any_price_or_freshness_does_not_count() -> None:
    nothing = np.array([np.nan, 0.0, -1.0, 10.0])
    rows = np.zeros(4, np.intp)
    fresh = np.array([True, True, True, False])
    quotes = ChainQuotes(rows, nothing, rows == 0, nothing, nothing, nothing, fresh)

    assert np.isnan(mark_prices(quotes)).all()


def test_two_absurd_strikes_among_the_nearest_do_not_move_the_forward() -> None:
    quotes = chain()
    for strike in (24_000.0, 24_050.0):
        absurd = (quotes.strike == strike) & quotes.is_call
        quotes.bid[absurd] += 4_000.0
        quotes.ask[absurd] += 4_000.0

    forward, source = implied_forwards(quotes, expiries())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert (source == ForwardSource.PARITY).all()


def test_missing_strikes_are_replaced_by_the_next_nearest() -> None:
    quotes = chain()
    fresh = np.abs(quotes.strike - SPOT) > 200.0

    forward, source = implied_forwards(quotes._replace(fresh=fresh), expiries())

    assert forward == pytest.approx(FORWARDS, rel=1e-12)
    assert (source == ForwardSource.PARITY).all()


def test_too_few_pairs_fall_back_to_the_carried_spot() -> None:
    quotes = chain()
    # The first expiry keeps two strikes, and puts without calls; the second keeps everything.
    fresh = (quotes.expiry == 1) | (quotes.strike <= 23_050.0) | ~quotes.is_call

    forward, source = implied_forwards(quotes._replace(fresh=fresh), expiries())

    assert list(source) == [ForwardSource.SPOT_CARRY, ForwardSource.PARITY]
    assert forward[0] == pytest.approx(SPOT * math.exp(RATE * YEARS[0]), rel=1e-15)
    assert forward[1] == pytest.approx(FORWARDS[1], rel=1e-12)


def test_a_forward_far_from_the_spot_is_not_believed() -> None:
    quotes = chain()
    calls = quotes.is_call & (quotes.expiry == 0)
    quotes.bid[calls] += 4_000.0
    quotes.ask[calls] += 4_000.0

    forward, source = implied_forwards(quotes, expiries())

    assert list(source) == [ForwardSource.SPOT_CARRY, ForwardSource.PARITY]
    assert forward[0] == pytest.approx(SPOT * math.exp(RATE * YEARS[0]), rel=1e-15)


def test_an_expired_chain_has_its_spot_for_a_forward() -> None:
    forward, source = implied_forwards(chain(), expiries(years=np.array([0.0, -1.0])))

    assert (forward == SPOT).all()
    assert (source == ForwardSource.SPOT_CARRY).all()


def test_an_underlying_without_a_spot_has_no_forward() -> None:
    forward, source = implied_forwards(chain(), expiries(spot=np.array([np.nan, SPOT])))

    assert math.isnan(forward[0])
    assert source[0] == ForwardSource.SPOT_CARRY
    assert forward[1] == pytest.approx(FORWARDS[1], rel=1e-12)


def test_no_quotes_leave_every_expiry_on_the_carried_spot() -> None:
    none = np.array([], np.intp)

    forward, source = implied_forwards(rows_of(chain(), none), expiries())

    assert forward == pytest.approx(SPOT * np.exp(RATE * YEARS), rel=1e-15)
    assert (source == ForwardSource.SPOT_CARRY).all()
