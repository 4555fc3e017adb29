"""How long Greeks and implied volatilities take, as multiples of numpy's exponential in the same run.

Run ``python -m benchmarks.greeks [--json FILE]``.  Times are CPU time of all threads, which is one here; every round measures everything once, so that
a busy machine slows all of it alike.  *Scattered* rows share nothing with their neighbors; *by chain* they come as in a universe.
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
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from angel_x.domain.pricing.black_scholes import named_greeks
from angel_x.domain.pricing.implied_vol import solved
from angel_x.domain.pricing.iv_status import Statuses
from angel_x.domain.pricing.kernels import NUMPY, Kernels, chosen
from angel_x.errors import PricingBackendMissing
from angel_x.pricing import IvStatus
from benchmarks.machine import described, write
from benchmarks.option_market import (
    CONTRACTS,
    Floats,
    Market,
    make_market,
    market_prices,
    naive_greeks,
)
from benchmarks.packages import PACKAGES, Package
from benchmarks.pricing_errors import REFERENCE, worst_errors

EXPONENTIALS = 4096
ROUNDS = 25
PACKAGE_ROUNDS = 5
#: How long a subject runs in each round, unless one run takes longer.
STEADY_NS = 2e7
#: How far volatilities are from those of a moment ago.
STALE = 0.005
#: The variables that tell numpy and numba which instruction sets to leave alone.
WITHOUT = "NPY_DISABLE_CPU_FEATURES"
NUMBA_FEATURES = "NUMBA_CPU_FEATURES"

Subjects: TypeAlias = dict[str, Callable[[], Any]]


class Results(NamedTuple):
    """Arrays that every subject writes to, as a worker keeps them."""

    greeks: Floats
    sigma: Floats
    status: Statuses

    @classmethod
    def empty(cls) -> Results:
        return cls(np.empty((10, CONTRACTS)), np.empty(CONTRACTS), np.empty(CONTRACTS, np.int8))


def kernel_subjects(kernels: Kernels, market: Market, label: str, results: Results) -> Subjects:
    """Return what there is to measure of one back end."""
    known, priced = market.given(market.sigma), market.given(market_prices(market))
    out, sigma, status = results
    return {
        f"price, {label}": lambda: kernels.price(known, out[0]),
        f"greeks, 6 outputs, {label}": lambda: kernels.value(known, out[:6]),
        f"greeks, 10 outputs, {label}": lambda: kernels.value(known, out),
        f"implied volatility, {label}": lambda: kernels.solve(priced, sigma, status),
    }


def warm_subjects(kernels: Kernels, market: Market, results: Results) -> Subjects:
    """Return the solving that starts from volatilities of a moment ago, where a back end has it."""
    follow = getattr(kernels, "follow", None)
    if follow is None:
        return {}
    priced = market.given(market_prices(market))
    _, sigma, status = results
    kernels.solve(priced, sigma, status)
    stale = sigma * (1.0 + STALE)

    def warm() -> None:
        np.copyto(sigma, stale)
        follow(priced, sigma, status)

    return {"implied volatility, warm, numba": warm}


def measure(subjects: Subjects, count: int, rounds: int) -> dict[str, list[float]]:
    """Return CPU nanoseconds per contract of each subject in each round, and of np.exp per element as ``exp``.

    All threads count: some packages start their own.
    """
    argument, out = np.linspace(-5.0, 0.0, EXPONENTIALS), np.empty(EXPONENTIALS)

    def exponentials() -> None:
        for _ in range(50):
            np.exp(argument, out)

    times: dict[str, list[float]] = {name: [] for name in ("exp", *subjects)}
    for _ in range(rounds):
        times["exp"].append(_cpu_ns(exponentials) / (50 * EXPONENTIALS))
        for name, run in subjects.items():
            times[name].append(_cpu_ns(run) / count)
    return times


def _cpu_ns(run: Callable[[], Any]) -> float:
    """Return the CPU time of one run, averaged over some hundredths of a second."""
    once = _timed(run, 1)  # what ran before has left its own memory and cache behind
    repeats = max(1, int(STEADY_NS / once))
    return _timed(run, repeats) / repeats


def _timed(run: Callable[[], Any], repeats: int) -> int:
    started = time.process_time_ns()
    for _ in range(repeats):
        run()
    return max(1, time.process_time_ns() - started)


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
    print(f"{'':42}{'min ns':>9}{'median ns':>11}{'min / exp':>11}{'median / exp':>14}")
    for name, row in summary.items():
        print(
            f"{name:42}{row['min_ns']:9.2f}{row['median_ns']:11.2f}"
            f"{row['min_ratio']:11.1f}{row['median_ratio']:14.1f}"
        )


def simd_features() -> list[str]:
    """Return the instruction sets that numpy found: with AVX-512 its exponential is several times faster."""
    configuration: Any = np.show_config(mode="dicts")
    return list(configuration["SIMD Extensions"]["found"])


def run() -> dict[str, object]:
    """Measure, print a table, and return the raw times of every round."""
    market = make_market()
    scattered = market.rows(np.random.default_rng(1).permutation(CONTRACTS))
    results = Results.empty()
    subjects = kernel_subjects(NUMPY, market, "numpy, by chain", results)
    subjects |= kernel_subjects(NUMPY, scattered, "numpy, scattered", results)
    try:
        numba = chosen("numba")
    except PricingBackendMissing as error:
        print(error)
    else:
        subjects |= kernel_subjects(numba, market, "numba, by chain", results)
        subjects |= kernel_subjects(numba, scattered, "numba, scattered", results)
        subjects |= warm_subjects(numba, market, results)
    subjects["greeks, 6 outputs, naive"] = lambda: naive_greeks(market)
    times = measure(subjects, CONTRACTS, ROUNDS)
    summary = report(times)
    print_table(summary)
    counts = count_statuses(market)
    print(f"{CONTRACTS} contracts, {ROUNDS} rounds; statuses: {counts}")
    return {
        "contracts": CONTRACTS,
        "simd": simd_features(),
        "statuses": counts,
        "summary": summary,
        "ns_per_contract": times,
    }


def count_statuses(market: Market) -> dict[str, int]:
    """Return how many of the market's prices have a volatility, and why the others have none."""
    _, sigma, status = Results.empty()
    NUMPY.solve(market.given(market_prices(market)), sigma, status)
    return {name.name.lower(): int((status == name).sum()) for name in IvStatus}


def as_package(kernels: Kernels) -> Package:
    """Return a back end as one more package, called as others call it."""

    def greeks(m: Market) -> dict[str, Floats]:
        return named_greeks(kernels.value, m[:6], m.is_call, extended=False)

    def implied_vol(m: Market, price: Floats) -> Floats:
        return solved(kernels.solve, (*m[:5], price), m.is_call)[0]

    return Package(greeks, implied_vol, CONTRACTS)


def run_packages() -> dict[str, object]:
    """Measure every package that is installed, and say which are not."""
    found: dict[str, object] = {}
    print(
        f"\n{'':18}{'greeks ns':>11}{'IV ns':>10}{'worst units: price':>20}{'greeks':>10}{'IV':>10}"
    )
    made = {f"angel_x, {name}": lambda n=name: as_package(chosen(n)) for name in ("numpy", "numba")}
    for name, get in {**made, **PACKAGES}.items():
        try:
            package = get()
        except (ImportError, PricingBackendMissing) as error:
            found[name] = {"missing": str(error)}
            print(f"{name:18} is not installed")
            continue
        found[name] = compare(name, package)
    return found


def compare(name: str, package: Package) -> dict[str, object]:
    """Measure one package, and print and return its times and worst errors."""
    market = make_market().rows(slice(0, package.contracts))
    prices = market_prices(market)
    subjects: Subjects = {
        "greeks": lambda: package.greeks(market),
        "implied_vol": lambda: package.implied_vol(market, prices),
    }
    with np.errstate(all="ignore"):
        times = measure(subjects, package.contracts, PACKAGE_ROUNDS)
        worst = worst_errors(*package[:2]) if REFERENCE.is_dir() else None
    result: dict[str, object] = {"contracts": package.contracts, "ns_per_contract": times}
    line = f"{name:18}{min(times['greeks']):11,.1f}{min(times['implied_vol']):10,.1f}"
    if worst is not None:
        result["worst"] = worst._asdict()
        line += f"{worst.price:20.2g}{worst.greeks:10.2g}{worst.implied_vol:10.2g}"
        line += f"   {worst.wrong} wrong, {worst.missing} missing of {worst.rows}"
    print(line if worst is not None else f"{line}   (the reference values are not here)")
    return result


def run_without_avx512() -> dict[str, object]:
    """Measure again in a process whose numpy and numba leave AVX-512 alone.

    With it numpy's exponential is five times faster and everything else hardly at all, so a
    multiple of the exponential says more about the processor than about the kernels.
    """
    environ = {
        **os.environ,
        WITHOUT: "AVX512_SKX X86_V4 AVX512_ICL AVX512_SPR",
        NUMBA_FEATURES: _features_without_avx512(),
    }
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.greeks", "--json", file.name]
        subprocess.run(command, env=environ, check=True)
        found: dict[str, dict[str, object]] = json.loads(Path(file.name).read_text())
    return found["native"]


def _features_without_avx512() -> str:
    try:
        llvm = import_module("llvmlite.binding")
    except ImportError:
        return ""
    host = llvm.get_host_cpu_features()
    return ",".join(
        f"{'+' if has and not name.startswith('avx512') else '-'}{name}"
        for name, has in host.items()
    )


def main() -> None:
    """Measure, and once more without AVX-512 where the processor has it; keep the raw times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the raw times of every round to this file")
    options = parser.parse_args()
    document: dict[str, object] = {"machine": described(), "native": run()}
    if WITHOUT not in os.environ:
        if any("AVX512" in feature or feature == "X86_V4" for feature in simd_features()):
            print("\nwithout AVX-512:", flush=True)
            document["without_avx512"] = run_without_avx512()
        document["packages"] = run_packages()
    write(options.json, document)


if __name__ == "__main__":
    main()
