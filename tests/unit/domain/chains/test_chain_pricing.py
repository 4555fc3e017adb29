from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.calendar.expiry import years_to_expiry
from angel_x.domain.chains.chain_pricing import MarketRows, price_chains
from angel_x.domain.contracts.contract import Right
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.pricing.black_scholes import greeks as black_scholes
from angel_x.domain.pricing.forward import ForwardSource
from angel_x.domain.pricing.greek import GreekField
from angel_x.domain.pricing.kernels import Kernels, chosen
from angel_x.domain.pricing.pricing_model import PricingModel
from angel_x.domain.pricing.pricing_status import status_name
from angel_x.domain.quotes.quote import QUOTE, mid_paise
from tests.builders.chains import (
    EXPIRIES,
    FORWARD,
    MARKET_TIME,
    RATE,
    SPOT,
    VOLATILITY,
    make_contract,
    make_universe,
    market_rows,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNIVERSE = make_universe()
ROWS = len(UNIVERSE)
MODEL_FIELDS = slice(GreekField.IMPLIED_VOL, GreekField.FORWARD)


def price(market: MarketRows, universe: Universe = UNIVERSE) -> NDArray[np.float64]:
    return price_chains(universe, 0, len(universe), market).greeks


def statuses(columns: NDArray[np.float64]) -> list[str]:
    return [status_name(code) for code in columns[GreekField.STATUS]]


def unquoted(market: MarketRows, rows: list[int]) -> MarketRows:
    quotes = market.quotes.copy()
    quotes[rows] = 0
    return replace(market, quotes=quotes)


@pytest.fixture(scope="module", params=["numpy", "numba"])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    if request.param == "numba":
        pytest.importorskip("numba")
    return chosen(request.param)


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
        return float(black_scholes(moved, 24_000, years, RATE, RATE, sigma, True)["price"])  # noqa: FBT003 - the argument has no other name

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


def test_a_price_below_the_payoff_has_the_volatility_of_its_twin_and_says_so() -> None:
    market = market_rows(UNIVERSE)
    row, put = UNIVERSE.rows["NIFTY_25AUG26_23000CE"], UNIVERSE.rows["NIFTY_25AUG26_23000PE"]
    quotes = market.quotes.copy()
    quotes["bid"][row], quotes["ask"][row] = 90_000, 90_010

    columns = price(replace(market, quotes=quotes))

    assert statuses(columns)[row] == "from_twin"
    assert statuses(columns)[put] == "ok"
    assert columns[GreekField.IMPLIED_VOL, row] == columns[GreekField.IMPLIED_VOL, put]
    assert columns[GreekField.DELTA, row] > 0.95
    assert columns[GreekField.PRICE, row] > 1_000


def test_a_price_below_the_payoff_without_a_twin_has_a_status_and_no_numbers() -> None:
    row, put = UNIVERSE.rows["NIFTY_25AUG26_23000CE"], UNIVERSE.rows["NIFTY_25AUG26_23000PE"]
    market = unquoted(market_rows(UNIVERSE), [put])
    market.quotes["bid"][row], market.quotes["ask"][row] = 90_000, 90_010

    columns = price(market)

    assert np.isnan(columns[MODEL_FIELDS, row]).all()
    assert statuses(columns)[row] == "below_intrinsic"


def test_a_row_without_a_quote_of_its_own_does_not_ask_its_twin() -> None:
    row = UNIVERSE.rows["NIFTY_25AUG26_23000CE"]

    columns = price(unquoted(market_rows(UNIVERSE), [row]))

    assert np.isnan(columns[MODEL_FIELDS, row]).all()
    assert statuses(columns)[row : row + 2] == ["no_quote", "ok"]


def test_without_a_pair_of_quotes_the_forward_is_the_spot_with_carry() -> None:
    puts = np.flatnonzero(~UNIVERSE.is_call).tolist()

    columns = price(unquoted(market_rows(UNIVERSE), puts))

    years = years_to_expiry(UNIVERSE.expires_at, MARKET_TIME.timestamp())
    np.testing.assert_allclose(columns[GreekField.FORWARD], SPOT * np.exp(RATE * years))
    assert set(columns[GreekField.FORWARD_SOURCE]) == {ForwardSource.SPOT_CARRY}
    assert statuses(columns)[0] == "ok"


def futures(prices: list[float], received_ms: int = 1_000) -> NDArray[np.void]:
    quotes = np.zeros(len(prices), QUOTE)
    quotes["last"] = np.rint(np.array(prices) * 100)
    quotes["time"][quotes["last"] > 0] = received_ms
    return quotes


@pytest.mark.parametrize(
    ("received_ms", "sources"),
    [
        (1_000, {ForwardSource.FUTURES, ForwardSource.SPOT_CARRY}),
        (400, {ForwardSource.SPOT_CARRY}),
        (0, {ForwardSource.SPOT_CARRY}),
    ],
)
def test_a_fresh_future_stands_in_for_pairs_of_quotes(
    received_ms: int, sources: set[ForwardSource]
) -> None:
    puts = np.flatnonzero(~UNIVERSE.is_call).tolist()
    market = unquoted(market_rows(UNIVERSE), puts)

    columns = price(replace(market, futures=futures([24_075.5, 0.0], received_ms)))

    assert set(columns[GreekField.FORWARD_SOURCE]) == sources
    assert (columns[GreekField.FORWARD, 0] == 24_075.5) == (ForwardSource.FUTURES in sources)


def test_a_later_chain_is_priced_on_its_own_future() -> None:
    puts = np.flatnonzero(~UNIVERSE.is_call).tolist()
    market = unquoted(market_rows(UNIVERSE), puts)
    market = replace(market, quotes=market.quotes[42:], futures=futures([24_075.5, 24_120.5]))

    columns = price_chains(UNIVERSE, 42, 84, market).greeks

    assert set(columns[GreekField.FORWARD]) == {24_120.5}


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


@pytest.mark.parametrize("change", [{"time": 400}, {"time": 0}, {"last": 0}, {"last": -5}])
def test_a_spot_that_is_not_believed_is_none(change: dict[str, int]) -> None:
    market = market_rows(UNIVERSE)
    for name, value in change.items():
        market.spots[name] = value

    columns = price(market)

    assert np.isnan(columns[GreekField.IMPLIED_VOL : GreekField.STATUS]).all()
    assert set(statuses(columns)) == {"no_spot"}


BROKEN_QUOTES = {
    "zero": {"time": 0, "bid": 0, "ask": 0, "last": 0},
    "one side": {"bid": 0, "last": 0},
    "crossed": {"bid": 100_000, "ask": 5},
    "stale": {"time": 400},
    "from the future": {"time": 2_000_000},
    "negative": {"bid": -1},
    "negative last": {"last": -(2**31)},
    "enormous": {"bid": 2**31 - 1, "ask": 2**31 - 1},
    "worthless": {"bid": 1, "ask": 1},
}
REASONS = {
    "zero": {"no_quote"},
    "one side": {"no_quote"},
    "crossed": {"crossed_quote"},
    "stale": {"stale_quote"},
    "from the future": {"stale_quote"},
    "negative": {"negative_price"},
    "negative last": {"negative_price"},
    "enormous": {"above_max"},
    "worthless": {"ok", "from_twin", "below_intrinsic"},
}
CHAIN = len(UNIVERSE) // 2
#: Rows of the first chain that its forward is not read off while those nearer to the spot stand.
FAR = np.flatnonzero(np.abs(UNIVERSE.strike[:CHAIN] - SPOT) > 300).tolist()
breaks = st.dictionaries(st.sampled_from(FAR), st.sampled_from(sorted(BROKEN_QUOTES)), max_size=30)


def broken(market: MarketRows, wrong: dict[int, str]) -> MarketRows:
    quotes = market.quotes.copy()
    for row, kind in wrong.items():
        for name, value in BROKEN_QUOTES[kind].items():
            quotes[name][row] = value
    return replace(market, quotes=quotes)


@given(wrong=breaks)
def test_a_bad_row_says_why_and_changes_no_other(kernels: Kernels, wrong: dict[int, str]) -> None:
    market = market_rows(UNIVERSE)
    good = price_chains(UNIVERSE, 0, ROWS, market, kernels)

    bad = price_chains(UNIVERSE, 0, ROWS, broken(market, wrong), kernels)

    others = np.setdiff1d(np.arange(ROWS), list(wrong))
    np.testing.assert_array_equal(bad.greeks[:, others], good.greeks[:, others])
    np.testing.assert_array_equal(bad.risk[:, others], good.risk[:, others])
    names = statuses(bad.greeks)
    for row, kind in wrong.items():
        assert names[row] in REASONS[kind]
        without_numbers = names[row] not in {"ok", "from_twin"}
        assert np.isnan(bad.greeks[MODEL_FIELDS, row]).all() == without_numbers


@pytest.mark.parametrize("kind", BROKEN_QUOTES)
def test_a_chain_of_nothing_but_bad_rows_changes_no_other(kind: str) -> None:
    market = market_rows(UNIVERSE)
    good = price_chains(UNIVERSE, 0, ROWS, market)

    bad = price_chains(UNIVERSE, 0, ROWS, broken(market, dict.fromkeys(range(CHAIN), kind)))

    np.testing.assert_array_equal(bad.greeks[:, CHAIN:], good.greeks[:, CHAIN:])
    np.testing.assert_array_equal(bad.risk[:, CHAIN:], good.risk[:, CHAIN:])
    assert set(statuses(bad.greeks)[:CHAIN]) <= REASONS[kind]


def test_an_underlying_without_a_spot_leaves_the_others_alone() -> None:
    universe = make_universe(("BANKNIFTY", "NIFTY"))
    market = market_rows(universe)
    good = price(market, universe)
    spots = market.spots.copy()
    spots[0] = 0

    columns = price(replace(market, spots=spots), universe)

    half = len(universe) // 2
    assert set(statuses(columns)[:half]) == {"no_spot"}
    np.testing.assert_array_equal(columns[:, half:], good[:, half:])


def test_a_chain_with_one_strike_is_priced_on_the_carried_spot(kernels: Kernels) -> None:
    universe = make_universe(expiries=EXPIRIES[:1], strikes=[24_000])
    market = market_rows(universe)

    greeks, risk = price_chains(universe, 0, 2, market, kernels)

    assert set(greeks[GreekField.FORWARD_SOURCE]) == {ForwardSource.SPOT_CARRY}
    assert statuses(greeks) == ["ok", "ok"]
    assert np.isfinite(greeks).all()
    assert np.isfinite(risk).all()


def test_a_single_contract_is_priced(kernels: Kernels) -> None:
    universe = Universe([make_contract("NIFTY", EXPIRIES[0], 24_000, Right.PUT)])

    greeks, risk = price_chains(universe, 0, 1, market_rows(universe), kernels)

    assert statuses(greeks) == ["ok"]
    assert np.isfinite(risk).all()


def test_both_back_ends_agree(kernels: Kernels) -> None:
    market = market_rows(UNIVERSE)
    expected = price_chains(UNIVERSE, 0, ROWS, market)

    found = price_chains(UNIVERSE, 0, ROWS, market, kernels)

    np.testing.assert_allclose(found.greeks, expected.greeks, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.risk, expected.risk, rtol=1e-9, atol=1e-7)


def test_on_the_spot_the_forward_is_the_carried_spot_and_parity_is_not_asked() -> None:
    market = replace(market_rows(UNIVERSE), futures=futures([24_075.5, 24_120.5]))

    columns = price_chains(UNIVERSE, 0, ROWS, market, model=PricingModel.BSM).greeks

    years = years_to_expiry(UNIVERSE.expires_at, MARKET_TIME.timestamp())
    row = UNIVERSE.rows["NIFTY_25AUG26_24000CE"]
    np.testing.assert_allclose(columns[GreekField.FORWARD], SPOT * np.exp(RATE * years))
    assert set(columns[GreekField.FORWARD_SOURCE]) == {ForwardSource.SPOT_CARRY}
    sigma = columns[GreekField.IMPLIED_VOL, row]
    model = black_scholes(SPOT, 24_000, years[row], RATE, 0.0, sigma, True, extended=True)  # noqa: FBT003 - the argument has no other name
    fields = slice(GreekField.PRICE, GreekField.SPEED + 1)
    np.testing.assert_allclose(columns[fields, row], [float(g) for g in model.values()])


def test_the_exchange_counts_whole_days() -> None:
    market = replace(market_rows(UNIVERSE), rate=0.10)
    columns = price_chains(UNIVERSE, 0, ROWS, market, model=PricingModel.EXCHANGE).greeks

    row = UNIVERSE.rows["NIFTY_25AUG26_24000CE"]
    sigma = columns[GreekField.IMPLIED_VOL, row]
    model = black_scholes(SPOT, 24_000, 6 / 365, 0.10, 0.0, sigma, True)  # noqa: FBT003 - the argument has no other name
    assert columns[GreekField.DELTA, row] == pytest.approx(float(model["delta"]))
    assert columns[GreekField.PRICE, row] == pytest.approx(
        mid_paise(market_rows(UNIVERSE).quotes[[row]])[0] / 100, abs=1e-9
    )


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
    half = price_chains(universe, 84, 168, replace(market, quotes=market.quotes[84:])).greeks

    np.testing.assert_array_equal(whole[:, 84:], half)
