"""Losses in the clearing corporation's scenarios."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.calendar.expiry import years_to_expiry
from angel_x.domain.chains.chain_pricing import MarketRows, PricedChains, price_chains
from angel_x.domain.contracts.contract import Right
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.margin.risk_arrays import (
    DELTA_ROW,
    MARK_ROW,
    RISK_ROWS,
    SCENARIOS,
    Scan,
    write_losses,
)
from angel_x.domain.margin.span import SpanParameters, span_table
from angel_x.domain.pricing.contracts import Contracts
from angel_x.domain.pricing.forward import ForwardSource
from angel_x.domain.pricing.greek import GreekField
from angel_x.domain.pricing.kernels import NUMPY, Kernels, chosen
from angel_x.domain.quotes.quote import QUOTE
from angel_x.pricing import greeks, implied_vol
from config.market import table
from tests.builders.chains import (
    MARKET_TIME,
    RATE,
    SPOT,
    make_contract,
    make_universe,
    market_rows,
)
from tests.builders.risk import option_value

SPAN = span_table(table("margin"), table("volatility"))
UNIVERSE = make_universe()
ROWS = len(UNIVERSE)
LOSSES = slice(0, len(SCENARIOS))
LOOK_AHEAD = 1 / 365
SCAN = Scan(np.array(0.093), np.array(0.04), 2.0, 0.35, LOOK_AHEAD)


def priced(market: MarketRows | None = None, universe: Universe = UNIVERSE) -> PricedChains:
    return price_chains(universe, 0, len(universe), market or market_rows(universe))


def losses(
    forward: float,
    strike: float,
    years: float,
    sigma: float,
    right: Right,
    kernels: Kernels = NUMPY,
) -> np.ndarray:
    """Return the 16 losses of one option with a rate of 6.5 %."""
    one = np.ones(1)
    contracts = Contracts(
        one * forward,
        one * strike,
        one * years,
        one * RATE,
        one * RATE,
        np.array([right is Right.CALL]),
        one * sigma,
    )
    value = np.empty(1)
    kernels.price(contracts, value)
    out = np.empty((len(SCENARIOS), 1))
    write_losses(contracts, value, SCAN, kernels, out)
    return out[:, 0]


def test_the_scenarios_stand_in_the_order_of_the_risk_files() -> None:
    third = 1 / 3
    moves = [0, 0, third, third, -third, -third, 2 * third, 2 * third, -2 * third, -2 * third]

    assert [s.move for s in SCENARIOS] == pytest.approx([*moves, 1, 1, -1, -1, 1, -1])
    assert [s.volatility for s in SCENARIOS] == [1, -1] * 7 + [0, 0]
    assert [s.is_extreme for s in SCENARIOS] == [False] * 14 + [True] * 2
    assert (len(SCENARIOS), DELTA_ROW, MARK_ROW, RISK_ROWS) == (16, 16, 17, 18)


def on_spot(row: int, price: float, years: float) -> float:
    """Return the volatility of a price under the clearing corporation's model."""
    strike, is_call = float(UNIVERSE.strike[row]), bool(UNIVERSE.is_call[row])
    return float(implied_vol(price, SPOT, strike, years, RATE, 0.0, is_call)[0])


@pytest.mark.parametrize("rows", [ROWS, 42])
def test_a_loss_is_what_a_repricing_of_one_contract_on_the_spot_says(rows: int) -> None:
    market = replace(market_rows(UNIVERSE), quotes=market_rows(UNIVERSE).quotes[:rows])
    found = price_chains(UNIVERSE, 0, rows, market)
    years = years_to_expiry(UNIVERSE.expires_at, MARKET_TIME.timestamp())

    for row in range(0, rows, 5):
        value = float(found.risk[MARK_ROW, row])
        # The forward of the quotes is above that of the spot, so far puts have no time value on it.
        sigma = np.nan_to_num(on_spot(row, value, years[row]))
        expected = []
        for scenario in SCENARIOS:
            reach = 2 * 0.093 if scenario.is_extreme else 0.093
            later = greeks(
                SPOT * (1 + scenario.move * reach),
                UNIVERSE.strike[row],
                years[row] - LOOK_AHEAD,
                RATE,
                0.0,
                max(sigma + 0.04 * scenario.volatility, 0.0),
                UNIVERSE.is_call[row],
            )
            cover = 0.35 if scenario.is_extreme else 1.0
            expected.append((value - float(later["price"])) * cover)
        np.testing.assert_allclose(found.risk[LOSSES, row], expected, rtol=1e-9, atol=1e-8)


def test_delta_and_mark_come_along() -> None:
    found = priced()

    np.testing.assert_array_equal(found.risk[DELTA_ROW], found.greeks[GreekField.DELTA])
    np.testing.assert_allclose(found.risk[MARK_ROW], found.greeks[GreekField.PRICE], atol=1e-9)


def worths(found: PricedChains) -> np.ndarray:
    """Return what a unit is worth in every scenario, the cover of the extreme ones taken back."""
    cover = np.array([0.35 if scenario.is_extreme else 1.0 for scenario in SCENARIOS])
    worth: np.ndarray = found.risk[MARK_ROW] - found.risk[LOSSES] / cover[:, None]
    return worth


@pytest.mark.parametrize("has_twin", [True, False])
@pytest.mark.parametrize("paise", [500, 90_000, 105_000])
def test_mark_and_losses_say_what_a_scenario_is_worth_however_low_the_quote(
    paise: int, *, has_twin: bool
) -> None:
    market = market_rows(UNIVERSE)
    row = UNIVERSE.rows["NIFTY_25AUG26_23000CE"]
    market.quotes["bid"][row], market.quotes["ask"][row] = paise, paise
    if not has_twin:
        market.quotes[row + 1] = 0

    found = priced(market)

    worth, healthy = worths(found)[:, row], worths(priced())[:, row]
    assert (worth <= healthy + 2.0).all()
    assert worth[0] >= 1_021
    # The worst for a short one is without time value.
    assert worth.max() == pytest.approx(healthy.max(), abs=2.0)
    assert (found.risk[LOSSES, row] <= found.risk[MARK_ROW, row] + 1e-9).all()
    assert found.risk[MARK_ROW, row] == paise / 100


@given(
    moneyness=st.floats(0.7, 1.4),
    years=st.floats(1 / 525_600, 1.5),
    sigma=st.floats(0.01, 1.5),
    right=st.sampled_from(Right),
)
def test_losses_are_bounded_and_ordered(
    moneyness: float, years: float, sigma: float, right: Right
) -> None:
    forward, strike = 20_000.0, 20_000.0 * moneyness
    rounding = 1e-9 * forward
    is_call = right is Right.CALL
    found = losses(forward, strike, years, sigma, right)
    value = float(greeks(forward, strike, years, RATE, RATE, sigma, is_call)["price"])

    # A long option never loses more than it is worth.
    assert (found <= value + rounding).all()
    # Volatility helps whoever is long.
    assert (found[0:14:2] <= found[1:14:2] + rounding).all()
    # A call loses the more the lower the market ends, a put the less.
    by_move = found[[12, 8, 4, 0, 2, 6, 10]]
    assert (np.diff(by_move if is_call else by_move[::-1]) <= rounding).all()


@given(moneyness=st.floats(0.7, 1.4), years=st.floats(1 / 525_600, 1.5), sigma=st.floats(0.01, 1.5))
def test_a_call_less_a_put_loses_what_the_forward_does(
    moneyness: float, years: float, sigma: float
) -> None:
    forward, strike = 20_000.0, 20_000.0 * moneyness
    call, put = (losses(forward, strike, years, sigma, right) for right in Right)

    later = np.exp(-RATE * max(years - LOOK_AHEAD, 0.0))
    expected = []
    for scenario in SCENARIOS:
        reach = 2 * 0.093 if scenario.is_extreme else 0.093
        moved = forward * (1 + scenario.move * reach)
        loss = np.exp(-RATE * years) * (forward - strike) - later * (moved - strike)
        expected.append(loss * (0.35 if scenario.is_extreme else 1.0))
    np.testing.assert_allclose(call - put, expected, atol=1e-9 * forward)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_the_losses_of_a_day_before_expiry_are_those_of_payoffs(name: str) -> None:
    if name == "numba":
        pytest.importorskip("numba")
    kernels = chosen("numba" if name == "numba" else "numpy")

    found = losses(20_000.0, 20_000.0, LOOK_AHEAD / 2, 0.2, Right.CALL, kernels)

    value = float(greeks(20_000.0, 20_000.0, LOOK_AHEAD / 2, RATE, RATE, 0.2, True)["price"])  # noqa: FBT003 - the argument has no other name
    assert found[[0, 1, 4, 12]] == pytest.approx([value] * 4)
    assert found[10:12] == pytest.approx([value - 1_860.0] * 2)
    assert found[14] == pytest.approx(0.35 * (value - 3_720.0))


def test_a_volatility_below_the_scan_range_falls_to_zero_and_not_below() -> None:
    found = losses(20_000.0, 21_000.0, 0.1, 0.03, Right.CALL)

    assert np.isfinite(found).all()
    assert found[1] == pytest.approx(
        float(greeks(20_000.0, 21_000.0, 0.1, RATE, RATE, 0.03, True)["price"])  # noqa: FBT003 - the argument has no other name
    )


def test_a_price_without_time_value_loses_what_its_payoff_does() -> None:
    market = market_rows(UNIVERSE)
    row, put = UNIVERSE.rows["NIFTY_25AUG26_23000CE"], UNIVERSE.rows["NIFTY_25AUG26_23000PE"]
    quotes = market.quotes.copy()
    quotes[put] = 0
    quotes["bid"][row], quotes["ask"][row] = 100_000, 100_010

    found = priced(replace(market, quotes=quotes))

    assert np.isnan(found.greeks[GreekField.PRICE, row])
    assert np.isfinite(found.risk[:, row]).all()
    assert found.risk[MARK_ROW, row] == pytest.approx(1_000.05)
    assert found.risk[DELTA_ROW, row] == pytest.approx(1.0, abs=0.01)
    healthy = priced().risk
    worth, before = worths(found)[:, row], worths(PricedChains(found.greeks, healthy))[:, row]
    # Whoever is short is asked for what the payoffs are worth; the difference is time value.
    assert (worth <= before + 1e-6).all()
    np.testing.assert_allclose(worth[10:14], before[10:14], atol=30.0)
    assert np.isnan(found.risk[:, put]).all()


@pytest.mark.parametrize("kind", ["unquoted", "stale", "crossed"])
def test_a_row_without_a_quote_has_no_risk_array(kind: str) -> None:
    market = market_rows(UNIVERSE)
    row = UNIVERSE.rows["NIFTY_25AUG26_24000CE"]
    changes = {"unquoted": ("time", 0), "stale": ("time", 400), "crossed": ("bid", 10**6)}
    name, value = changes[kind]
    market.quotes[name][row] = value

    found = priced(market)

    assert np.isnan(found.risk[:, row]).all()
    assert np.isnan(found.risk).any(axis=0).sum() == 1


def test_what_has_expired_has_no_risk_array() -> None:
    after = datetime(2026, 8, 25, 10, 10, tzinfo=UTC).timestamp()

    found = priced(replace(market_rows(UNIVERSE), at=after))

    assert np.isnan(found.risk[:, :42]).all()
    assert np.isfinite(found.risk[:, 42:]).all()


def test_without_parameters_there_are_no_risk_arrays() -> None:
    found = priced(replace(market_rows(UNIVERSE), span=None))

    assert np.isnan(found.risk).all()
    assert np.isfinite(found.greeks[GreekField.PRICE]).all()


def test_a_stock_is_moved_farther_than_an_index() -> None:
    universe = make_universe(("NIFTY", "RELIANCE"))

    found = priced(universe=universe).risk

    half = len(universe) // 2
    deep = universe.rows["NIFTY_25AUG26_23000CE"]
    span = SPAN.on(MARKET_TIME.date())
    assert found[12, deep] < found[12, half + deep] * 1.001
    gain = -found[10, [deep, half + deep]]
    assert gain[1] - gain[0] == pytest.approx(
        (span.stock.price - span.index.price) * 24_060, rel=0.02
    )


def test_an_option_of_more_than_nine_months_is_moved_farther() -> None:
    universe = make_universe(expiries=[date(2027, 5, 25), date(2027, 4, 27)], strikes=[24_000])
    span = SPAN.on(MARKET_TIME.date())
    years = years_to_expiry(universe.expires_at[[0, 2]], MARKET_TIME.timestamp())

    price, volatility = span.scan_ranges(np.array([True, True]), years)

    assert price.tolist() == [0.093, 0.177]
    assert volatility.tolist() == [0.04, 0.04]


def test_the_parameters_are_those_of_the_day() -> None:
    older = table("margin")["span"]["scenarios"][0]
    newer = {**older, "from": "2027-01-01", "index": {**older["index"], "price_percent": "10"}}
    margin = {"span": {"indices": ["NIFTY"], "scenarios": [newer, older]}}
    spans = span_table(margin, table("volatility"))

    assert spans.on(date(2026, 12, 31)).index.price == 0.093
    assert spans.on(date(2027, 1, 1)).index.price == 0.10
    with pytest.raises(LookupError):
        spans.on(date.fromisoformat(older["from"]) - timedelta(days=1))


def test_a_dated_change_of_the_volatility_moves_the_margin_of_the_same_contract() -> None:
    today, row = MARKET_TIME.date(), UNIVERSE.rows["NIFTY_25AUG26_24000CE"]
    rows = [{"from": f"{today - timedelta(days=1)}", "percent": "0.8"}]
    rows.append({"from": f"{today}", "percent": "1.5"})
    spans = span_table(table("margin"), {"max_age_days": 7, "daily": {"NIFTY": rows}})
    years = float(years_to_expiry(UNIVERSE.expires_at, MARKET_TIME.timestamp())[row])

    def needed(day: date) -> float:
        """Return scan risk and value of a short unit."""
        found = priced(replace(market_rows(UNIVERSE), span=spans.on(day)))
        return float(found.risk[MARK_ROW, row] - found.risk[LOSSES, row].min())

    def by_hand(price: float, volatility: float) -> float:
        """Return the same on the spot: the floors, or 6 * 1.5 % * 2 ** 0.5 and 25 % * 1.5 % * 365 ** 0.5."""
        mark = float(priced().risk[MARK_ROW, row])
        worth, _ = option_value(
            SPOT * (1 + price), 24_000, years - LOOK_AHEAD, RATE,
            on_spot(row, mark, years) + volatility, is_call=True,
        )  # fmt: skip
        return worth

    assert needed(today - timedelta(days=1)) == pytest.approx(by_hand(0.093, 0.04), rel=1e-6)
    assert needed(today) == pytest.approx(by_hand(0.12727922, 0.07164365), rel=1e-6)


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_no_risk_array_is_written_at_a_stale_volatility(name: str) -> None:
    if name == "numba":
        pytest.importorskip("numba")
    market = market_rows(UNIVERSE)
    quotes = market.quotes.copy()
    # Quotes without time value, whose scenarios are payoffs.
    quotes["bid"][::4], quotes["ask"][::4] = 5, 10
    stale = replace(SPAN.on(MARKET_TIME.date()), volatilities={"NIFTY": float("nan")})
    market = replace(market, quotes=quotes, span=stale)

    kernels = chosen("numba" if name == "numba" else "numpy")
    found = price_chains(UNIVERSE, 0, ROWS, market, kernels)

    assert np.isfinite(priced().risk[LOSSES]).any()
    assert np.isnan(found.risk[LOSSES]).all()


def test_whatever_is_no_index_is_a_stock() -> None:
    span: SpanParameters = SPAN.on(MARKET_TIME.date())

    assert span.are_indices(("NIFTY", "RELIANCE", "SENSEX")).tolist() == [True, False, True]


@pytest.mark.reference
# The file does not hold the future; its price here is a derived one.
@pytest.mark.parametrize("source", [ForwardSource.FUTURES, ForwardSource.SPOT_CARRY])
def test_margins_are_within_two_percent_of_a_real_risk_file_whatever_the_forward(
    reference_folder: Path, source: ForwardSource
) -> None:
    reference: dict[str, Any] = json.loads(
        (reference_folder / "span_reference_20260529.json").read_text()
    )
    future_case, short_call, long_call = reference["cases"]
    expiry = date.fromisoformat(reference["expiry"])
    universe = Universe([make_contract("NIFTY", expiry, 23_700, Right.CALL)])
    quotes, spots, futures = (np.zeros(1, QUOTE) for _ in range(3))
    quotes["last"], quotes["time"] = round(short_call["premium_per_unit"] * 100), 1
    spots["last"], spots["time"] = round(reference["spot_phy"] * 100), 1
    futures["last"], futures["time"] = (
        round(reference["future_price_implied_by_exposure"] * 100),
        1,
    )
    if source is ForwardSource.SPOT_CARRY:
        futures = np.zeros(1, QUOTE)
    at = datetime(2026, 5, 29, 10, 0, tzinfo=UTC)
    span = SPAN.on(at.date())
    market = MarketRows(quotes, spots, at.timestamp(), RATE, futures=futures, span=span)

    found = price_chains(universe, 0, 1, market)

    lot = reference["lot"]
    assert found.greeks[GreekField.FORWARD_SOURCE, 0] == source
    scan_risk = -found.risk[LOSSES, 0].min() * lot
    premium = found.risk[MARK_ROW, 0] * lot
    assert scan_risk + premium == pytest.approx(short_call["span"], rel=0.02)
    # A long option: what it can lose is what it is worth, so nothing is asked for beyond it.
    assert found.risk[LOSSES, 0].max() * lot - premium <= long_call["span"]
    forward = found.greeks[GreekField.FORWARD, 0]
    assert span.index.price * forward * lot == pytest.approx(future_case["span"], rel=0.01)
