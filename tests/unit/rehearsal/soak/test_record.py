from __future__ import annotations

import pytest

from angel_x.rehearsal.soak.record import Record, Trend
from angel_x.rehearsal.soak.trend import BLOCKS
from angel_x.rehearsal.soak.usage import Measure, Usage

MEBIBYTE = 1024 * 1024


def trends(record: Record, warm_up: float = 0) -> dict[tuple[str, Measure], Trend]:
    return {(each.program, each.measure): each for each in record.trends(warm_up)}


def recorded(usage_at: dict[str, list[Usage]]) -> Record:
    record = Record()
    for number in range(max(map(len, usage_at.values()))):
        record.add(
            float(number),
            {name: samples[number] for name, samples in usage_at.items() if number < len(samples)},
        )
    return record


def test_a_planted_leak_is_found_in_its_measure_and_no_other() -> None:
    steady = [Usage(80 * MEBIBYTE, 40, 20)] * 100
    record = recorded(
        {
            "steady": steady,
            "memory": [Usage(80 * MEBIBYTE + n * 40_000, 40, 20) for n in range(100)],
            "files": [Usage(80 * MEBIBYTE, 40 + n // 20, 20) for n in range(100)],
            "sockets": [Usage(80 * MEBIBYTE, 40, 20 + n // 20) for n in range(100)],
        }
    )

    leaks = {key for key, trend in trends(record).items() if trend.is_leak}

    assert leaks == {
        ("memory", Measure.MEMORY),
        ("files", Measure.DESCRIPTORS),
        ("sockets", Measure.CONNECTIONS),
    }


@pytest.mark.parametrize(("mebibytes", "is_leak"), [(0.9, False), (1.2, True)])
def test_a_mebibyte_of_a_small_program_is_the_resolution(
    mebibytes: float, *, is_leak: bool
) -> None:
    last = mebibytes * MEBIBYTE * BLOCKS / (BLOCKS - 1)
    samples = [Usage(int(20 * MEBIBYTE + last * n / 240), 40, 20) for n in range(240)]

    assert trends(recorded({"small": samples}))["small", Measure.MEMORY].is_leak is is_leak


def test_the_floor_is_a_hundredth_of_a_large_program() -> None:
    samples = [Usage(800 * MEBIBYTE, 400, 20)] * BLOCKS

    found = trends(recorded({"large": samples}))

    assert found["large", Measure.MEMORY].floor == 8 * MEBIBYTE
    assert found["large", Measure.DESCRIPTORS].floor == 4
    assert found["large", Measure.CONNECTIONS].floor == 1


def test_the_warm_up_is_not_judged() -> None:
    filling = [Usage(min(n, 60) * MEBIBYTE, 1, 1) for n in range(100)]

    assert trends(recorded({"cache": filling}))["cache", Measure.MEMORY].is_leak
    assert not trends(recorded({"cache": filling}), 60)["cache", Measure.MEMORY].is_leak


def test_a_program_that_lived_too_short_is_not_judged() -> None:
    found = trends(recorded({"long": [Usage(1, 1, 1)] * BLOCKS, "short": [Usage(1, 1, 1)] * 5}))

    assert {program for program, _ in found} == {"long"}
