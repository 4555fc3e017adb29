"""The pricing functions as other people call them: any flag, price alone, Black-76, pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from angel_x.pricing import (
    black76_greeks,
    black76_implied_vol,
    black76_price,
    greeks,
    implied_vol,
    price,
)

STRIKES = np.array([23_500.0, 24_000.0, 24_500.0, 25_000.0])
TERMS = (24_030.0, STRIKES, 6 / 365, 0.065, 0.012, 0.14)
CALLS = np.array([True, False, False, True])


@pytest.mark.parametrize(
    "flags",
    [
        [True, False, False, True],
        [1, 0, 0, 1],
        np.array([1, 0, 0, 1], np.uint8),
        [1.0, 0.0, 0.0, 1.0],
        ["c", "p", "p", "c"],
        np.array(["C", "P", "P", "C"]),
        np.array([b"c", b"p", b"p", b"c"]),
        ["CE", "PE", "PE", "CE"],
        ["call", "put", "Put", "CALL"],
        np.array([True, 0, "p", 1], object),
        [np.True_, np.False_, np.False_, np.True_],
        pd.array([True, False, False, True], dtype="boolean"),
        pd.Categorical(["c", "p", "p", "c"]),
    ],
    ids=lambda flags: f"{type(flags).__name__} of {np.asarray(flags).dtype}",
)
def test_a_call_is_a_call_however_it_is_written(flags: Any) -> None:
    expected = greeks(*TERMS, CALLS)["price"]

    np.testing.assert_array_equal(greeks(*TERMS, flags)["price"], expected)
    np.testing.assert_array_equal(implied_vol(expected, *TERMS[:5], flags)[1], 0)


@pytest.mark.parametrize(("flag", "is_call"), [("c", True), ("p", False), (1, True), (0, False)])
def test_one_flag_stands_for_all_rows(flag: Any, is_call: bool) -> None:  # noqa: FBT001
    np.testing.assert_array_equal(price(*TERMS, flag), price(*TERMS, is_call))


def test_the_price_alone_is_that_of_the_greeks() -> None:
    found = price(*TERMS, CALLS)

    assert found.dtype == np.float64
    np.testing.assert_allclose(found, greeks(*TERMS, CALLS)["price"], rtol=1e-14)
    assert price(24_000, 24_000, 0.1, 0.06, 0.0, 0.12, "c").shape == ()


def test_black_76_needs_no_dividend() -> None:
    forward, strikes, years, rate, _, sigma = TERMS
    expected = greeks(forward, strikes, years, rate, rate, sigma, CALLS, extended=True)

    found = black76_greeks(forward, strikes, years, rate, sigma, CALLS, extended=True)
    prices = black76_price(forward, strikes, years, rate, sigma, CALLS)
    vols, status = black76_implied_vol(prices, forward, strikes, years, rate, CALLS)

    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], expected[name]) for name in found)
    np.testing.assert_allclose(prices, expected["price"], rtol=1e-14)
    np.testing.assert_allclose(vols, sigma, rtol=1e-9)
    assert not status.any()


def test_series_come_back_with_their_index() -> None:
    table = pd.DataFrame({"strike": STRIKES, "right": ["c", "p", "p", "c"]}, index=list("abcd"))
    plain = greeks(*TERMS, CALLS)

    found = greeks(24_030.0, table["strike"], *TERMS[2:], table["right"])
    prices = price(24_030.0, table["strike"], *TERMS[2:], table["right"])
    vols, status = implied_vol(prices, 24_030.0, table["strike"], *TERMS[2:5], table["right"])

    for values in (*found.values(), prices, vols, status):
        assert isinstance(values, pd.Series)
        assert list(values.index) == list("abcd")
    np.testing.assert_array_equal(found["delta"], plain["delta"])
    assert table.assign(delta=found["delta"]).loc["b", "delta"] == plain["delta"][1]


def test_series_of_different_rows_are_refused() -> None:
    one, other = pd.Series(STRIKES, list("abcd")), pd.Series([0.1] * 4, list("dcba"))

    with pytest.raises(ValueError, match="all Series must have one index"):
        price(24_000.0, one, other, 0.06, 0.0, 0.12, "c")


def test_a_series_against_a_column_is_a_plain_grid() -> None:
    found = price(24_000.0, pd.Series(STRIKES), np.array([[0.1], [0.2]]), 0.06, 0.0, 0.12, "p")

    assert type(found) is np.ndarray
    assert found.shape == (2, 4)
