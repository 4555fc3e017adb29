"""Other packages that price options, asked for the same Greeks in the same units.

Each is imported when it is measured; the extra ``bench`` installs them.  Those that know one contract at a time are called
in a loop, on fewer contracts.  A contract that a package refuses counts as NaN.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from math import sqrt
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from benchmarks.option_market import Floats, Market

#: The Greeks that all of them know.
BASIC = ("price", "delta", "gamma", "vega", "theta", "rho")
_REFUSALS = (ValueError, ArithmeticError, RuntimeError)

Greeks: TypeAlias = Callable[[Market], dict[str, Floats]]
ImpliedVol: TypeAlias = Callable[[Market, Floats], Floats]


class Package(NamedTuple):
    """One package, ready to be called."""

    greeks: Greeks
    implied_vol: ImpliedVol
    #: How many contracts it is measured on.
    contracts: int


def _pyvolr() -> Package:
    bs = import_module("pyvolr").bs

    def flags(market: Market) -> NDArray[np.int8]:
        return np.where(market.is_call, 1, -1).astype(np.int8)

    def greeks(m: Market) -> dict[str, Floats]:
        known = (flags(m), m.spot, m.strike, m.years, m.rate, m.sigma, m.dividend_yield)
        return {"price": bs.price(*known), **bs.greeks(*known)}

    def implied_vol(m: Market, price: Floats) -> Floats:
        known = (price, flags(m), m.spot, m.strike, m.years, m.rate, m.dividend_yield)
        found: Floats = bs.implied_vol(*known, on_error="ignore")
        return found

    return Package(greeks, implied_vol, 100_000)


def _fast_vollib() -> Package:
    fast = import_module("fast_vollib")
    options = {"return_as": "numpy", "backend": "numba"}
    model = {"model": "black_scholes_merton", "backend": "numba"}

    def flags(market: Market) -> NDArray[np.str_]:
        return np.where(market.is_call, "c", "p")

    def greeks(m: Market) -> dict[str, Floats]:
        known = (flags(m), m.spot, m.strike, m.years, m.rate, m.sigma, m.dividend_yield)
        price = fast.fast_black_scholes_merton(*known, **options)
        return _raw_units(price, fast.get_all_greeks(*known, return_as="dict", **model))

    def implied_vol(m: Market, price: Floats) -> Floats:
        known = (price, m.spot, m.strike, m.years, m.rate, flags(m), m.dividend_yield)
        found: Floats = fast.fast_implied_volatility(
            *known, return_as="numpy", on_error="ignore", **model
        )
        return found

    return Package(greeks, implied_vol, 100_000)


def _vollib() -> Package:
    room = "vollib.black_scholes_merton"
    price = import_module(room).black_scholes_merton
    analytical = import_module(f"{room}.greeks.analytical")
    solve = import_module(f"{room}.implied_volatility").implied_volatility
    errors = import_module("py_lets_be_rational.exceptions")
    refusals = (errors.AboveMaximumException, errors.BelowIntrinsicException)

    def one(*row: float) -> tuple[float, ...]:
        spot, strike, years, rate, dividend_yield, sigma, is_call = row
        known = ("c" if is_call else "p", spot, strike, years, rate, sigma, dividend_yield)
        return (price(*known), *(getattr(analytical, name)(*known) for name in BASIC[1:]))

    def greeks(m: Market) -> dict[str, Floats]:
        rows = _looped(one, zip(*m, strict=True), len(BASIC))
        return _raw_units(rows[0], dict(zip(BASIC[1:], rows[1:], strict=True)))

    def solve_one(value: float, *row: float) -> tuple[float]:
        spot, strike, years, rate, dividend_yield, is_call = row
        right = "c" if is_call else "p"
        try:
            return (solve(value, spot, strike, years, rate, dividend_yield, right),)
        except refusals as error:
            raise ValueError(str(error)) from error

    def implied_vol(m: Market, values: Floats) -> Floats:
        found: Floats = _looped(solve_one, zip(values, *m[:5], m.is_call, strict=True), 1)[0]
        return found

    return Package(greeks, implied_vol, 1_000)


def _quantlib() -> Package:
    ql = import_module("QuantLib")

    def forward_and_discount(row: tuple[float, ...]) -> tuple[float, float]:
        spot, _, years, rate, dividend_yield = row
        return spot * np.exp((rate - dividend_yield) * years), float(np.exp(-rate * years))

    def one(*row: float) -> tuple[float, ...]:
        spot, strike, years, _, _, sigma, is_call = row
        forward, discount = forward_and_discount(row[:5])
        payoff = ql.PlainVanillaPayoff(ql.Option.Call if is_call else ql.Option.Put, strike)
        known = ql.BlackCalculator(payoff, forward, sigma * sqrt(years), discount)
        slopes = known.delta(spot), known.gamma(spot), known.vega(years)
        return (known.value(), *slopes, known.theta(spot, years), known.rho(years))

    def greeks(m: Market) -> dict[str, Floats]:
        rows = _looped(one, zip(*(column.tolist() for column in m), strict=True), len(BASIC))
        return dict(zip(BASIC, rows, strict=True))

    def solve_one(value: float, *row: float) -> tuple[float]:
        *known, is_call = row
        forward, discount = forward_and_discount(tuple(known))
        right = ql.Option.Call if is_call else ql.Option.Put
        deviation = ql.blackFormulaImpliedStdDevLiRS(right, known[1], forward, value, discount)
        return (deviation / sqrt(known[2]),)

    def implied_vol(m: Market, values: Floats) -> Floats:
        columns = (values, *m[:5], m.is_call)
        found: Floats = _looped(solve_one, zip(*(c.tolist() for c in columns), strict=True), 1)[0]
        return found

    return Package(greeks, implied_vol, 5_000)


#: How to get hold of each package; an ImportError says that it is not installed.
PACKAGES: dict[str, Callable[[], Package]] = {
    "pyvolr": _pyvolr,
    "fast-vollib": _fast_vollib,
    "QuantLib": _quantlib,
    "vollib": _vollib,
}


def _raw_units(price: Floats, edge: dict[str, Floats]) -> dict[str, Floats]:
    """Return Greeks per 1.00 and per year that came per 1 % and per day."""
    scale = {"vega": 100.0, "rho": 100.0, "theta": 365.0}
    return {"price": price, **{k: np.asarray(v) * scale.get(k, 1.0) for k, v in edge.items()}}


def _looped(
    one: Callable[..., tuple[float, ...]], rows: Iterable[tuple[float, ...]], outputs: int
) -> Floats:
    found: list[tuple[float, ...]] = []
    for row in rows:
        try:
            found.append(one(*row))
        except _REFUSALS:
            found.append((np.nan,) * outputs)
    table: Floats = np.array(found).T
    return table
