from __future__ import annotations

import pytest

from angel_x.adapters.angel_one.market_frames import Instruments, Mode, decode
from benchmarks.market_frames import frames_of, instruments, loop, plain_loop


@pytest.mark.parametrize("mode", Mode)
def test_both_read_the_same_from_the_same_frames(mode: Mode) -> None:
    frames, wanted = frames_of(mode, 50), instruments()
    places = {(each.exchange, each.token): n for n, each in enumerate(wanted)}

    (ticks,) = decode(frames, Instruments(wanted)).ticks

    names = ("last", "volume", "oi", "bid", "ask", "bid_size", "ask_size")
    columns = [ticks.places, ticks.sequences, ticks.times, *(ticks.quotes[name] for name in names)]
    assert [tuple(map(int, row)) for row in zip(*columns, strict=True)] == loop(frames, places)


def test_the_plain_loop_reads_every_field_of_a_frame() -> None:
    (found,) = plain_loop(frames_of(Mode.SNAP_QUOTE, 1))

    assert (found["token"], found["time"], found["last"]) == ("40000", 0, 100)
    assert len(found) == 6 + 9 + 7 + 1
    depth = found["depth"]
    assert isinstance(depth, list)
    assert len(depth) == 10
    (last,) = plain_loop(frames_of(Mode.LAST, 1))
    assert len(last) == 6
