from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.rows import Row, figure, interleaved, row_of, statistics_of


def make_row(naive: list[float], ours: list[float], **changes: Any) -> Row:
    samples = {"naive": naive, "ours": ours}
    return Row(
        name="place", unit="ms", reference="naive", measured="ours", samples=samples, **changes
    )


def test_statistics_are_of_all_samples() -> None:
    found = statistics_of([float(n) for n in range(1, 102)])

    assert (found.count, found.min, found.max, found.mean) == (101, 1, 101, 51)
    assert found.median == found.p50 == 51
    assert found.p99 == 100
    assert found.stdev == pytest.approx(29.3, abs=0.01)


def test_one_sample_has_no_deviation() -> None:
    found = statistics_of([4.0])

    assert (found.median, found.p99, found.stdev) == (4, 4, 0)


def test_a_smaller_time_and_a_larger_rate_are_better() -> None:
    assert make_row([8.0, 10.0, 12.0], [2.0, 2.5, 3.0]).times_better == 4
    assert make_row([100.0], [300.0], more_is_better=True).times_better == 3


def test_a_row_is_read_from_its_run_file_as_it_was_written() -> None:
    row = make_row([8.0], [2.0], is_yardstick=False)

    assert row_of(row.as_json()) == replace(row, operation="place")


def test_a_row_tells_scripts_its_operation_its_medians_and_its_ratio() -> None:
    shown = make_row([8.0, 10.0, 12.0], [2.0, 2.5, 3.0]).as_json()

    assert (shown["baseline_ms"], shown["optimized_ms"], shown["ratio"]) == (10, 2.5, 4)


def test_an_operation_is_made_of_the_name_unless_it_is_given() -> None:
    row = replace(make_row([8.0], [2.0]), name="a tick, processor time")

    assert row.as_json()["operation"] == "a_tick_processor_time"
    assert replace(row, operation="tick").as_json()["operation"] == "tick"
    assert replace(row, unit="orders/s").as_json()["baseline_ms"] is None


def test_variants_take_turns_in_every_round_and_begin_by_turns() -> None:
    seen: list[tuple[str, int]] = []

    def measure(name: str, number: int) -> float:
        seen.append((name, number))
        return float(number)

    found = interleaved(
        2, {"a": lambda number: measure("a", number), "b": lambda number: measure("b", number)}
    )

    assert seen == [("b", 0), ("a", 0), ("a", 1), ("b", 1)]
    assert found == {"a": [0.0, 1.0], "b": [0.0, 1.0]}


def test_figures_have_three_digits_that_count() -> None:
    assert [figure(v) for v in (0.01234, 1.234, 99.96, 1234.5)] == [
        "0.0123",
        "1.23",
        "100",
        "1,234",
    ]
