from __future__ import annotations

import pytest

from angel_x.adapters.angel_one.market_frames import Instruments, Mode, decode
from benchmarks.market_frames import frames_of, instruments, loop


@pytest.mark.parametrize("mode", Mode)
def test_both_read_the_same_from_the_same_frames(mode: Mode) -> None:
    frames, wanted = frames_of(mode, 50), instruments()
    places = {(each.exchange, each.token): n for n, each in enumerate(wanted)}

    (ticks,) = decode(frames, Instruments(wanted)).ticks

    names = ("last", "volume", "oi", "bid", "ask", "bid_size", "ask_size")
    columns = [ticks.places, ticks.sequences, ticks.times, *(ticks.quotes[name] for name in names)]
    assert [tuple(map(int, row)) for row in zip(*columns, strict=True)] == loop(frames, places)
