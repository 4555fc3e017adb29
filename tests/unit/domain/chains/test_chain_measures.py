"""Each measure against a twin that walks through the contracts one by one."""

from __future__ import annotations

from collections.abc import Callable
from math import log, nan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.chains.chain_measures import (
    WIDEST_GAP,
    WING_DELTA,
    ChainColumns,
    Lack,
    Measured,
    Smile,
    butterfly,
    exposure_by_strike,
    gamma_exposure,
    interest_by_strike,
    max_pain,
    out_of_the_money,
    payouts,
    put_call_ratio,
    risk_reversal,
    volatility_at_the_money,
    wing_volatility,
)

FORWARD = 24_060.0
SPOT = 24_000.0
#: Strike, whether it is a call, volatility, delta, gamma, open interest, volume.
Row = tuple[float, bool, float, float, float, int, int]

volatilities = st.one_of(st.just(nan), st.floats(0.01, 3.0))
row = st.tuples(
    # Few strikes, so that they meet: at the forward itself, near it, and too far apart.
    st.sampled_from(
        [20_000.0, 22_500.0, 23_950.0, 24_000.0, FORWARD, 24_100.0, 24_900.0, 30_000.0]
    ),
    st.booleans(),
    volatilities,
    st.one_of(st.just(nan), st.floats(0.0, 1.0), st.just(WING_DELTA)),
    st.one_of(st.just(nan), st.floats(0.0, 0.01)),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
)
chains = st.lists(row, max_size=16, unique_by=lambda r: r[:2])


def columns(rows: list[Row]) -> ChainColumns:
    ordered = sorted(rows, key=lambda r: (r[0], not r[1]))
    parts = [np.array([r[i] for r in ordered]) for i in range(7)]
    floats = [part.astype(np.float64) for part in parts]
    is_call = parts[1].astype(np.bool_)
    delta = np.where(is_call, floats[3], -floats[3])
    oi, volume = parts[5].astype(np.int64), parts[6].astype(np.int64)
    return ChainColumns(floats[0], is_call, floats[2], delta, floats[4], oi, volume)


def agree(found: Measured, expected: Measured) -> None:
    if isinstance(expected, Lack) or isinstance(found, Lack):
        assert found == expected
    else:
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)


def naive_smile(rows: list[Row]) -> list[Row]:
    """Return the rows of the smile, ascending, one a strike."""
    picked = [r for r in rows if r[1] == (r[0] >= FORWARD) and r[2] == r[2]]
    return sorted(picked)


def naive_at_the_money(rows: list[Row]) -> Measured:
    smile = naive_smile(rows)
    if not smile:
        return Lack.NO_VOLATILITY
    below = [r for r in smile if r[0] < FORWARD]
    above = [r for r in smile if r[0] >= FORWARD]
    if above and above[0][0] == FORWARD:
        return above[0][2]
    if not below or not above:
        return Lack.ONE_SIDED
    low, high = log(below[-1][0] / FORWARD), log(above[0][0] / FORWARD)
    if high - low > WIDEST_GAP:
        return Lack.STRIKES_TOO_FAR_APART
    share = -low / (high - low)
    # At any one time to expiry, here a year.
    return sqrt((1 - share) * below[-1][2] ** 2 + share * above[0][2] ** 2)


def naive_wing(rows: list[Row], *, calls: bool) -> Measured:
    side = [r for r in naive_smile(rows) if r[1] == calls and r[3] == r[3]]
    side.sort(key=lambda r: r[0] if calls else -r[0])
    if not side:
        return Lack.NO_VOLATILITY
    before: Row | None = None
    for r in side:
        if r[3] == WING_DELTA:
            return r[2]
        if r[3] < WING_DELTA:
            if before is None:
                return Lack.DELTA_NOT_REACHED
            if abs(log(r[0] / before[0])) > WIDEST_GAP:
                return Lack.STRIKES_TOO_FAR_APART
            return r[2] + (before[2] - r[2]) * (WING_DELTA - r[3]) / (before[3] - r[3])
        before = r
    return Lack.DELTA_NOT_REACHED


def naive_max_pain(rows: list[Row]) -> Measured:
    if sum(r[5] for r in rows) == 0:
        return Lack.NO_OPEN_INTEREST
    payouts = {}
    for settlement in sorted({r[0] for r in rows}):
        calls = sum(int(max(settlement - r[0], 0)) * r[5] for r in rows if r[1])
        puts = sum(int(max(r[0] - settlement, 0)) * r[5] for r in rows if not r[1])
        payouts[settlement] = calls + puts
    return min(payouts, key=lambda strike: (payouts[strike], strike))


def naive_gamma_exposure(rows: list[Row]) -> Measured:
    held = [r for r in rows if r[5] > 0]
    if not held:
        return Lack.NO_OPEN_INTEREST
    priced = [r for r in held if r[4] == r[4]]
    if not priced:
        return Lack.NO_GAMMA
    # Delta in units after 1 % of the spot, and what those units are worth.
    return sum((1 if r[1] else -1) * r[4] * (SPOT * 0.01) * r[5] * SPOT for r in priced)


def smile_of(rows: list[Row]) -> Smile:
    return out_of_the_money(columns(rows), FORWARD)


@given(chains)
def test_the_smile_is_the_side_that_is_out_of_the_money(rows: list[Row]) -> None:
    smile, expected = smile_of(rows), naive_smile(rows)

    assert smile.strike.tolist() == [r[0] for r in expected]
    assert smile.implied_vol.tolist() == [r[2] for r in expected]
    assert smile.is_call.tolist() == [r[1] for r in expected]
    assert smile.log_moneyness == pytest.approx([log(r[0] / FORWARD) for r in expected])


@given(chains)
def test_volatilities_equal_those_of_the_naive_twin(rows: list[Row]) -> None:
    smile = smile_of(rows)

    agree(volatility_at_the_money(smile), naive_at_the_money(rows))
    agree(wing_volatility(smile, calls=True), naive_wing(rows, calls=True))
    agree(wing_volatility(smile, calls=False), naive_wing(rows, calls=False))


@given(chains)
def test_wings_are_compared_where_all_of_them_are_known(rows: list[Row]) -> None:
    smile = smile_of(rows)
    call, put = naive_wing(rows, calls=True), naive_wing(rows, calls=False)
    middle = naive_at_the_money(rows)

    if isinstance(call, Lack) or isinstance(put, Lack):
        lack = call if isinstance(call, Lack) else put
        assert (risk_reversal(smile), butterfly(smile)) == (lack, lack)
        return
    agree(risk_reversal(smile), call - put)
    agree(butterfly(smile), middle if isinstance(middle, Lack) else (call + put) / 2 - middle)


@given(chains)
def test_max_pain_is_the_strike_that_pays_least_the_lowest_of_several(rows: list[Row]) -> None:
    assert max_pain(interest_by_strike(columns(rows))) == naive_max_pain(rows)


def test_open_contracts_pay_least_at_max_pain() -> None:
    rows: list[Row] = [
        (strike, is_call, nan, nan, nan, oi, 0)
        for strike, is_call, oi in (
            (100.0, True, 10), (100.0, False, 30),
            (110.0, True, 20), (110.0, False, 20),
            (120.0, True, 30), (120.0, False, 10),
        )
    ]  # fmt: skip

    interest = interest_by_strike(columns(rows))

    # At 100 the puts of 110 and 120 pay 20 x 10 + 10 x 20, at 110 each side 10 x 10.
    assert payouts(interest).tolist() == [400.0, 200.0, 400.0]
    assert max_pain(interest) == 110.0


@given(chains)
def test_payouts_equal_those_of_the_naive_twin(rows: list[Row]) -> None:
    interest = interest_by_strike(columns(rows))

    expected = [
        sum(max(close - r[0] if r[1] else r[0] - close, 0.0) * r[5] for r in rows)
        for close in interest.strike.tolist()
    ]
    assert payouts(interest).tolist() == pytest.approx(expected, rel=1e-12)


def test_the_gamma_exposure_of_a_strike_is_its_call_less_its_put() -> None:
    rows: list[Row] = [
        (100.0, True, 0.2, 0.5, 0.01, 50, 0),
        (100.0, False, 0.2, 0.5, 0.02, 10, 0),
        # No contract with open interest has a gamma.
        (110.0, True, nan, nan, nan, 5, 0),
        (110.0, False, 0.2, 0.5, 0.01, 0, 0),
        (120.0, True, nan, nan, nan, 7, 0),
        (120.0, False, 0.2, 0.5, 0.01, 20, 0),
    ]

    # A move of 1 % at a spot of 100 is worth 100 x 100 x 0.01 rupees for each unit of gamma.
    assert exposure_by_strike(columns(rows), 100.0) == pytest.approx(
        [30.0, nan, -20.0], nan_ok=True
    )
    assert gamma_exposure(columns(rows), 100.0) == pytest.approx(10.0)
    assert np.isnan(exposure_by_strike(columns(rows), nan)).all()


@given(chains)
def test_gamma_exposure_is_the_sum_over_the_contracts(rows: list[Row]) -> None:
    found, expected = gamma_exposure(columns(rows), SPOT), naive_gamma_exposure(rows)

    if isinstance(found, Lack) or isinstance(expected, Lack):
        assert found == expected
    else:
        # What cancels between calls and puts leaves the rounding of its parts.
        size = sum(r[4] * r[5] for r in rows if r[4] == r[4]) * SPOT**2 * 0.01
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12 * size)


@given(chains)
def test_a_put_call_ratio_is_puts_for_one_call(rows: list[Row]) -> None:
    chain = columns(rows)

    for amounts, place in ((chain.oi, 5), (chain.volume, 6)):
        calls = sum(r[place] for r in rows if r[1])
        puts = sum(r[place] for r in rows if not r[1])
        agree(
            put_call_ratio(chain.is_call, amounts), puts / calls if calls else Lack.CALLS_ARE_ZERO
        )


def one(strike: float, *, is_call: bool, vol: float = 0.2, oi: int = 65) -> list[Row]:
    return [(strike, is_call, vol, 0.4, 0.001, oi, 0)]


MEASURES: dict[str, Callable[[list[Row]], Measured]] = {
    "at the money": lambda rows: volatility_at_the_money(smile_of(rows)),
    "risk reversal": lambda rows: risk_reversal(smile_of(rows)),
    "butterfly": lambda rows: butterfly(smile_of(rows)),
    "max pain": lambda rows: max_pain(interest_by_strike(columns(rows))),
    "gamma": lambda rows: gamma_exposure(columns(rows), SPOT),
    "gamma without a spot": lambda rows: gamma_exposure(columns(rows), nan),
}


@pytest.mark.parametrize(
    ("rows", "measure", "expected"),
    [
        ([], "at the money", Lack.NO_VOLATILITY),
        ([], "risk reversal", Lack.NO_VOLATILITY),
        ([], "max pain", Lack.NO_OPEN_INTEREST),
        ([], "gamma", Lack.NO_OPEN_INTEREST),
        (one(FORWARD, is_call=True), "at the money", 0.2),
        (one(FORWARD, is_call=False), "at the money", Lack.NO_VOLATILITY),
        (one(24_100, is_call=True), "at the money", Lack.ONE_SIDED),
        (one(24_000, is_call=False), "at the money", Lack.ONE_SIDED),
        (one(24_100, is_call=True, vol=nan), "at the money", Lack.NO_VOLATILITY),
        (
            one(23_000, is_call=False) + one(25_000, is_call=True),
            "at the money",
            Lack.STRIKES_TOO_FAR_APART,
        ),
        (one(24_000, is_call=False) + one(24_100, is_call=True), "risk reversal",
         Lack.DELTA_NOT_REACHED),
        (one(24_000, is_call=True), "max pain", 24_000.0),
        (one(24_000, is_call=True, oi=0), "max pain", Lack.NO_OPEN_INTEREST),
        (one(24_000, is_call=False, oi=0), "gamma", Lack.NO_OPEN_INTEREST),
        (one(24_000, is_call=False), "gamma", -0.001 * 65 * SPOT**2 / 100),
        (one(24_000, is_call=False), "gamma without a spot", Lack.NO_SPOT),
        ([(24_000.0, True, nan, nan, nan, 65, 0)], "gamma", Lack.NO_GAMMA),
    ],
)  # fmt: skip
def test_what_cannot_be_told_says_why(rows: list[Row], measure: str, expected: Measured) -> None:
    agree(MEASURES[measure](rows), expected)


def test_a_flat_smile_is_flat_at_the_money_and_has_no_wings() -> None:
    strikes = np.arange(22_000.0, 26_001.0, 100.0)
    is_call = strikes >= FORWARD
    rows = [
        (float(k), bool(c), 0.14, float(np.exp(-abs(log(k / FORWARD)) * 40) / 2), 0.001, 65, 0)
        for k, c in zip(strikes, is_call, strict=True)
    ]

    smile = smile_of(rows)

    agree(volatility_at_the_money(smile), 0.14)
    agree(risk_reversal(smile), 0.0)
    agree(butterfly(smile), 0.0)
