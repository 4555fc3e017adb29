from __future__ import annotations

import numpy as np

from angel_x.domain.exchange.slippage import Slippage
from angel_x.domain.values.draw import Stream, draws

IDS = np.arange(20_000)
FIRST = np.zeros(20_000, np.int64)


def test_a_draw_depends_on_nothing_but_what_it_is_for() -> None:
    together = draws(7, Stream.SLIPPAGE, IDS, FIRST)
    alone = [draws(7, Stream.SLIPPAGE, IDS[i : i + 1], FIRST[:1])[0] for i in (0, 17, 19_999)]

    assert together[[0, 17, 19_999]].tolist() == alone


def test_seed_stream_id_and_step_each_make_another_draw() -> None:
    first = draws(7, Stream.SLIPPAGE, IDS, FIRST)

    for other in (
        draws(8, Stream.SLIPPAGE, IDS, FIRST),
        draws(7, Stream.LATENCY, IDS, FIRST),
        draws(7, Stream.SLIPPAGE, IDS + 1, FIRST),
        draws(7, Stream.SLIPPAGE, IDS, FIRST + 65),
    ):
        assert np.count_nonzero(first == other) == 0
        assert abs(np.corrcoef(first, other)[0, 1]) < 0.03


def test_draws_are_spread_evenly() -> None:
    counts, _ = np.histogram(draws(0, Stream.LATENCY, IDS, FIRST), 10, (0.0, 1.0))

    assert counts.sum() == len(IDS)
    assert (np.abs(counts - 2_000) < 200).all()


def test_every_slip_from_none_to_the_most_is_as_likely() -> None:
    ticks, counts = np.unique(Slippage(3, seed=1).ticks(IDS, FIRST), return_counts=True)

    assert ticks.tolist() == [0, 1, 2, 3]
    assert (np.abs(counts - 5_000) < 300).all()
