"""Chunks of a universe: runs of whole chains that are priced by one message.

Put-call parity needs both sides of every strike of an expiry, so a chain is never cut.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from angel_x.domain.chains.published import Heads
    from angel_x.domain.contracts.universe import Chain, Universe

#: Rows of one message.  With fewer rows the four milliseconds of a message matter; with more, a large
#: universe has too few chunks for several workers.
CHUNK_ROWS = 25_000
#: The most unchanged rows that are priced along within a chunk: they cost less than one more message.
GAP_ROWS = 2_048


def cut_chunks(
    universe: Universe,
    due: NDArray[np.bool_] | None = None,
    *,
    rows: int = CHUNK_ROWS,
    gap: int = GAP_ROWS,
) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of chunks of about ``rows`` rows that cover the chains that are due.

    They are in order, and each begins and ends with a due chain; all chains are due where ``due`` is
    None.  Fewer than ``gap`` rows between two due chains do not end a chunk.  The chunks of one run
    have about equal sizes.
    """
    indices = range(len(universe.chains)) if due is None else np.flatnonzero(due).tolist()
    chains = [universe.chains[index] for index in indices]
    return [chunk for run in _runs(chains, gap) for chunk in _evenly(run, rows)]


def _runs(chains: Sequence[Chain], gap: int) -> Iterator[list[Chain]]:
    """Yield runs of chains with fewer than ``gap`` rows between neighbors."""
    run: list[Chain] = []
    for chain in chains:
        if run and chain.start - run[-1].stop >= gap:
            yield run
            run = []
        run.append(chain)
    if run:
        yield run


def _evenly(run: Sequence[Chain], rows: int) -> Iterator[tuple[int, int]]:
    """Cut a run at the chain boundaries nearest to equal parts."""
    start, total = run[0].start, run[-1].stop - run[0].start
    share = total / max(1, round(total / rows))

    def part_of(chain: Chain) -> int:
        return int(((chain.start + chain.stop) / 2 - start) / share)

    for _, part in groupby(run, part_of):
        members = list(part)
        yield members[0].start, members[-1].stop


def due_chains(
    heads: Heads, marks: NDArray[np.uint64], now_ms: int, max_age_seconds: float
) -> NDArray[np.bool_]:
    """Return which chains must be priced again.

    Due are chains whose fingerprint differs from the published one, and chains that are unpublished
    or were published more than ``max_age_seconds`` ago.
    """
    age_ms = now_ms - heads.as_of_ms
    moved = heads.fingerprints != marks
    due: NDArray[np.bool_] = moved | (heads.as_of_ms <= 0) | (age_ms > max_age_seconds * 1000)
    return due


def oldest_first(
    universe: Universe, chunks: list[tuple[int, int]], heads: Heads
) -> list[tuple[int, int]]:
    """Sort chunks by their oldest chain, so that none starves where workers cannot price all."""

    def oldest(chunk: tuple[int, int]) -> int:
        return int(heads.as_of_ms[chain_span(universe, *chunk)].min())

    return sorted(chunks, key=oldest)


def chain_span(universe: Universe, start: int, stop: int) -> slice:
    """Return the positions in ``universe.chains`` of the rows ``start:stop``, which are whole chains."""
    if start >= stop:
        return slice(0, 0)
    index = universe.chain_index
    return slice(int(index[start]), int(index[stop - 1]) + 1)


def is_whole_chains(universe: Universe, start: int, stop: int) -> bool:
    """Return whether the rows ``start:stop`` exist, are not empty, and begin and end with a chain."""
    if not 0 <= start < stop <= universe.option_count:
        return False
    span = chain_span(universe, start, stop)
    first, last = universe.chains[span.start], universe.chains[span.stop - 1]
    return (first.start, last.stop) == (start, stop)
