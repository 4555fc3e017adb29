"""Greeks against values computed with 50 digits: a few shipped here, many in the reference folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from angel_x.domain.pricing.greek import OUTPUTS
from angel_x.pricing import greeks

EPSILON = float(np.finfo(np.float64).eps)
#: Rows whose limit is a convention, compared without a condition number.
SPECIAL = {"T<=0", "zero_vol"}

# Textbook cases (Hull; Haug) with spot, strike, years, rate, dividend yield, volatility and right.
TEXTBOOK: dict[str, tuple[float, float, float, float, float, float, bool]] = {
    "hull_call": (42.0, 40.0, 0.5, 0.1, 0.0, 0.2, True),
    "haug_call": (60.0, 65.0, 0.25, 0.08, 0.0, 0.3, True),
    "haug_put_with_yield": (100.0, 95.0, 0.5, 0.1, 0.05, 0.2, False),
    "haug_futures_call": (19.0, 19.0, 0.75, 0.1, 0.1, 0.28, True),
    "haug_theta": (430.0, 405.0, 0.0833, 0.07, 0.05, 0.2, False),
    "far_out_of_the_money": (100.0, 180.0, 0.1, 0.065, 0.0, 0.15, True),
}
# Their ten Greeks in the order of OUTPUTS: derivatives of the formula, taken numerically with 50 digits.
EXPECTED: dict[str, tuple[float, ...]] = {
    "hull_call": (
        4.759422392871533,
        0.779131290942669,
        0.04996267040591185,
        8.813415059602852,
        -4.559092194592627,
        13.982045913360281,
        -0.9316006786136684,
        21.2832880610144,
        -0.023523079982096108,
        -0.007660357766572153,
    ),
    "haug_call": (
        2.1333684449162,
        0.37248279796197287,
        0.042042755753785174,
        11.351544053521996,
        -8.428174386737371,
        5.053899858200543,
        0.5994683791488996,
        5.8499370766681915,
        -0.5614862551075086,
        0.0008188280643141965,
    ),
    "haug_put_with_yield": (
        2.464787646755821,
        -0.2641815996360724,
        0.02283957429626999,
        22.83957429626999,
        -3.000528096398054,
        -14.44147380518153,
        -0.7570553112544793,
        32.66439842087074,
        0.024004110787742297,
        -0.0012138467971798792,
    ),
    "haug_futures_call": (
        1.7010507252362672,
        0.5086362359336519,
        0.07974503467912113,
        6.045471079024174,
        -0.9583828622275524,
        5.972278318127339,
        0.1590913441848467,
        -0.31738723164876914,
        0.021166572678860476,
        -0.006295660632562195,
    ),
    "haug_theta": (
        1.7560201839357101,
        -0.1361032605533939,
        0.008784688077380687,
        27.060651832958104,
        -31.1923670565191,
        -5.02135917108386,
        -1.1313009539396255,
        153.79448690006194,
        1.275750905989,
        -0.0004081127694464822,
    ),
    "far_out_of_the_money": (
        4.05411775883249e-35,
        1.063089246944987e-34,
        2.7592585196127235e-34,
        4.1388877794190855e-32,
        -3.173003117961414e-32,
        1.0590351291861546e-33,
        1.0713495655353352e-31,
        4.143706317554279e-29,
        -8.21447354528984e-32,
        7.08714526650998e-34,
    ),
}
PRINTED = {
    "hull_call": 4.76,
    "haug_call": 2.1334,
    "haug_put_with_yield": 2.4648,
    "haug_futures_call": 1.7011,
}


def columns(rows: list[dict[str, Any]], *names: str) -> list[np.ndarray[Any, Any]]:
    return [np.array([row[name] for row in rows]) for name in names]


@pytest.mark.parametrize("case", TEXTBOOK)
def test_every_greek_of_a_textbook_case_has_thirteen_digits(case: str) -> None:
    values = greeks(*TEXTBOOK[case], extended=True)

    got = [float(values[name]) for name in OUTPUTS]
    # A far tail multiplies the rounding of its inputs by the square of the distance, here 150.
    tolerance = 150 * 8 * EPSILON if case == "far_out_of_the_money" else 1e-13
    assert got == pytest.approx(EXPECTED[case], rel=tolerance)


@pytest.mark.parametrize(("case", "printed"), PRINTED.items())
def test_the_price_is_the_one_printed_in_the_book(case: str, printed: float) -> None:
    decimals = len(str(printed).split(".")[1])

    assert round(float(greeks(*TEXTBOOK[case])["price"]), decimals) == printed


@pytest.mark.reference
@pytest.mark.parametrize("name", OUTPUTS)
def test_no_reference_row_is_off_by_more_than_eight_units(
    name: str, reference_folder: Path
) -> None:
    rows = json.loads((reference_folder / "greeks_reference.json").read_text())
    spot, strike, years, rate, dividend_yield, sigma, flag = columns(
        rows, "s", "k", "t", "r", "q", "sigma", "flag"
    )

    got = greeks(spot, strike, years, rate, dividend_yield, sigma, flag == "c", extended=True)[name]

    assert sum(row[name] is not None and row["case"] not in SPECIAL for row in rows) > 100
    for row, value in zip(rows, got, strict=True):
        if row[name] is None or row["case"] in SPECIAL:
            continue
        unit = EPSILON * (abs(row[name]) + row["cond"].get(name, 0.0))
        assert abs(value - row[name]) <= 8 * unit, row


@pytest.mark.reference
def test_every_special_row_of_the_reference_follows_the_convention(reference_folder: Path) -> None:
    rows = json.loads((reference_folder / "greeks_reference.json").read_text())
    rows = [row for row in rows if row["case"] in SPECIAL]
    spot, strike, years, rate, dividend_yield, sigma, flag = columns(
        rows, "s", "k", "t", "r", "q", "sigma", "flag"
    )

    got = greeks(spot, strike, years, rate, dividend_yield, sigma, flag == "c", extended=True)

    assert rows
    for i, row in enumerate(rows):
        for name in OUTPUTS:
            if row[name] is not None:
                # Only the rounding of the discounted spot and strike is allowed for.
                assert got[name][i] == pytest.approx(
                    row[name], rel=4 * EPSILON, abs=EPSILON * row["s"]
                ), (name, row)
