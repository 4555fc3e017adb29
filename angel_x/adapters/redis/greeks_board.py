"""The published Greeks: one binary string for each chain (underlying and expiry) of a universe.

A chunk is whole chains, so writing one replaces whole strings, and two chunks never share one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from struct import Struct
from typing import TYPE_CHECKING, cast
from zlib import crc32

import numpy as np

from angel_x.domain.greek_columns import GREEK_FIELDS
from angel_x.domain.risk_arrays import RISK_ROWS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from redis import Redis

    from angel_x.domain.universe import Chain, Universe

    Columns = NDArray[np.float32]

#: Time of the Greeks in epoch milliseconds, then the checksum of the columns.
_HEADER = Struct("<qI")


class _Columns:
    """Columns that vanish ``ttl_seconds`` after they were written.

    A string that is absent, short or damaged reads as NaN with the time zero.
    """

    def __init__(self, client: Redis, name: str, fields: int, ttl_seconds: int) -> None:
        self._client = client
        self._name = name
        self._fields = fields
        self._ttl_seconds = ttl_seconds

    def write(self, universe: Universe, start: int, columns: Columns, as_of_ms: int) -> None:
        """Write the chains from row ``start`` on, in one round trip; again writes the same bytes."""
        stop = start + columns.shape[1]
        pipeline = self._client.pipeline(transaction=False)
        for index, chain in enumerate(universe.chains):
            if start <= chain.start and chain.stop <= stop:
                block = columns[:, chain.start - start : chain.stop - start]
                pipeline.set(
                    self._key(universe, index), _packed(block, as_of_ms), ex=self._ttl_seconds
                )
        pipeline.execute()

    def read(self, universe: Universe) -> tuple[Columns, NDArray[np.int64]]:
        """Return the columns and times of the whole universe, in one round trip."""
        return self._blocks(universe, range(len(universe.chains)))

    def read_rows(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[Columns, NDArray[np.int64]]:
        """Return the columns and times of ``rows``, which may repeat, in one round trip."""
        owners = universe.chain_index[rows]
        touched, position = np.unique(owners, return_inverse=True)
        columns, times = self._blocks(universe, touched.tolist())
        chains = [universe.chains[index] for index in touched]
        starts = np.array([chain.start for chain in chains], np.int64)
        sizes = np.array([chain.stop - chain.start for chain in chains], np.int64)
        local = rows + (np.cumsum(sizes) - sizes - starts)[position]
        return columns[:, local], times[local]

    def _blocks(
        self, universe: Universe, indices: Sequence[int]
    ) -> tuple[Columns, NDArray[np.int64]]:
        if not indices:
            return self._absent(0), np.zeros(0, np.int64)
        keys = [self._key(universe, index) for index in indices]
        values = cast("Iterable[bytes | None]", self._client.mget(keys))
        chains = [universe.chains[index] for index in indices]
        blocks = [self._unpacked(chain, value) for chain, value in zip(chains, values, strict=True)]
        columns = np.concatenate([columns for columns, _ in blocks], axis=1)
        times = np.repeat([time for _, time in blocks], [c.shape[1] for c, _ in blocks])
        return columns, times.astype(np.int64)

    def _unpacked(self, chain: Chain, value: bytes | None) -> tuple[Columns, int]:
        size = chain.stop - chain.start
        if value is None or len(value) != _HEADER.size + 4 * self._fields * size:
            return self._absent(size), 0
        as_of_ms, checksum = _HEADER.unpack_from(value)
        if crc32(value[_HEADER.size :]) != checksum:
            return self._absent(size), 0
        columns = np.frombuffer(value, "<f4", offset=_HEADER.size)
        return columns.reshape(self._fields, size), as_of_ms

    def _absent(self, size: int) -> Columns:
        return np.full((self._fields, size), np.nan, np.float32)

    def _key(self, universe: Universe, chain_index: int) -> str:
        return f"ax:{self._name}:{universe.version}:{chain_index}"


class RedisGreeksBoard(_Columns):
    """Greeks in edge units, in the order of :class:`~angel_x.domain.greek_columns.GreekField`."""

    def __init__(self, client: Redis, ttl_seconds: int) -> None:
        super().__init__(client, "greeks", len(GREEK_FIELDS), ttl_seconds)


class RedisRiskBoard(_Columns):
    """Risk arrays in rupees, in the order of :mod:`angel_x.domain.risk_arrays`."""

    def __init__(self, client: Redis, ttl_seconds: int) -> None:
        super().__init__(client, "risk", RISK_ROWS, ttl_seconds)


def _packed(block: Columns, as_of_ms: int) -> bytes:
    body = np.ascontiguousarray(block, "<f4").tobytes()
    return _HEADER.pack(as_of_ms, crc32(body)) + body
