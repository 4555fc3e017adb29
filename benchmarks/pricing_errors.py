"""How far prices, Greeks and volatilities are from reference values of fifty digits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.option_market import Floats, Market
from benchmarks.packages import BASIC, Greeks, ImpliedVol

REFERENCE = Path(__file__).parents[2] / "shared" / "data"
_EPSILON = float(np.finfo(np.float64).eps)
#: Rows whose limit is a convention.
_SPECIAL = {"T<=0", "zero_vol"}
#: What is right may be off by this many units.
ALLOWED = 8


class Worst(NamedTuple):
    """The largest error of a package in units of what rounding its inputs would do, where it gave a number."""

    price: float
    greeks: float
    implied_vol: float
    #: Rows of the references with a number that is off by more than ALLOWED units, or where there is none.
    wrong: int
    #: Rows without a number where there is one.
    missing: int
    rows: int


def worst_errors(greeks: Greeks, implied_vol: ImpliedVol) -> Worst:
    """Measure one package against both reference files."""
    units = _greek_units(greeks)
    solved, invented = _solved_units(implied_vol)
    worst_of_row = np.append(_largest(units), solved)
    missing = int(np.isnan(units).any(axis=1).sum() + np.isnan(solved).sum())
    wrong = int((worst_of_row > ALLOWED).sum()) + invented
    return Worst(
        float(np.nanmax(units[:, 0])),
        float(np.nanmax(units[:, 1:])),
        float(np.nanmax(solved)),
        wrong,
        missing,
        len(worst_of_row) + invented,
    )


def _largest(units: Floats) -> Floats:
    largest: Floats = np.max(np.nan_to_num(units, nan=0.0), axis=1)
    return largest


def _greek_units(greeks: Greeks) -> Floats:
    rows = [r for r in _read("greeks_reference.json") if r["case"] not in _SPECIAL]
    found = greeks(_market(rows))
    units = np.empty((len(rows), len(BASIC)))
    for j, name in enumerate(BASIC):
        for i, row in enumerate(rows):
            wanted = row[name]
            if wanted is None:
                units[i, j] = 0.0
                continue
            unit = _EPSILON * (abs(wanted) + row["cond"].get(name, 0.0))
            error = abs(float(found[name][i]) - wanted)
            units[i, j] = error / unit if error else 0.0
    return units


def _solved_units(implied_vol: ImpliedVol) -> tuple[Floats, int]:
    """Return the error of each volatility that exists, and how many were given that do not."""
    rows = _read("iv_reference.json")
    found = implied_vol(_market(rows), np.array([row["price"] for row in rows]))
    units, invented = [], 0
    for row, sigma in zip(rows, found, strict=True):
        if row["status"] != "ok":
            invented += bool(np.isfinite(sigma))
            continue
        unit = _EPSILON * max(1.0, row["cond_price"], row["cond_input"])
        units.append(abs(float(sigma) / row["iv"] - 1.0) / unit)
    return np.array(units), invented


def _read(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((REFERENCE / name).read_text(encoding="utf-8"))
    return rows


def _market(rows: list[dict[str, Any]]) -> Market:
    spot, strike, years, rate, dividend_yield = (
        np.array([row[name] for row in rows], np.float64) for name in ("s", "k", "t", "r", "q")
    )
    sigma = np.array([row.get("sigma", np.nan) for row in rows], np.float64)
    is_call = np.array([row["flag"] == "c" for row in rows])
    return Market(spot, strike, years, rate, dividend_yield, sigma, is_call)
