"""Columns of float32 by row of the universe, one binary string for each chain.

A chunk is whole chains, so writing one replaces whole strings, and two chunks never share one.  In
front of the columns are their time, a checksum and the fingerprint of their quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import TYPE_CHECKING, cast
from zlib import crc32

import numpy as np

from angel_x.adapters.redis.wire import Part, command, exchange
from angel_x.domain.chains.chunks import chain_span
from angel_x.domain.chains.published import Heads

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from redis import Redis

    from angel_x.domain.contracts.universe import Chain, Universe

    Columns = NDArray[np.float32]

#: The head of the columns: the checksum of all bytes behind it, the number of fields, the time
#: in epoch milliseconds and the fingerprint.  A block with another number of fields was written by
#: another release, and reads as absent.
_HEAD = Struct("<IIqQ")
_CHECKSUM = Struct("<I")
_NO_HEAD = bytes(_HEAD.size)


class ColumnarBoard:
    """Columns that vanish ``ttl_seconds`` after they were written.

    A string that is absent, short, damaged or of another layout reads as NaN with the time zero.
    """

    def __init__(self, client: Redis, *, name: str, fields: int, ttl_seconds: int) -> None:
        self._client = client
        self._name = name
        self._fields = fields
        self._ttl = b"%d" % ttl_seconds

    def write(
        self, universe: Universe, start: int, columns: NDArray[np.floating], as_of_ms: int
    ) -> None:
        """Write the chains from row ``start`` on, in one round trip; again writes the same bytes."""
        exchange(self._client, self.commands(universe, start, columns, as_of_ms))

    def commands(
        self,
        universe: Universe,
        start: int,
        columns: NDArray[np.floating],
        as_of_ms: int,
        fingerprints: NDArray[np.uint64] | None = None,
    ) -> list[list[Part]]:
        """Return the commands that write the chains from row ``start`` on.

        ``columns`` has the shape (fields, rows); ``fingerprints`` one number a chain.
        """
        span = chain_span(universe, start, start + columns.shape[1])
        marks = [0] * (span.stop - span.start) if fingerprints is None else fingerprints.tolist()
        stamps = [(self._fields, as_of_ms, mark) for mark in marks]
        blocks = _blocks(universe.chains[span], start, columns, stamps)
        keys = (self._key(universe, index) for index in range(span.start, span.stop))
        # A number that overflows float32 becomes infinite, which readers treat as missing.
        with np.errstate(over="ignore"):
            return [
                command(b"SET", key.encode(), block, b"EX", self._ttl)
                for key, block in zip(keys, blocks, strict=True)
            ]

    def carry(self, before: Universe, universe: Universe) -> None:
        """Write the columns of contracts of another universe for this one; again writes the same.

        Times are kept, and no fingerprint is: every chain counts as moved.  Contracts and chains that
        were not published stay absent.
        """
        columns, times = self.read(before)
        rows = before.rows_in(universe)[: before.option_count]
        stays = rows >= 0
        carried, ages = self._absent(len(universe)), np.zeros(len(universe), np.int64)
        carried[:, rows[stays]], ages[rows[stays]] = columns[:, stays], times[stays]
        commands: list[list[Part]] = []
        for chain in universe.chains:
            span = slice(chain.start, chain.stop)
            if as_of_ms := int(ages[span].max(initial=0)):
                commands += self.commands(universe, chain.start, carried[:, span], as_of_ms)
        if commands:
            exchange(self._client, commands)

    def read(self, universe: Universe) -> tuple[Columns, NDArray[np.int64]]:
        """Return the columns and times of all options of the universe, in one round trip."""
        return self._chains(universe, range(len(universe.chains)))

    def read_rows(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[Columns, NDArray[np.int64]]:
        """Return the columns and times of ``rows``, which may repeat, in one round trip.

        Futures have none.
        """
        columns, times = self._absent(len(rows)), np.zeros(len(rows), np.int64)
        are_options = rows < universe.option_count
        if are_options.any():
            found = self._options(universe, rows[are_options])
            columns[:, are_options], times[are_options] = found
        return columns, times

    def _options(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[Columns, NDArray[np.int64]]:
        owners = universe.chain_index[rows]
        touched, position = np.unique(owners, return_inverse=True)
        columns, times = self._chains(universe, touched.tolist())
        chains = [universe.chains[index] for index in touched]
        starts = np.array([chain.start for chain in chains], np.int64)
        sizes = np.array([chain.stop - chain.start for chain in chains], np.int64)
        local = rows + (np.cumsum(sizes) - sizes - starts)[position]
        return columns[:, local], times[local]

    def heads(self, universe: Universe) -> Heads:
        """Return the head of every chain, in one round trip, without the columns."""
        last = b"%d" % (_HEAD.size - 1)
        keys = (self._key(universe, index).encode() for index in range(len(universe.chains)))
        replies = exchange(self._client, [command(b"GETRANGE", k, b"0", last) for k in keys])
        heads = b"".join(reply if len(reply) == _HEAD.size else _NO_HEAD for reply in replies)
        known = [
            (as_of_ms, mark) if fields == self._fields else (0, 0)
            for _, fields, as_of_ms, mark in _HEAD.iter_unpack(heads)
        ]
        return Heads(
            np.array([as_of_ms for as_of_ms, _ in known], np.int64),
            np.array([mark for _, mark in known], np.uint64),
        )

    def _chains(
        self, universe: Universe, indices: Sequence[int]
    ) -> tuple[Columns, NDArray[np.int64]]:
        if not indices:
            return self._absent(0), np.zeros(0, np.int64)
        keys = [self._key(universe, index) for index in indices]
        values = cast("Iterable[bytes | None]", self._client.mget(keys))
        chains = [universe.chains[index] for index in indices]
        blocks = [self._unpacked(c, value) for c, value in zip(chains, values, strict=True)]
        columns = np.concatenate([columns for columns, _ in blocks], axis=1)
        times = np.repeat([time for _, time in blocks], [c.shape[1] for c, _ in blocks])
        return columns, times.astype(np.int64)

    def _unpacked(self, chain: Chain, value: bytes | None) -> tuple[Columns, int]:
        size = chain.stop - chain.start
        if value is None or len(value) != _HEAD.size + 4 * self._fields * size:
            return self._absent(size), 0
        checksum, fields, as_of_ms, _ = _HEAD.unpack_from(value)
        if fields != self._fields or crc32(memoryview(value)[_CHECKSUM.size :]) != checksum:
            return self._absent(size), 0
        columns = np.frombuffer(value, "<f4", offset=_HEAD.size)
        return columns.reshape(self._fields, size), as_of_ms

    def _absent(self, size: int) -> Columns:
        return np.full((self._fields, size), np.nan, np.float32)

    def _key(self, universe: Universe, chain_index: int) -> str:
        return f"ax:{self._name}:{universe.version}:{chain_index}"


def _blocks(
    chains: Sequence[Chain],
    start: int,
    columns: NDArray[np.floating],
    stamps: Sequence[tuple[int, int, int]],
) -> Iterable[memoryview]:
    """Cut columns into one block a chain, behind ``stamps``, all of them in one buffer."""
    fields, rows = columns.shape
    buffer = np.empty(len(chains) * _HEAD.size + 4 * fields * rows, np.uint8)
    view, at = buffer.data, 0
    for chain, stamp in zip(chains, stamps, strict=True):
        body = at + _HEAD.size
        until = body + 4 * fields * (chain.stop - chain.start)
        _HEAD.pack_into(view, at, 0, *stamp)
        block = buffer[body:until].view("<f4").reshape(fields, -1)
        block[...] = columns[:, chain.start - start : chain.stop - start]
        _CHECKSUM.pack_into(view, at, crc32(view[at + _CHECKSUM.size : until]))
        yield view[at:until]
        at = until
