"""How long orders are on their way, by seed."""

from __future__ import annotations

import numpy as np
import pytest

from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.slippage import Slippage

IDS, ONCE = np.array([1, 2, 3]), np.array([1, 1, 1])


@pytest.mark.parametrize(
    ("fixed_ms", "jitter_ms", "seed", "seconds"),
    [
        (20, 0, 7, 0.020),
        (0, 80, 7, 0.063586),
        (20, 80, 7, 0.083586),
        (20, 80, 8, 0.099367),
        (0, 0, 7, 0.0),
    ],
)
def test_a_seed_gives_the_same_seconds_in_every_release(
    fixed_ms: int, jitter_ms: int, seed: int, seconds: float
) -> None:
    assert Latency(fixed_ms, jitter_ms, seed).seconds(IDS, ONCE) == pytest.approx(seconds, abs=1e-6)


def test_orders_travel_as_long_as_the_slowest_of_them() -> None:
    latency = Latency(20, 80, seed=7)
    alone = [latency.seconds(IDS[i : i + 1], ONCE[:1]) for i in range(3)]

    assert latency.seconds(IDS, ONCE) == max(alone)
    assert len(set(alone)) == 3


def test_no_order_takes_no_time() -> None:
    assert Latency(20, 80, seed=7).seconds(IDS[:0], ONCE[:0]) == 0.0
    assert Latency().is_none
    assert not Latency(1).is_none
    assert not Latency(0, 1).is_none


def test_a_seed_gives_the_same_slips_in_every_release() -> None:
    ids, filled = np.array([1, 2, 3, 4, 5, 6]), np.array([0, 0, 0, 65, 65, 65])

    assert Slippage(3, seed=7).ticks(ids, filled).tolist() == [0, 2, 1, 3, 0, 0]
    assert Slippage(0, seed=7).ticks(ids, filled).tolist() == [0, 0, 0, 0, 0, 0]
