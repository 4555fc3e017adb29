from __future__ import annotations

from collections import Counter

from angel_x.adapters.metrics.traffic import Counts, between

BEFORE = Counts(100, Counter({0.01: 90, 0.1: 100, float("inf"): 100}))


def test_orders_of_the_time_between_make_the_rate_and_the_quantiles() -> None:
    after = Counts(150, Counter({0.01: 130, 0.1: 150, float("inf"): 150}))

    traffic = between(BEFORE, after, 2.0)

    assert (traffic.orders_a_second, traffic.median_ms, traffic.p99_ms) == (25.0, 10.0, 100.0)


def test_a_time_without_orders_has_no_latency() -> None:
    traffic = between(BEFORE, BEFORE, 2.0)

    assert (traffic.orders_a_second, traffic.median_ms, traffic.p99_ms) == (0.0, None, None)
