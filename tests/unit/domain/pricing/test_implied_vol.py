"""Implied volatility: exact where it exists, named where it does not."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.pricing.contracts import BLOCK
from angel_x.pricing import STATUS_NAMES, IvStatus, greeks, implied_vol

EPSILON = float(np.finfo(np.float64).eps)
#: Strike 80 on spot 100 without rates: a call is worth between 20 and 100.
NO_RATES: dict[str, Any] = {
    "spot": 100.0,
    "strike": 80.0,
    "years": 0.25,
    "rate": 0.0,
    "dividend_yield": 0.0,
    "is_call": True,
}


def reasons(price: Any, **changes: Any) -> list[str]:
    """Return the names of the statuses, having seen that no volatility goes with them."""
    sigma, status = implied_vol(price, **NO_RATES | changes)
    assert np.isnan(sigma).all()
    return [STATUS_NAMES[code] for code in np.atleast_1d(status)]


@pytest.mark.reference
def test_every_reference_price_gives_its_volatility_or_its_reason(reference_folder: Path) -> None:
    rows = json.loads((reference_folder / "iv_reference.json").read_text())
    price, spot, strike, years, rate, dividend_yield, flag = (
        np.array([row[name] for row in rows]) for name in ("price", "s", "k", "t", "r", "q", "flag")
    )

    sigma, status = implied_vol(price, spot, strike, years, rate, dividend_yield, flag == "c")

    assert {row["status"] for row in rows} >= {"ok"}
    assert len({row["status"] for row in rows}) > 1
    for row, value, code in zip(rows, sigma, status, strict=True):
        assert STATUS_NAMES[code] == row["status"], row
        if row["status"] == "ok":
            unit = EPSILON * max(1.0, row["cond_price"], row["cond_input"])
            assert abs(value / row["iv"] - 1.0) <= 8 * unit, row
        else:
            assert math.isnan(value), row


def test_a_textbook_price_gives_back_the_volatility_that_it_was_computed_with() -> None:
    # Haug, The Complete Guide to Option Pricing Formulas, 2nd edition, 1.1.1, with 50 digits.
    sigma, status = implied_vol(2.1333684449162, 60.0, 65.0, 0.25, 0.08, 0.0, is_call=True)

    assert status == IvStatus.OK
    assert sigma == pytest.approx(0.3, rel=1e-14)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    spot=st.floats(50.0, 60_000.0),
    moneyness=st.floats(-6.0, 6.0),
    years=st.floats(1e-4, 3.0),
    rate=st.floats(-0.02, 0.15),
    sigma=st.floats(0.02, 3.0),
    right=st.sampled_from(["CE", "PE"]),
)
def test_pricing_with_the_implied_volatility_gives_back_the_price(
    right: str, **drawn: float
) -> None:
    spot, years, sigma = drawn["spot"], drawn["years"], drawn["sigma"]
    strike = spot * math.exp(drawn["moneyness"] * sigma * math.sqrt(years))
    arguments = (spot, strike, years, drawn["rate"], 0.0)
    is_call = right == "CE"
    price = greeks(*arguments, sigma, is_call)["price"]

    implied, status = implied_vol(price, *arguments, is_call)

    if status == IvStatus.OK:
        again = greeks(*arguments, implied, is_call)["price"]
        assert again == pytest.approx(float(price), rel=1e-13, abs=1e-14 * (spot + strike))
    else:
        # Deep in the money the time value can be lost in the rounding of the price.
        assert IvStatus(int(status)) in {
            IvStatus.AT_INTRINSIC,
            IvStatus.BELOW_INTRINSIC,
            IvStatus.ABOVE_MAX,
        }
        assert math.isnan(implied)


def test_volatilities_are_found_over_the_whole_range_of_deviations() -> None:
    random = np.random.default_rng(11)
    deviation = 10 ** random.uniform(-3.0, 1.0, 20_000)
    # Strikes around the inflection, where the two objectives meet, as well as far from it.
    log_strike = 0.5 * deviation**2 * np.exp(random.normal(0.0, 1.0, deviation.size))
    strike = np.exp(np.minimum(log_strike, 30.0 * deviation))
    values = greeks(1.0, strike, 1.0, 0.0, 0.0, deviation, is_call=True)
    price = values["price"]
    resolved = (price > 1e-280) & (price < 1.0 - 1e-9)

    sigma, status = implied_vol(price, 1.0, strike, 1.0, 0.0, 0.0, is_call=True)

    assert resolved.sum() > deviation.size / 2
    assert (status[resolved] == IvStatus.OK).all()
    # What rounding the spot, the strike and the price can move: their legs over vega times volatility.
    legs = 2.0 * values["delta"] + np.abs(price)
    unit = EPSILON * np.maximum(1.0, legs / (values["vega"] * deviation))
    error = np.abs(sigma / deviation - 1.0)
    assert (error[resolved] <= 16 * unit[resolved]).all()


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (-1.0, "negative_price"),
        (0.0, "zero_price"),
        (100.0, "above_max"),
        (1e9, "above_max"),
        (19.5, "below_intrinsic"),
        (20.0, "at_intrinsic"),
        (math.nan, "invalid"),
        (math.inf, "invalid"),
    ],
)
def test_a_price_that_no_volatility_explains_is_named(price: float, reason: str) -> None:
    assert reasons(price) == [reason]


@pytest.mark.parametrize("years", [0.0, -0.01])
def test_an_expired_option_has_no_volatility(years: float) -> None:
    assert reasons(25.0, years=years) == ["expired"]


@pytest.mark.parametrize("argument", ["spot", "strike", "years", "rate", "dividend_yield"])
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_argument_that_is_no_number_is_invalid(argument: str, value: float) -> None:
    assert reasons(25.0, **{argument: value}) == ["invalid"]


@pytest.mark.parametrize("changes", [{"spot": 0.0}, {"strike": -80.0}, {"spot": -1, "strike": -1}])
def test_a_spot_or_strike_that_is_not_positive_is_invalid(changes: dict[str, float]) -> None:
    assert reasons(25.0, **changes) == ["invalid"]


def test_bad_rows_leave_their_neighbors_alone() -> None:
    alone, _ = implied_vol(25.0, **NO_RATES)

    sigma, status = implied_vol(np.array([-1.0, 25.0, math.nan, 20.0]), **NO_RATES)

    assert [STATUS_NAMES[code] for code in status] == [
        "negative_price",
        "ok",
        "invalid",
        "at_intrinsic",
    ]
    assert sigma[1] == pytest.approx(float(alone), rel=1e-15)


def test_arguments_broadcast_and_scalars_give_results_without_a_dimension() -> None:
    one, status = implied_vol(25.0, **NO_RATES)
    many, statuses = implied_vol(np.full((3, 1), 25.0), **NO_RATES | {"years": np.full(2, 0.25)})

    assert one.shape == status.shape == ()
    assert many.shape == statuses.shape == (3, 2)
    assert status.dtype == statuses.dtype == np.int8
    assert many == pytest.approx(float(one), rel=1e-15)


def test_a_chain_longer_than_a_block_is_solved_to_its_end() -> None:
    strikes = np.linspace(80.0, 120.0, BLOCK + 3)
    price = greeks(100.0, strikes, 0.25, 0.05, 0.0, 0.2, is_call=False)["price"]

    sigma, status = implied_vol(price, 100.0, strikes, 0.25, 0.05, 0.0, is_call=False)

    assert (status == IvStatus.OK).all()
    assert sigma == pytest.approx(0.2, rel=1e-12)


@pytest.mark.parametrize("price", [1e-10, 1e-12, 1e-14, 1e-300])
def test_a_time_value_that_rounding_could_have_made_tells_nothing(price: float) -> None:
    assert reasons(price, strike=100.0) == ["at_intrinsic"]


@pytest.mark.parametrize("sigma", [1e-9, 1e-7, 1e-5])
def test_a_tiny_volatility_at_the_money_is_told_as_well_as_its_inputs_allow(sigma: float) -> None:
    # The price is then sigma sqrt(T) over sqrt(2 pi), and rounding the spot moves it by half of that.
    price = 100.0 * sigma * 0.5 / math.sqrt(2.0 * math.pi)

    found, status = implied_vol(price, **NO_RATES | {"strike": 100.0})

    assert status == IvStatus.OK
    assert found == pytest.approx(sigma, rel=16 * EPSILON / sigma)


def test_the_status_codes_keep_their_numbers() -> None:
    assert {status.name: status.value for status in IvStatus} == {
        "OK": 0,
        "INVALID": 1,
        "EXPIRED": 2,
        "NEGATIVE_PRICE": 3,
        "ZERO_PRICE": 4,
        "ABOVE_MAX": 5,
        "BELOW_INTRINSIC": 6,
        "AT_INTRINSIC": 7,
    }
