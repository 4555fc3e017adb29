"""The table of the benchmark of pricing kernels, beside the aims that were set for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.tables import markdown

Result = Mapping[str, Any]

#: Each row by its label: the measurement, and aim and moonshot as multiples of ``np.exp``.
_ROWS: Mapping[str, tuple[str, str]] = {
    "`np.exp`": ("exp", ""),
    "numpy: 6 Greeks, by chain": ("greeks, 6 outputs, numpy, by chain", "16, 11"),
    "numpy: 6 Greeks, scattered": ("greeks, 6 outputs, numpy, scattered", "16, 11"),
    "numpy: 10 Greeks, by chain": ("greeks, 10 outputs, numpy, by chain", ""),
    "numpy: implied volatility, by chain": (
        "implied volatility, numpy, by chain",
        "45, 30 (one step)",
    ),
    "numpy: implied volatility, scattered": (
        "implied volatility, numpy, scattered",
        "45, 30 (one step)",
    ),
    "numba: 6 Greeks, by chain": ("greeks, 6 outputs, numba, by chain", "2.0, 1.0"),
    "numba: 6 Greeks, scattered": ("greeks, 6 outputs, numba, scattered", "3.2, 2.0"),
    "numba: 10 Greeks, by chain": ("greeks, 10 outputs, numba, by chain", ""),
    "numba: implied volatility, by chain": (
        "implied volatility, numba, by chain",
        "5.5, 3 (one step)",
    ),
    "numba: implied volatility, scattered": (
        "implied volatility, numba, scattered",
        "5.5, 3 (one step)",
    ),
    "numba: implied volatility from the last one": ("implied volatility, warm, numba", "4.5, 2"),
    "numpy as the textbook writes it: 6 Greeks": ("greeks, 6 outputs, naive", ""),
}


def pricing_table(result: Result) -> str:
    """Return nanoseconds a contract and their multiple of ``np.exp``, with AVX-512 and without."""
    columns = [result[name]["summary"] for name in ("native", "without_avx512")]
    rows = [
        [label, *(_cell(summary[name]) for summary in columns), aim]
        for label, (name, aim) in _ROWS.items()
    ]
    return markdown(["", "with AVX-512", "without", "aim, moonshot"], rows)


def _cell(measured: Result) -> str:
    return f"{measured['min_ns']:.3g} ns, {measured['min_ratio']:.3g}"
