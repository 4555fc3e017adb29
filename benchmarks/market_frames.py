"""Frames of the broker's market data socket: how many a second one core decodes, beside two struct loops.

``python -m benchmarks.market_frames [--frames N] [--rounds R] [--json FILE]``.  The lean loop reads the same
fields of the same frames as the decoder, several at once, and finds the instrument of each; the plain one
reads every field by itself into a dictionary, as clients that parse one tick at a time do.  The figures are
processor time.  Of the rounds the median counts.
"""

from __future__ import annotations

import argparse
import statistics
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from angel_x.adapters.angel_one.market_frames import FRAMES, Instrument, Instruments, Mode, decode
from benchmarks.machine import described, write

_INSTRUMENTS = 3_000
_FIRST_TOKEN = 40_000
_SEGMENT = 2
_BATCH = 2_000
_LAYOUT = struct.Struct("<BB25sqqq")
_DAY = struct.Struct("<qqqddqqqq")
_INTEREST = struct.Struct("<qqd")
_LEVEL = struct.Struct("<HqqH")
_BIDS_AT, _ASKS_AT = 147, 247
#: Name, format and offset of each field, by the mode that begins to have it.
_FIELDS: dict[Mode, tuple[tuple[str, str, int], ...]] = {
    Mode.LAST: (
        ("mode", "<B", 0), ("exchange", "<B", 1), ("token", "<25s", 2), ("sequence", "<q", 27),
        ("time", "<q", 35), ("last", "<q", 43),
    ),
    Mode.QUOTE: (
        ("last_quantity", "<q", 51), ("average", "<q", 59), ("volume", "<q", 67),
        ("buy_quantity", "<d", 75), ("sell_quantity", "<d", 83), ("open", "<q", 91),
        ("high", "<q", 99), ("low", "<q", 107), ("close", "<q", 115),
    ),
    Mode.SNAP_QUOTE: (
        ("last_trade_time", "<q", 123), ("oi", "<q", 131), ("oi_change", "<d", 139),
        ("upper_circuit", "<q", 347), ("lower_circuit", "<q", 355), ("year_high", "<q", 363),
        ("year_low", "<q", 371),
    ),
}  # fmt: skip
_LEVELS, _LEVEL_BYTES = 10, 20
_LEVEL_FIELDS = (
    ("flag", "<H", 0),
    ("quantity", "<q", 2),
    ("price", "<q", 10),
    ("orders", "<H", 18),
)

#: A tick of the loop: place, sequence, time, and the fields of a quote.
_Tick = tuple[int, ...]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=200_000, help="Of each mode and round.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    modes = {mode.name.lower(): _measured(mode, options.frames, options.rounds) for mode in FRAMES}
    for name, found in modes.items():
        print(
            f"{name:10} {found['frames_per_second']:>10,} frames/s, {found['ratio']:g} times a lean loop "
            f"of {found['loop_frames_per_second']:,}, {found['plain_ratio']:g} times a plain one of "
            f"{found['plain_frames_per_second']:,}"
        )
    write(options.json, {"machine": described(), "modes": modes})


def frames_of(mode: Mode, count: int) -> list[bytes]:
    """Return sound frames of a mode, of each instrument in turn."""
    rest = bytes(FRAMES[mode].itemsize - _LAYOUT.size)
    return [
        _LAYOUT.pack(
            mode, _SEGMENT, str(_FIRST_TOKEN + n % _INSTRUMENTS).encode(), n, n, 100 + n % 7
        )
        + rest
        for n in range(count)
    ]


def instruments() -> list[Instrument]:
    """Return the instruments of the frames."""
    return [Instrument(_SEGMENT, str(_FIRST_TOKEN + n)) for n in range(_INSTRUMENTS)]


def loop(frames: Iterable[bytes], places: dict[tuple[int, str], int]) -> list[_Tick]:
    """Decode frame by frame, as a client written for one tick at a time does."""
    return [_tick(frame, places) for frame in frames]


def _tick(frame: bytes, places: dict[tuple[int, str], int]) -> _Tick:
    mode, segment, token, sequence, at, last = _LAYOUT.unpack_from(frame)
    place = places[segment, token.rstrip(b"\0").decode("ascii")]
    volume = interest = bid = bid_size = ask = ask_size = 0
    if mode >= Mode.QUOTE:
        _, _, volume, *_ = _DAY.unpack_from(frame, 51)
    if mode == Mode.SNAP_QUOTE:
        _, interest, _ = _INTEREST.unpack_from(frame, 123)
        _, bid_size, bid, _ = _LEVEL.unpack_from(frame, _BIDS_AT)
        _, ask_size, ask, _ = _LEVEL.unpack_from(frame, _ASKS_AT)
    return place, sequence, at, last, volume, interest, bid, ask, bid_size, ask_size


def plain_loop(frames: Iterable[bytes]) -> list[dict[str, object]]:
    """Read every field of each frame by itself, the depth too."""
    return [_whole(frame) for frame in frames]


def _whole(frame: bytes) -> dict[str, object]:
    tick: dict[str, object] = {}
    for mode, fields in _FIELDS.items():
        if frame[0] >= mode:
            for name, layout, at in fields:
                tick[name] = _field(frame, layout, at)
    tick["token"] = bytes(tick["token"]).rstrip(b"\0").decode("ascii")  # type: ignore[call-overload]
    if frame[0] == Mode.SNAP_QUOTE:
        starts = range(_BIDS_AT, _BIDS_AT + _LEVELS * _LEVEL_BYTES, _LEVEL_BYTES)
        tick["depth"] = [
            {name: _field(frame, layout, start + at) for name, layout, at in _LEVEL_FIELDS}
            for start in starts
        ]
    return tick


def _field(frame: bytes, layout: str, at: int) -> object:
    return struct.unpack(layout, frame[at : at + struct.calcsize(layout)])[0]


def _measured(mode: Mode, count: int, rounds: int) -> dict[str, float]:
    frames, wanted = frames_of(mode, count), instruments()
    finder = Instruments(wanted)
    places = {(each.exchange, each.token): n for n, each in enumerate(wanted)}
    batches = [frames[start : start + _BATCH] for start in range(0, count, _BATCH)]
    rates: dict[str, list[float]] = {"bulk": [], "loop": [], "plain": []}
    for _ in range(rounds):
        rates["bulk"].append(_rate(batches, lambda batch: decode(batch, finder)))
        rates["loop"].append(_rate(batches, lambda batch: loop(batch, places)))
        rates["plain"].append(_rate(batches, plain_loop))
    bulk, one_by_one, plain = (statistics.median(found) for found in rates.values())
    return {
        "frames_per_second": round(bulk),
        "loop_frames_per_second": round(one_by_one),
        "ratio": round(bulk / one_by_one, 1),
        "plain_frames_per_second": round(plain),
        "plain_ratio": round(bulk / plain, 1),
    }


def _rate(batches: Sequence[list[bytes]], run: Callable[[list[bytes]], object]) -> float:
    begun = time.process_time()
    for batch in batches:
        run(batch)
    return sum(map(len, batches)) / (time.process_time() - begun)


if __name__ == "__main__":
    main()
