"""How long Greeks and implied volatilities take, as multiples of numpy's exponential in the same run.

Run ``python -m benchmarks.greeks [--json FILE]``.  Times are CPU time of one thread; every round measures everything once, so that
a busy machine slows all of it alike.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from math import erf
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from angel_x.pricing import IvStatus, greeks, implied_vol
from benchmarks.machine import described, write

CONTRACTS = 100_000
STRIKES = 60
EXPONENTIALS = 4096
ROUNDS = 25
SEED = 20261123
#: The variable that tells numpy which instruction sets to leave alone.
WITHOUT = "NPY_DISABLE_CPU_FEATURES"
TICK = 0.05

Floats = NDArray[np.float64]


class Market(NamedTuple):
    """The arguments of the Greeks, one row per contract."""

    spot: Floats
    strike: Floats
    years: Floats
    rate: Floats
    dividend_yield: Floats
    sigma: Floats
    is_call: NDArray[np.bool_]


def make_market(seed: int = SEED) -> Market:
    """Return chains of calls and puts around spots of 100 to 60,000, one hour to one year from expiry, with a smile."""
    random = np.random.default_rng(seed)
    chains = [_make_chain(random) for _ in range(-(-CONTRACTS // (2 * STRIKES)))]
    return Market(*(np.concatenate(column)[:CONTRACTS] for column in zip(*chains, strict=True)))


def _make_chain(random: np.random.Generator) -> Market:
    spot = np.exp(random.uniform(np.log(100.0), np.log(60_000.0)))
    years = np.exp(random.uniform(np.log(1 / 8766), 0.0))
    at_the_money = np.exp(random.uniform(np.log(0.08), np.log(0.7)))
    moneyness = np.linspace(-0.3, 0.3, STRIKES)
    reach = moneyness / (at_the_money * np.sqrt(max(years, 5 / 365)))
    smile = at_the_money * np.sqrt(1.0 + 0.35 * reach**2) - 0.08 * moneyness
    sigma = np.clip(smile * np.exp(random.normal(0.0, 0.03, STRIKES)), 0.05, 1.5)
    rows = np.ones(2 * STRIKES)
    return Market(
        spot * rows,
        np.tile(spot * (1.0 + moneyness), 2),
        years * rows,
        0.065 * rows,
        max(0.0, random.uniform(-0.07, 0.03)) * rows,
        np.tile(sigma, 2),
        np.repeat(np.array([True, False]), STRIKES),
    )


def market_prices(market: Market) -> Floats:
    """Return prices on the tick grid, where no premium is below one tick."""
    fair = greeks(*market)["price"]
    return np.maximum(np.round(fair / TICK) * TICK, TICK)


def naive_greeks(market: Market) -> dict[str, Floats]:
    """Return the six Greeks as the textbook writes them, one array per operation; the yardstick for readers."""
    spot, strike, years, rate, dividend_yield, sigma, is_call = market
    root = np.sqrt(years)
    first = (np.log(spot / strike) + (rate - dividend_yield + 0.5 * sigma**2) * years) / (
        sigma * root
    )
    second = first - sigma * root
    sign = np.where(is_call, 1.0, -1.0)
    density = np.exp(-0.5 * first**2) / np.sqrt(2.0 * np.pi)
    carry, discount = np.exp(-dividend_yield * years), np.exp(-rate * years)
    spot_leg = sign * spot * carry * normal(sign * first)
    strike_leg = sign * strike * discount * normal(sign * second)
    decay = spot * carry * density * sigma / (2.0 * root)
    return {
        "price": spot_leg - strike_leg,
        "delta": spot_leg / spot,
        "gamma": carry * density / (spot * sigma * root),
        "vega": spot * carry * density * root,
        "theta": dividend_yield * spot_leg - rate * strike_leg - decay,
        "rho": years * strike_leg,
    }


def normal(x: Floats) -> Floats:
    """Return the normal distribution function; numpy has no error function, so Python's is called for each element."""
    half = [0.5 * (1.0 + erf(value)) for value in (x / np.sqrt(2.0)).tolist()]
    return np.array(half)


def measure(subjects: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Return CPU nanoseconds per element of each subject in each round, and of np.exp as ``exp``."""
    argument, out = np.linspace(-5.0, 0.0, EXPONENTIALS), np.empty(EXPONENTIALS)

    def exponentials() -> None:
        for _ in range(50):
            np.exp(argument, out)

    times: dict[str, list[float]] = {name: [] for name in ("exp", *subjects)}
    for _ in range(ROUNDS):
        times["exp"].append(_cpu_ns(exponentials) / (50 * EXPONENTIALS))
        for name, run in subjects.items():
            times[name].append(_cpu_ns(run) / CONTRACTS)
    return times


def _cpu_ns(run: Callable[[], Any]) -> int:
    run()  # what ran before has left its own memory and cache behind
    started = time.thread_time_ns()
    run()
    return time.thread_time_ns() - started


def report(times: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Return the smallest and the median time of each subject, and both as multiples of the exponential's."""
    exponential = times["exp"]
    return {
        name: {
            "min_ns": min(values),
            "median_ns": statistics.median(values),
            "min_ratio": min(values) / min(exponential),
            "median_ratio": statistics.median(values) / statistics.median(exponential),
        }
        for name, values in times.items()
    }


def print_table(summary: dict[str, dict[str, float]]) -> None:
    """Print one line per subject."""
    print(f"{'':24}{'min ns':>9}{'median ns':>11}{'min / exp':>11}{'median / exp':>14}")
    for name, row in summary.items():
        print(
            f"{name:24}{row['min_ns']:9.2f}{row['median_ns']:11.2f}"
            f"{row['min_ratio']:11.1f}{row['median_ratio']:14.1f}"
        )


def simd_features() -> list[str]:
    """Return the instruction sets that numpy found: with AVX-512 its exponential is several times faster."""
    configuration: Any = np.show_config(mode="dicts")
    return list(configuration["SIMD Extensions"]["found"])


def run() -> dict[str, object]:
    """Measure, print a table, and return the raw times of every round."""
    market = make_market()
    prices = market_prices(market)
    known = market[:5]
    _, status = implied_vol(prices, *known, market.is_call)
    times = measure(
        {
            "greeks, 6 outputs": lambda: greeks(*market),
            "greeks, 10 outputs": lambda: greeks(*market, extended=True),
            "implied volatility": lambda: implied_vol(prices, *known, market.is_call),
            "greeks, naive, 6 outputs": lambda: naive_greeks(market),
        }
    )
    summary = report(times)
    counts = {name.name.lower(): int((status == name).sum()) for name in IvStatus}
    print_table(summary)
    print(f"{CONTRACTS} contracts, {ROUNDS} rounds; statuses: {counts}")
    return {
        "contracts": CONTRACTS,
        "simd": simd_features(),
        "statuses": counts,
        "summary": summary,
        "ns_per_contract": times,
    }


def run_without_avx512() -> dict[str, object]:
    """Measure again in a process whose numpy leaves AVX-512 alone.

    With it numpy's exponential is five times faster and everything else hardly at all, so a
    multiple of the exponential says more about the processor than about the kernels.
    """
    environ = {**os.environ, WITHOUT: "AVX512_SKX X86_V4 AVX512_ICL AVX512_SPR"}
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.greeks", "--json", file.name]
        subprocess.run(command, env=environ, check=True)
        found: dict[str, dict[str, object]] = json.loads(Path(file.name).read_text())
    return found["native"]


def main() -> None:
    """Measure, and once more without AVX-512 where the processor has it; keep the raw times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the raw times of every round to this file")
    options = parser.parse_args()
    document: dict[str, object] = {"machine": described(), "native": run()}
    if WITHOUT not in os.environ and any("AVX512" in f or f == "X86_V4" for f in simd_features()):
        print("\nwithout AVX-512:", flush=True)
        document["without_avx512"] = run_without_avx512()
    write(options.json, document)


if __name__ == "__main__":
    main()
