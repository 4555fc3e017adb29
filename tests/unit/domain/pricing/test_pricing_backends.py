"""The two back ends give the same answers, and the compiled one is compiled, cached and forked as promised."""

from __future__ import annotations

import os
import platform
import re
import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import numba
import numpy as np
import pytest

from angel_x.domain.pricing import implied_vol, iv_guess, iv_status, mills
from angel_x.domain.pricing.compiled import KERNELS as NUMBA
from angel_x.domain.pricing.compiled import loops
from angel_x.domain.pricing.iv_status import IvStatus
from angel_x.domain.pricing.kernels import NUMPY, chosen
from angel_x.domain.pricing.legs import SMALLEST_DEVIATION
from angel_x.errors import PricingBackendMissing
from tests.builders.pricing import ROWS, condition, prices, solved, values, wide_market

EPSILON = float(np.finfo(np.float64).eps)


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    """Override the kernels of the other files, once for each back end: these tests name theirs."""


@pytest.mark.parametrize("outputs", [6, 10])
def test_the_back_ends_agree_on_every_greek_to_sixteen_units(outputs: int) -> None:
    contracts = wide_market(outputs)

    ours, theirs = values(NUMPY, contracts, outputs), values(NUMBA, contracts, outputs)

    unit = EPSILON * (np.abs(ours) + condition(contracts)[:outputs])
    assert np.isfinite(ours).all()
    assert (np.abs(ours - theirs) <= 16 * unit).all()


def test_the_back_ends_agree_on_every_volatility_to_sixteen_units() -> None:
    contracts = wide_market(3)
    greeks = values(NUMPY, contracts)
    price, legs = greeks[0], 2.0 * contracts.spot * np.abs(greeks[1]) + greeks[0]
    # What of the price is not its payoff has to stand above the rounding of the price.
    payoff = values(NUMPY, contracts._replace(given=np.zeros(ROWS)))[0]
    resolved = price - payoff > 1e-9 * (contracts.spot + contracts.strike)
    condition = np.maximum(1.0, legs / (greeks[3] * contracts.given))

    ours, status = solved(NUMPY, contracts._replace(given=price))
    theirs, their_status = solved(NUMBA, contracts._replace(given=price))

    assert resolved.sum() > ROWS / 3
    assert (status[resolved] == IvStatus.OK).all()
    assert (their_status[resolved] == IvStatus.OK).all()
    error = np.abs(theirs / ours - 1.0)[resolved]
    assert (error <= 16 * EPSILON * condition[resolved]).all()


def test_the_back_ends_give_the_same_reason_where_there_is_no_volatility() -> None:
    contracts = wide_market(5)
    random = np.random.default_rng(5)
    fair = prices(NUMPY, contracts)
    # Spots and strikes that are powers of two make the payoff exact.
    contracts = contracts._replace(
        spot=np.exp2(np.round(np.log2(contracts.spot))),
        strike=np.exp2(np.round(np.log2(contracts.strike))),
        rate=np.zeros(ROWS),
        dividend_yield=np.zeros(ROWS),
    )
    gap = contracts.spot - contracts.strike
    payoff = np.maximum(np.where(contracts.is_call, gap, -gap), 0.0)
    most = np.where(contracts.is_call, contracts.spot, contracts.strike)
    bad = [np.nan, np.inf, -np.inf, 0.0, -1.0]
    choices = [fair, payoff, most, 2.0 * most, 0.5 * payoff, *(np.full(ROWS, b) for b in bad)]
    price = np.choose(random.integers(0, len(choices), ROWS), choices)
    years = np.where(random.random(ROWS) < 0.05, random.choice([0.0, -1.0, np.nan], ROWS), 0.25)
    spot = np.where(random.random(ROWS) < 0.05, random.choice(bad, ROWS), contracts.spot)
    strike = np.where(random.random(ROWS) < 0.05, random.choice(bad, ROWS), contracts.strike)
    contracts = contracts._replace(years=years, spot=spot, strike=strike, given=price)

    ours, status = solved(NUMPY, contracts)
    theirs, their_status = solved(NUMBA, contracts)

    assert set(status) == set(map(int, IvStatus))
    np.testing.assert_array_equal(status, their_status)
    np.testing.assert_array_equal(np.isnan(theirs), their_status != IvStatus.OK)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))


@pytest.mark.parametrize("name", ["spot", "strike", "years", "rate", "dividend_yield", "given"])
def test_the_back_ends_agree_on_limits_and_on_numbers_that_are_none(name: str) -> None:
    contracts = wide_market(7)
    random = np.random.default_rng(7)
    column = getattr(contracts, name).copy()
    struck = random.random(ROWS) < 0.3
    column[struck] = random.choice([0.0, -0.0, -1.0, np.nan, np.inf, -np.inf], struck.sum())
    contracts = contracts._replace(**{name: column})

    ours, theirs = values(NUMPY, contracts), values(NUMBA, contracts)

    np.testing.assert_array_equal(np.isnan(ours), np.isnan(theirs))
    np.testing.assert_allclose(theirs[:, struck], ours[:, struck], rtol=1e-9, atol=1e-9)


def test_rows_come_out_alike_in_a_chain_and_scattered() -> None:
    contracts = wide_market(13)
    shuffle = np.random.default_rng(13).permutation(ROWS)

    in_chains = values(NUMBA, contracts)[:, shuffle]
    scattered = values(NUMBA, contracts.rows(shuffle))

    unit = EPSILON * (np.abs(in_chains) + condition(contracts)[:, shuffle])
    assert (np.abs(in_chains - scattered) <= 4 * unit).all()


def test_volatilities_of_a_moment_ago_lead_to_those_of_now() -> None:
    contracts = wide_market(19)
    price = contracts._replace(given=prices(NUMBA, contracts))
    cold, status = solved(NUMBA, price)
    found = cold * np.random.default_rng(19).choice([0.995, 1.0, 1.01, 3.0, np.nan], ROWS)
    found_status = np.empty_like(status)

    NUMBA.follow(price, found, found_status)

    np.testing.assert_array_equal(status, found_status)
    greeks = values(NUMPY, contracts._replace(given=cold))
    legs = 2.0 * contracts.spot * np.abs(greeks[1]) + greeks[0]
    rounding = 16 * EPSILON * legs / (greeks[3] * cold)
    ok = status == IvStatus.OK
    assert (np.abs(found / cold - 1.0) <= 1e-7 + rounding)[ok].all()


def test_both_back_ends_have_the_same_coefficients() -> None:
    pairs = [
        (loops.MILLS_NUMERATOR, mills.NUMERATOR),
        (loops.MILLS_DENOMINATOR, mills.DENOMINATOR),
        (loops.SHORT_MILLS_NUMERATOR, mills.SHORT_NUMERATOR),
        (loops.SHORT_MILLS_DENOMINATOR, mills.SHORT_DENOMINATOR),
        (loops.BACHELIER_TOP, iv_guess.BACHELIER_TOP),
        (loops.BACHELIER_BOTTOM, iv_guess.BACHELIER_BOTTOM),
        (loops.LOGNORMAL_TOP, iv_guess.LOGNORMAL_TOP),
        (loops.LOGNORMAL_BOTTOM, iv_guess.LOGNORMAL_BOTTOM),
    ]
    for compiled, plain in pairs:
        assert list(compiled) == [coefficient.item() for coefficient in plain]
    assert np.float32(iv_guess.LARGEST_CORRECTION) == loops.LARGEST_CORRECTION
    assert loops.ROUNDING_OF_PAYOFF == iv_status.ROUNDING_OF_PAYOFF
    assert loops.SMALLEST_ARGUMENT == mills.SMALLEST_ARGUMENT
    assert loops.SMALLEST_DEVIATION == SMALLEST_DEVIATION
    assert loops.SMALLEST_VALUE == implied_vol.SMALLEST_VALUE
    assert loops.SMALLEST_SOLUTION == implied_vol.SMALLEST_SOLUTION
    assert loops.CONVERGED == implied_vol.CONVERGED
    assert loops.MOST_STEPS == implied_vol.MOST_STEPS


@pytest.mark.skipif(
    platform.machine() not in {"x86_64", "AMD64"}, reason="the registers looked for are x86's"
)
@pytest.mark.parametrize(
    ("kernel", "instruction"),
    [(loops.value, "pd"), (loops.solve, "pd"), (loops.solve, "ps")],
    ids=["value, double", "solve, double", "solve, single"],
)
def test_the_loops_became_vector_instructions(kernel: Any, instruction: str) -> None:
    # What comes from the cache cannot be looked at.
    options = {name: kernel.targetoptions[name] for name in ("fastmath", "error_model")}
    signature, function = kernel.signatures[0], kernel.py_func
    fresh = numba.njit(signature, **options)(function)

    (assembly,) = fresh.inspect_asm().values()

    multiplied_and_added = rf"vfn?m(add|sub)\d+{instruction}\s.*%[yz]mm"
    assert len(re.findall(multiplied_and_added, assembly)) > 30


def _price_in_a_child(channel: Connection) -> None:
    contracts = wide_market(31)
    channel.send((os.getpid(), values(NUMBA, contracts).tobytes()))
    channel.close()


def test_a_forked_child_computes_with_what_its_parent_compiled() -> None:
    wanted = values(NUMBA, wide_market(31)).tobytes()
    context = get_context("fork")
    ours, theirs = context.Pipe()
    child = context.Process(target=_price_in_a_child, args=(theirs,))

    child.start()
    assert ours.poll(300)
    pid, found = ours.recv()
    child.join(300)

    assert child.exitcode == 0
    assert pid != os.getpid()
    assert found == wanted


def test_without_numba_numpy_computes_and_numba_by_name_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)

    assert chosen("auto") is NUMPY
    assert chosen("numpy") is NUMPY
    with pytest.raises(PricingBackendMissing, match="must be importable, was numba"):
        chosen("numba")


def test_with_numba_the_compiled_kernels_are_chosen() -> None:
    assert chosen("auto") is chosen("numba") is NUMBA
