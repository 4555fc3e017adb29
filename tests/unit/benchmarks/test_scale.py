from __future__ import annotations

from benchmarks.scale import Growth, table


def test_growth_is_the_value_at_the_largest_size_by_that_at_the_smallest() -> None:
    grown = Growth("a look", "ms", "resting orders", {100: 2.0, 400: 3.0, 1_600: 5.0})

    assert grown.factor == 2.5
    assert table([grown]).splitlines()[2:] == [
        "| a look | 100 / 400 / 1,600 resting orders | 2.00 / 3.00 / 5.00 ms | 2.5 |"
    ]


def test_nothing_has_no_growth() -> None:
    assert Growth("a look", "ms", "rows", {1: 0.0, 2: 1.0, 3: 2.0}).factor is None
