"""Quotes in Redis: one binary string per block of rows, so that a tick is a write at an offset."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from angel_x.domain.quotes.quote import QUOTE, RECORD, MarketQuotes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from redis import Redis

    from angel_x.domain.contracts.universe import Universe

#: Rows in one string.
BLOCK = 512
_BLOCK_BYTES = BLOCK * QUOTE.itemsize


class RedisQuoteBoard:
    """The latest quotes, by row of the universe.

    A block expires ``ttl_seconds`` after its last write.  Quotes of an absent, expired or truncated
    block are all zeros.
    """

    def __init__(self, client: Redis, *, ttl_seconds: int) -> None:
        self._client = client
        self._ttl_seconds = ttl_seconds

    def write(self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> None:
        """Write quotes; of a repeated row the later one."""
        if len(rows) == 0:
            return
        rows, records = _ascending(rows, quotes.view(RECORD))
        pipeline = self._client.pipeline(transaction=False)
        in_part = set()
        for block, start, stop in _runs(rows):
            key, written = _key(universe, block), records[start:stop].tobytes()
            if stop - start == min(BLOCK, len(universe) - block * BLOCK):
                pipeline.set(key, written, ex=self._ttl_seconds)
            else:
                pipeline.setrange(key, int(rows[start]) % BLOCK * QUOTE.itemsize, written)
                in_part.add(key)
        for key in in_part:
            pipeline.expire(key, self._ttl_seconds)
        pipeline.execute()

    def write_spots(
        self,
        universe: Universe,
        spots: NDArray[np.void],
        futures: NDArray[np.void] | None = None,
    ) -> None:
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(_spots_key(universe), spots.tobytes(), ex=self._ttl_seconds)
        if futures is not None:
            pipeline.set(_futures_key(universe), futures.tobytes(), ex=self._ttl_seconds)
        pipeline.execute()

    def read(self, universe: Universe) -> NDArray[np.void]:
        blocks = range(-(-len(universe) // BLOCK))
        return self._blocks(universe, blocks)[: len(universe)]

    def read_rows(self, universe: Universe, rows: NDArray[np.int64]) -> NDArray[np.void]:
        blocks, place = _places(rows)
        return _at(self._blocks(universe, blocks), place)

    def read_rows_and_spots(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.void], NDArray[np.void]]:
        blocks, place = _places(rows)
        keys = [_key(universe, block) for block in blocks]
        *stored, spots = self._get([*keys, _spots_key(universe)])
        return _at(_joined(stored), place), _spots(universe, spots)

    def read_market(self, universe: Universe, rows: NDArray[np.int64]) -> MarketQuotes:
        blocks, place = _places(rows)
        keys = [_key(universe, block) for block in blocks]
        *stored, spots, futures = self._get([*keys, _spots_key(universe), _futures_key(universe)])
        return MarketQuotes(
            _at(_joined(stored), place),
            _spots(universe, spots),
            _records(futures, len(universe.chains)),
        )

    def spots(self, universe: Universe) -> NDArray[np.void]:
        (stored,) = self._get([_spots_key(universe)])
        return _spots(universe, stored)

    def _blocks(self, universe: Universe, blocks: Sequence[int]) -> NDArray[np.void]:
        if not blocks:
            return np.zeros(0, QUOTE)
        return _joined(self._get([_key(universe, block) for block in blocks]))

    def _get(self, keys: list[str]) -> list[bytes | None]:
        return cast("list[bytes | None]", self._client.mget(keys))


def _places(rows: NDArray[np.int64]) -> tuple[list[int], NDArray[np.int64] | slice]:
    """Return the blocks that hold ``rows``, ascending, and where in them each row is."""
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        first, last = int(rows[0]) // BLOCK, int(rows[-1]) // BLOCK
        start = int(rows[0]) - first * BLOCK
        return list(range(first, last + 1)), slice(start, start + len(rows))
    blocks, place = np.unique(rows // BLOCK, return_inverse=True)
    return blocks.tolist(), place * BLOCK + rows % BLOCK


def _at(quotes: NDArray[np.void], place: NDArray[np.int64] | slice) -> NDArray[np.void]:
    return quotes[place] if isinstance(place, slice) else np.take(quotes, place)


def _joined(stored: Sequence[bytes | None]) -> NDArray[np.void]:
    return np.frombuffer(b"".join(_padded(s, _BLOCK_BYTES) for s in stored), QUOTE)


def _spots(universe: Universe, stored: bytes | None) -> NDArray[np.void]:
    return _records(stored, len(universe.underlyings))


def _records(stored: bytes | None, count: int) -> NDArray[np.void]:
    """Return ``count`` quotes; bytes missing in the string are zeros, additional ones are ignored."""
    size = count * QUOTE.itemsize
    return np.frombuffer(_padded(stored, size)[:size], QUOTE)


def _key(universe: Universe, block: int) -> str:
    return f"ax:quotes:{universe.version}:{block}"


def _spots_key(universe: Universe) -> str:
    return f"ax:spots:{universe.version}"


def _futures_key(universe: Universe) -> str:
    return f"ax:futures:{universe.version}"


def _padded(stored: bytes | None, size: int) -> bytes:
    return (stored or b"")[:size].ljust(size, b"\0")


def _ascending(
    rows: NDArray[np.int64], records: NDArray[np.void]
) -> tuple[NDArray[np.int64], NDArray[np.void]]:
    """Sort by row, keeping the last record of each."""
    if (rows[1:] > rows[:-1]).all():
        return rows, records
    ordered, last = np.unique(rows[::-1], return_index=True)
    return ordered, records[::-1][last]


def _runs(rows: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield block, start and stop of each run of consecutive rows within one block."""
    breaks = (np.diff(rows) != 1) | (rows[1:] % BLOCK == 0)
    starts = np.r_[0, np.flatnonzero(breaks) + 1]
    stops = np.r_[starts[1:], len(rows)]
    blocks = rows[starts] // BLOCK
    yield from zip(blocks.tolist(), starts.tolist(), stops.tolist(), strict=True)
