from __future__ import annotations

import pytest

from benchmarks.measured import measured, medians, percentiles


def test_cpu_is_given_an_order_and_orders_a_cpu_second() -> None:
    result = measured(2.0, {"api": 0.3, "postgres": 0.1}, orders=1000)

    assert result.orders_per_second == 500
    assert result.cpu_us_per_order == pytest.approx(400)
    assert result.orders_per_cpu_second == pytest.approx(2500)
    assert result.cpu_us_by_process == {"api": 300, "postgres": 100}
    assert result.latency_ms == {}


def test_percentiles_are_of_the_sorted_values() -> None:
    assert percentiles([float(n) for n in range(1, 102)]) == {"p50": 51, "p95": 96.9, "p99": 100.98}


def test_rounds_merge_to_the_median_of_each_number() -> None:
    rounds: list[dict[str, object]] = [
        {"load": {"rate": 3.0, "who": "x"}, "only": 1},
        {"load": {"rate": 1.0, "who": "x"}},
        {"load": {"rate": 2.0, "who": "x"}},
    ]

    assert medians(rounds) == {"load": {"rate": 2.0, "who": "x"}, "only": 1}
