from __future__ import annotations

import numpy as np
import pytest

from angel_x.rehearsal.soak.trend import BLOCKS, growth

HOUR = np.linspace(0, 3600, 480)


def test_what_stays_the_same_does_not_grow() -> None:
    found = growth(HOUR, np.full(480, 7.0))

    assert (found.growth, found.low, found.high) == (0, 0, 0)
    assert not found.is_leak(0)


def test_a_line_grows_by_what_it_rises() -> None:
    found = growth(HOUR, HOUR / 360)

    # Ten in the whole hour, from the mean of the first block to that of the last.
    assert found.growth == pytest.approx(10 * (BLOCKS - 1) / BLOCKS, rel=0.01)
    assert found.low == pytest.approx(found.growth)
    assert found.is_leak(9)
    assert not found.is_leak(10)


def test_a_leak_is_found_in_noise_of_its_size() -> None:
    noise = np.random.default_rng(5).normal(0, 10, 480)

    found = growth(HOUR, noise + HOUR / 360)

    assert found.low < 10 < found.high + 1
    assert found.is_leak(1)


def test_noise_alone_is_hardly_ever_called_a_leak() -> None:
    random = np.random.default_rng(6)
    found = [growth(HOUR, random.normal(0, 10, 480)) for _ in range(400)]

    # One in 200 is expected: the interval of 99 % has two sides.
    assert sum(each.is_leak(0) for each in found) <= 8
    assert sum(each.high < 0 for each in found) <= 8


def test_a_peak_and_a_short_step_decide_nothing() -> None:
    values = np.full(480, 50.0)
    values[200:240] = 500.0

    assert not growth(HOUR, values).is_leak(0)


def test_many_small_steps_are_growth() -> None:
    assert growth(HOUR, np.floor(HOUR / 450)).is_leak(1)


def test_too_few_samples_are_refused() -> None:
    with pytest.raises(ValueError, match=f"needs {BLOCKS} samples, was given {BLOCKS - 1}"):
        growth(range(BLOCKS - 1), range(BLOCKS - 1))
