"""Quotes in Redis: one binary string per block of rows, so that a tick is a write at an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from angel_x.domain.quote import QUOTE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from redis import Redis

    from angel_x.domain.universe import Universe

#: Rows in one string.
BLOCK = 512
_BLOCK_BYTES = BLOCK * QUOTE.itemsize


class RedisQuoteBoard:
    """The latest quotes, by row of the universe.

    A block expires when nothing in it was written for ``ttl_seconds``.  What is absent, expired or
    shorter than its block reads as zeros.
    """

    def __init__(self, client: Redis, *, ttl_seconds: int) -> None:
        self._client = client
        self._ttl_seconds = ttl_seconds

    def write(self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> None:
        """Write one quote a row, in one round trip; of a row that comes twice the later one."""
        if len(rows) == 0:
            return
        rows, quotes = _ascending(rows, quotes)
        pipeline = self._client.pipeline(transaction=False)
        for start, stop in _runs(rows):
            block, position = divmod(int(rows[start]), BLOCK)
            offset = position * QUOTE.itemsize
            pipeline.setrange(_key(universe, block), offset, quotes[start:stop].tobytes())
        for block in np.unique(rows // BLOCK).tolist():
            pipeline.expire(_key(universe, block), self._ttl_seconds)
        pipeline.execute()

    def write_spots(self, universe: Universe, quotes: NDArray[np.void]) -> None:
        """Write the quote of every underlying, in the order of ``universe.underlyings``."""
        self._client.set(_spots_key(universe), quotes.tobytes(), ex=self._ttl_seconds)

    def read(self, universe: Universe) -> NDArray[np.void]:
        """Return the quotes of the whole universe, in one round trip."""
        blocks = range(-(-len(universe) // BLOCK))
        return self._blocks(universe, blocks)[: len(universe)]

    def read_rows(self, universe: Universe, rows: NDArray[np.int64]) -> NDArray[np.void]:
        """Return one quote for each of ``rows``, which may repeat, in one round trip."""
        blocks, place = np.unique(rows // BLOCK, return_inverse=True)
        stored = self._blocks(universe, blocks.tolist())
        return np.take(stored, place * BLOCK + rows % BLOCK)

    def read_rows_and_spots(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Return what :meth:`read_rows` and :meth:`spots` do, in one round trip."""
        blocks, place = np.unique(rows // BLOCK, return_inverse=True)
        keys = [_key(universe, block) for block in blocks.tolist()]
        *stored, spots = self._get([*keys, _spots_key(universe)])
        quotes = np.frombuffer(b"".join(_padded(s, _BLOCK_BYTES) for s in stored), QUOTE)
        return np.take(quotes, place * BLOCK + rows % BLOCK), _spots(universe, spots)

    def spots(self, universe: Universe) -> NDArray[np.void]:
        """Return the quotes of the underlyings."""
        (stored,) = self._get([_spots_key(universe)])
        return _spots(universe, stored)

    def _blocks(self, universe: Universe, blocks: Sequence[int]) -> NDArray[np.void]:
        if not blocks:
            return np.zeros(0, QUOTE)
        stored = self._get([_key(universe, block) for block in blocks])
        return np.frombuffer(b"".join(_padded(s, _BLOCK_BYTES) for s in stored), QUOTE)

    def _get(self, keys: list[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", self._client.mget(keys))


def _spots(universe: Universe, stored: bytes | None) -> NDArray[np.void]:
    size = len(universe.underlyings) * QUOTE.itemsize
    return np.frombuffer(_padded(stored, size), QUOTE)


def _key(universe: Universe, block: int) -> str:
    return f"ax:quotes:{universe.version}:{block}"


def _spots_key(universe: Universe) -> str:
    return f"ax:spots:{universe.version}"


def _padded(stored: bytes | None, size: int) -> bytes:
    return (stored or b"").ljust(size, b"\0")


def _ascending(
    rows: NDArray[np.int64], quotes: NDArray[np.void]
) -> tuple[NDArray[np.int64], NDArray[np.void]]:
    """Sort by row, keeping the last quote of each."""
    if np.all(rows[1:] > rows[:-1]):
        return rows, quotes
    ordered, last = np.unique(rows[::-1], return_index=True)
    return ordered, quotes[::-1][last]


def _runs(rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield the positions of rows that follow each other within one block."""
    breaks = (np.diff(rows) != 1) | (rows[1:] % BLOCK == 0)
    starts = np.r_[0, np.flatnonzero(breaks) + 1]
    stops = np.r_[starts[1:], len(rows)]
    yield from zip(starts.tolist(), stops.tolist(), strict=True)
