"""What the Greeks do at their limits, with bad numbers and with arguments of any shape."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from angel_x.domain.pricing.black_scholes import BASIC_COUNT
from angel_x.domain.pricing.contracts import BLOCK, broadcast
from angel_x.domain.pricing.greek import OUTPUTS
from angel_x.domain.pricing.kernels import Kernels
from angel_x.pricing import greeks

ORDINARY: dict[str, Any] = {
    "spot": 24_000.0,
    "strike": 24_500.0,
    "years": 0.05,
    "rate": 0.065,
    "dividend_yield": 0.01,
    "sigma": 0.14,
    "is_call": True,
}
SOME_CONTRACTS = {
    "spot": st.floats(50.0, 60_000.0),
    "moneyness": st.floats(-2.0, 2.0),
    "years": st.floats(0.01, 2.0),
    "rate": st.floats(-0.02, 0.15),
    "dividend_yield": st.floats(0.0, 0.1),
    "sigma": st.floats(0.05, 1.5),
}


def contract(**changes: Any) -> dict[str, Any]:
    return ORDINARY | changes


def some_contract(**drawn: float) -> dict[str, Any]:
    """Return a contract whose strike lies ``moneyness`` standard deviations from the spot."""
    moneyness = drawn.pop("moneyness")
    width = drawn["sigma"] * math.sqrt(drawn["years"])
    return contract(**drawn, strike=drawn["spot"] * math.exp(moneyness * width))


@pytest.mark.parametrize("argument", ["spot", "strike"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_a_spot_or_strike_that_is_not_positive_and_finite_makes_every_output_nan(
    argument: str, value: float
) -> None:
    values = greeks(**contract(**{argument: value}), extended=True)

    assert all(math.isnan(values[name]) for name in OUTPUTS)


@pytest.mark.parametrize("argument", ["years", "rate", "dividend_yield", "sigma"])
def test_a_nan_argument_makes_every_output_nan(argument: str) -> None:
    values = greeks(**contract(**{argument: math.nan}), extended=True)

    assert all(math.isnan(values[name]) for name in OUTPUTS)


@pytest.mark.parametrize("years", [0.05, 0.0, -1.0])
def test_a_negative_volatility_makes_every_output_nan(years: float) -> None:
    values = greeks(**contract(sigma=-0.2, years=years), extended=True)

    assert all(math.isnan(values[name]) for name in OUTPUTS)


def test_a_negative_spot_over_a_negative_strike_is_not_priced() -> None:
    values = greeks(**contract(spot=-100.0, strike=-100.0))

    assert {"price", "delta", "gamma", "vega", "theta", "rho"} <= set(values)
    assert all(math.isnan(value) for value in values.values())


def test_bad_rows_leave_their_neighbors_alone() -> None:
    alone = greeks(**contract(), extended=True)

    among = greeks(**contract(sigma=np.array([-1.0, 0.14, 0.0, math.nan])), extended=True)

    for name in OUTPUTS:
        assert among[name][1] == alone[name]
        assert math.isnan(among[name][0])
        assert math.isnan(among[name][3])


@pytest.mark.parametrize("years", [0.0, -0.1])
@pytest.mark.parametrize(
    ("strike", "right", "price", "delta"),
    [
        (23_900.0, "CE", 100.0, 1.0),
        (24_000.0, "CE", 0.0, 0.5),
        (24_100.0, "CE", 0.0, 0.0),
        (24_100.0, "PE", 100.0, -1.0),
        (24_000.0, "PE", 0.0, -0.5),
        (23_900.0, "PE", 0.0, 0.0),
    ],
)
def test_an_expired_option_is_worth_its_payoff_on_the_spot(
    years: float, strike: float, right: str, price: float, delta: float
) -> None:
    values = greeks(**contract(years=years, strike=strike, is_call=right == "CE"), extended=True)

    assert values["price"] == price
    assert values["delta"] == delta
    assert all(values[name] == 0.0 for name in OUTPUTS[2:])


def test_without_volatility_an_option_is_worth_its_discounted_payoff_on_the_forward() -> None:
    values = greeks(100.0, 90.0, 1.0, 0.05, 0.02, 0.0, is_call=True, extended=True)

    spot_leg, strike_leg = 100.0 * math.exp(-0.02), 90.0 * math.exp(-0.05)
    assert values["price"] == pytest.approx(spot_leg - strike_leg, rel=1e-14)
    assert values["delta"] == pytest.approx(math.exp(-0.02), rel=1e-15)
    assert values["rho"] == pytest.approx(strike_leg, rel=1e-15)
    assert values["theta"] == pytest.approx(0.02 * spot_leg - 0.05 * strike_leg, rel=1e-14)
    assert values["gamma"] == values["vega"] == values["vanna"] == values["volga"] == 0.0


def test_a_price_beyond_the_smallest_number_is_exactly_zero() -> None:
    values = greeks(100.0, 1e6, 0.01, 0.0, 0.0, 0.1, is_call=True, extended=True)

    assert all(values[name] == 0.0 for name in OUTPUTS)


@pytest.mark.parametrize("strike", [90.0, 110.0])
def test_a_volatility_too_small_to_matter_is_none(strike: float) -> None:
    tiny = greeks(100.0, strike, 1.0, 0.05, 0.02, 1e-40, is_call=True, extended=True)

    none = greeks(100.0, strike, 1.0, 0.05, 0.02, 0.0, is_call=True, extended=True)
    assert [float(tiny[name]) for name in OUTPUTS] == pytest.approx(
        [float(none[name]) for name in OUTPUTS], rel=1e-15
    )


def test_scalars_give_results_without_a_dimension() -> None:
    values = greeks(**contract())

    assert list(values) == list(OUTPUTS[:BASIC_COUNT])
    assert all(value.shape == () and value.dtype == np.float64 for value in values.values())


def test_arguments_broadcast_to_their_common_shape() -> None:
    strikes = np.linspace(22_000.0, 26_000.0, 5)
    rights = np.array([[True], [False]])

    values = greeks(**contract(strike=strikes, is_call=rights))

    assert values["price"].shape == (2, 5)
    for i, is_call in enumerate((True, False)):
        for j, strike in enumerate(strikes):
            alone = greeks(**contract(strike=strike, is_call=is_call))
            for name, value in values.items():
                assert value[i, j] == pytest.approx(float(alone[name]), rel=1e-14)


def test_no_contracts_give_no_values() -> None:
    values = greeks(**contract(strike=np.array([])))

    assert values["price"].shape == (0,)


@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        (np.array([1.0, -1.0]), "-1.0"),
        ([1, 2], "2"),
        (["c", "x"], "x"),
        ([True, None], "None"),
        (float("nan"), "nan"),
        ("", ""),
    ],
)
def test_a_flag_that_is_neither_call_nor_put_is_refused(flags: Any, wrong: str) -> None:
    with pytest.raises(TypeError, match=f"is_call must be booleans, .*, was {wrong}$"):
        greeks(**contract(is_call=flags))


def test_a_chain_longer_than_a_block_is_priced_like_its_parts() -> None:
    strikes = np.linspace(20_000.0, 28_000.0, BLOCK + 7)

    whole = greeks(**contract(strike=strikes), extended=True)
    parts = [greeks(**contract(strike=part), extended=True) for part in np.split(strikes, [5000])]

    for name in OUTPUTS:
        joined = np.concatenate([part[name] for part in parts])
        np.testing.assert_allclose(whole[name], joined, rtol=1e-14)


def test_repeated_maturities_are_priced_like_scattered_ones() -> None:
    random = np.random.default_rng(7)
    years = np.repeat(np.linspace(0.01, 1.0, 20), 30)
    strikes = random.uniform(22_000.0, 26_000.0, years.size)
    shuffle = random.permutation(years.size)

    sorted_rows = greeks(**contract(years=years, strike=strikes))
    scattered = greeks(**contract(years=years[shuffle], strike=strikes[shuffle]))

    assert {"price", "delta", "gamma", "vega", "theta", "rho"} <= set(sorted_rows)
    for name, values in sorted_rows.items():
        np.testing.assert_allclose(values[shuffle], scattered[name], rtol=1e-13)


def test_values_can_be_written_into_an_array_that_the_caller_keeps(kernels: Kernels) -> None:
    strikes = np.linspace(22_000.0, 26_000.0, 9)
    numbers = (24_000.0, strikes, 0.05, 0.065, 0.065, 0.14)
    contracts, _ = broadcast(numbers, is_call=np.bool_(True))  # noqa: FBT003  an array, not a switch
    out = np.full((BASIC_COUNT, strikes.size), np.nan)

    kernels.value(contracts, out)

    assert np.isfinite(out).all()
    for row, value in zip(out, greeks(*numbers, is_call=True).values(), strict=True):
        np.testing.assert_array_equal(row, value)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(**SOME_CONTRACTS)
def test_call_less_put_is_the_discounted_forward_less_strike(**drawn: float) -> None:
    chosen = some_contract(**drawn)

    call = greeks(**chosen | {"is_call": True})["price"]
    put = greeks(**chosen | {"is_call": False})["price"]

    spot_leg = chosen["spot"] * math.exp(-chosen["dividend_yield"] * chosen["years"])
    strike_leg = chosen["strike"] * math.exp(-chosen["rate"] * chosen["years"])
    assert call - put == pytest.approx(spot_leg - strike_leg, abs=1e-14 * (spot_leg + strike_leg))


@settings(max_examples=50, derandomize=True, deadline=None)
@given(right=st.sampled_from(["CE", "PE"]), **SOME_CONTRACTS)
def test_a_price_lies_between_the_payoff_on_the_forward_and_the_leg_that_it_pays(
    right: str, **drawn: float
) -> None:
    chosen = some_contract(**drawn) | {"is_call": right == "CE"}

    price = float(greeks(**chosen)["price"])

    spot_leg = chosen["spot"] * math.exp(-chosen["dividend_yield"] * chosen["years"])
    strike_leg = chosen["strike"] * math.exp(-chosen["rate"] * chosen["years"])
    sign, most = (1.0, spot_leg) if right == "CE" else (-1.0, strike_leg)
    rounding = 4e-16 * (spot_leg + strike_leg)
    assert max(sign * (spot_leg - strike_leg), 0.0) - rounding <= price <= most + rounding


@settings(max_examples=50, derandomize=True, deadline=None)
@given(right=st.sampled_from(["CE", "PE"]), more=st.floats(1e-6, 1.0), **SOME_CONTRACTS)
def test_a_price_never_falls_when_the_volatility_rises(
    right: str, more: float, **drawn: float
) -> None:
    chosen = some_contract(**drawn) | {"is_call": right == "CE"}
    sigma = chosen["sigma"] * np.array([1.0, 1.0 + more])

    less, greater = greeks(**chosen | {"sigma": sigma})["price"]

    assert greater >= less - 4e-16 * (chosen["spot"] + chosen["strike"])


#: Each Greek, the one that it differentiates, the argument, and the sign of time passing.
DERIVATIVES = [
    ("delta", "price", "spot", 1.0),
    ("gamma", "delta", "spot", 1.0),
    ("vega", "price", "sigma", 1.0),
    ("theta", "price", "years", -1.0),
    ("rho", "price", "rate", 1.0),
    ("vanna", "delta", "sigma", 1.0),
    ("volga", "vega", "sigma", 1.0),
    ("charm", "delta", "years", -1.0),
    ("speed", "gamma", "spot", 1.0),
]


@pytest.mark.parametrize(("name", "of", "argument", "sign"), DERIVATIVES)
@settings(max_examples=30, derandomize=True, deadline=None)
@given(right=st.sampled_from(["CE", "PE"]), **SOME_CONTRACTS)
def test_each_greek_is_the_slope_of_the_value_that_it_differentiates(
    name: str, of: str, argument: str, sign: float, right: str, **drawn: float
) -> None:
    chosen = some_contract(**drawn) | {"is_call": right == "CE"}
    center = chosen[argument]
    # A step well inside the width of the distribution, on the scale of the argument.
    width = chosen["sigma"] * math.sqrt(chosen["years"])
    step = 1e-4 if argument == "rate" else 1e-3 * min(width, 1.0) * center

    steps = center + step * np.array([-2.0, -1.0, 1.0, 2.0])
    values = greeks(**chosen | {argument: steps}, extended=True)[of]
    slope = sign * float(values @ np.array([1.0, -8.0, 8.0, -1.0])) / (12.0 * step)

    expected = float(greeks(**chosen, extended=True)[name])
    noise = 1e-12 * (np.abs(values).max() + chosen["spot"] * (of == "price")) / step
    assert expected == pytest.approx(
        slope, rel=1e-5, abs=1e-9 * np.abs(values).max() / step + noise
    )
