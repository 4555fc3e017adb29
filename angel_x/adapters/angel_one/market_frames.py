"""Frames of Angel One's market data socket (SmartWebSocketV2), decoded in bulk.

A frame is one tick, little-endian: 51 bytes with the last price, 123 with the day's figures, 379 with
open interest and the best five prices.  Prices are paise.  Frames that make no sense are counted and
left out, each by its own reason, and disturb no other one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.quotes.quote import QUOTE

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Mode(IntEnum):
    """How much a frame says about its instrument."""

    LAST = 1
    QUOTE = 2
    SNAP_QUOTE = 3


class Fault(StrEnum):
    """The reason for which a frame is left out."""

    LENGTH = "length"
    MODE = "mode"
    TOKEN = "token"  # noqa: S105 - no secret
    UNKNOWN = "unknown_token"
    NUMBER = "number"


_HEAD = [
    ("mode", "u1"),
    ("exchange", "u1"),
    # 25 bytes of ASCII, padded with NUL: the first eight, and the others.
    ("token", "<u8"),
    ("token_1", "<u8"),
    ("token_2", "<u8"),
    ("token_3", "u1"),
    ("sequence", "<i8"),
    ("time", "<i8"),
    ("last", "<i8"),
]
_DAY = [
    ("last_quantity", "<i8"),
    ("average", "<i8"),
    ("volume", "<i8"),
    ("total_buy", "<f8"),
    ("total_sell", "<f8"),
    ("open", "<i8"),
    ("high", "<i8"),
    ("low", "<i8"),
    ("close", "<i8"),
]
_LEVEL = np.dtype([("flag", "<u2"), ("quantity", "<i8"), ("price", "<i8"), ("orders", "<u2")])
_DEPTH = [
    ("last_time", "<i8"),
    ("oi", "<i8"),
    ("oi_change", "<f8"),
    ("bids", _LEVEL, 5),
    ("asks", _LEVEL, 5),
    ("upper", "<i8"),
    ("lower", "<i8"),
    ("year_high", "<i8"),
    ("year_low", "<i8"),
]
#: The layout of each mode.
FRAMES = {
    Mode.LAST: np.dtype(_HEAD),
    Mode.QUOTE: np.dtype(_HEAD + _DAY),
    Mode.SNAP_QUOTE: np.dtype(_HEAD + _DAY + _DEPTH),
}
_MODES = {layout.itemsize: mode for mode, layout in FRAMES.items()}
#: The fields of a QUOTE that a frame of a mode carries.
CARRIED: Mapping[Mode, tuple[str, ...]] = {
    Mode.LAST: ("last",),
    Mode.QUOTE: ("last", "volume"),
    Mode.SNAP_QUOTE: ("last", "volume", "oi", "bid", "ask", "bid_size", "ask_size"),
}
#: Digits of a token, at most: those of one word.
_DIGITS = 8
_LARGEST = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True, order=True)
class Instrument:
    """A token of an exchange segment: 1 is NSE's cash market, 2 its F&O, 3 and 4 those of BSE."""

    exchange: int
    token: str

    @property
    def is_sound(self) -> bool:
        """True if the token is a number that fits into a frame's first word."""
        return self.token.isascii() and self.token.isdigit() and len(self.token) <= _DIGITS


class Instruments:
    """Finds the place of many tokens at once."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        """Take instruments; a result names each by its place among them.

        Raises:
            ValueError: A token is no number of at most eight digits.
        """
        for each in instruments:
            if not each.is_sound:
                raise ValueError(f"token: expected at most {_DIGITS} digits, was {each.token!r}")
        tokens = np.array([each.token.encode() for each in instruments], f"S{_DIGITS}")
        exchanges = np.array([each.exchange for each in instruments], np.uint8)
        keys = _keys(tokens.view("<u8"), exchanges)
        self._places = np.argsort(keys, kind="stable")
        self._keys = keys[self._places]

    def places(self, raw: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the place of the instrument of each frame, -1 for an unknown token."""
        if not len(self._keys):
            return np.full(len(raw), -1, np.int64)
        keys = _keys(raw["token"], raw["exchange"])
        found = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        is_it = (self._keys[found] == keys) & ~_has_rest(raw)
        return np.where(is_it, self._places[found], -1)


def _keys(tokens: NDArray[np.uint64], exchanges: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return token and exchange as one number each.

    The two upper bits of a byte are not set in a digit: those of the last two bytes hold the exchange.
    """
    wide = exchanges.astype(np.uint64)
    keys: NDArray[np.uint64] = (
        tokens ^ (wide << np.uint64(62)) ^ ((wide >> np.uint64(2)) << np.uint64(54))
    )
    return keys


def _has_rest(raw: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return whether a token is longer than eight bytes."""
    result: NDArray[np.bool_] = (raw["token_1"] | raw["token_2"] | raw["token_3"]) != 0
    return result


def _is_token(raw: NDArray[np.void]) -> NDArray[np.bool_]:
    """Return whether the token of each frame is a number, padded with NUL."""
    letters = np.frombuffer(raw.tobytes(), np.uint8).reshape(len(raw), -1)[:, 2:27]
    is_digit = (letters >= ord("0")) & (letters <= ord("9"))
    has_ended = np.logical_or.accumulate(letters == 0, axis=1)
    result: NDArray[np.bool_] = is_digit[:, 0] & np.where(has_ended, letters == 0, is_digit).all(
        axis=1
    )
    return result


@dataclass(frozen=True, slots=True)
class Ticks:
    """The ticks of one mode, in the order of their arrival."""

    mode: Mode
    #: The place of each instrument.
    places: NDArray[np.int64]
    #: The exchange's time, milliseconds since the epoch.
    times: NDArray[np.int64]
    sequences: NDArray[np.int64]
    #: A QUOTE each, with the fields that the mode carries; the time is zero.
    quotes: NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Decoded:
    """The ticks of a number of frames, and how many were left out for which reason."""

    ticks: Sequence[Ticks]
    faults: Mapping[Fault, int]


def decode(frames: Sequence[bytes], instruments: Instruments) -> Decoded:
    """Decode frames of any modes; one that makes no sense is counted."""
    faults: Counter[Fault] = Counter()
    lengths = np.fromiter(map(len, frames), np.int64, len(frames))
    faults[Fault.LENGTH] = int(len(frames) - np.isin(lengths, list(_MODES)).sum())
    ticks = []
    for length, mode in _MODES.items():
        places = np.flatnonzero(lengths == length)
        if len(places):
            mine = frames if len(places) == len(frames) else [frames[i] for i in places.tolist()]
            ticks.append(_decoded(b"".join(mine), mode, instruments, faults))
    return Decoded(ticks, +faults)


def _decoded(data: bytes, mode: Mode, instruments: Instruments, faults: Counter[Fault]) -> Ticks:
    raw = np.frombuffer(data, FRAMES[mode])
    is_sound = raw["mode"] == mode
    faults[Fault.MODE] += int(len(raw) - is_sound.sum())
    places = instruments.places(raw)
    stray = np.flatnonzero(is_sound & (places < 0))
    if len(stray):
        tokens = int(_is_token(raw[stray]).sum())
        faults[Fault.UNKNOWN] += tokens
        faults[Fault.TOKEN] += len(stray) - tokens
    is_sound &= places >= 0
    quotes, is_number = _quotes(raw, mode)
    faults[Fault.NUMBER] += int((is_sound & ~is_number).sum())
    is_sound &= is_number
    if is_sound.all():
        return Ticks(mode, places, raw["time"], raw["sequence"], quotes)
    kept = np.flatnonzero(is_sound)
    return Ticks(mode, places[kept], raw["time"][kept], raw["sequence"][kept], quotes[kept])


def _quotes(raw: NDArray[np.void], mode: Mode) -> tuple[NDArray[np.void], NDArray[np.bool_]]:
    """Return a QUOTE for each frame, and whether all of its numbers can be one."""
    quotes = np.zeros(len(raw), QUOTE)
    is_number = np.ones(len(raw), np.bool_)
    for name, values in _fields(raw, mode):
        is_number &= (values >= 0) & (values <= np.iinfo(QUOTE[name]).max)
        quotes[name] = values
    return quotes, is_number


def _fields(raw: NDArray[np.void], mode: Mode) -> list[tuple[str, NDArray[np.int64]]]:
    found = [("last", raw["last"])]
    if mode is not Mode.LAST:
        found.append(("volume", raw["volume"]))
    if mode is Mode.SNAP_QUOTE:
        bids, asks = raw["bids"][:, 0], raw["asks"][:, 0]
        found += [
            ("oi", raw["oi"]),
            ("bid", bids["price"]),
            ("ask", asks["price"]),
            # More than two billion units are displayed as that many.
            ("bid_size", np.minimum(bids["quantity"], _LARGEST)),
            ("ask_size", np.minimum(asks["quantity"], _LARGEST)),
        ]
    return found
