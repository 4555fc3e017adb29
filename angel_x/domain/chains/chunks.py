"""Cutting a universe into chunks: runs of whole chains that one message asks to be priced.

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

#: Rows of one message.  Fewer, and the four milliseconds that a message costs show; more, and a large
#: universe is too few chunks for several workers.
CHUNK_ROWS = 25_000
#: Rows that are priced along, though they stand as they were: they cost less than one more message.
GAP_ROWS = 2_048


def cut_chunks(
    universe: Universe,
    due: NDArray[np.bool_] | None = None,
    *,
    rows: int = CHUNK_ROWS,
    gap: int = GAP_ROWS,
) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of chunks of about ``rows`` rows that cover the chains that are due.

    They are in order, and each begins and ends with a chain that is due; all are where ``due`` is
    None.  Fewer than ``gap`` rows between two that are due do not end a chunk.  Chunks that follow
    each other are of about one size.
    """
    indices = range(len(universe.chains)) if due is None else np.flatnonzero(due).tolist()
    chains = [universe.chains[index] for index in indices]
    return [chunk for run in _runs(chains, gap) for chunk in _evenly(run, rows)]


def _runs(chains: Sequence[Chain], gap: int) -> Iterator[list[Chain]]:
    """Yield chains that follow each other with fewer than ``gap`` rows between them."""
    run: list[Chain] = []
    for chain in chains:
        if run and chain.start - run[-1].stop >= gap:
            yield run
            run = []
        run.append(chain)
    if run:
        yield run


def _evenly(run: Sequence[Chain], rows: int) -> Iterator[tuple[int, int]]:
    """Cut a run where the chains come nearest to equal parts."""
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
    """Return which chains have to be priced again.

    Those whose quotes have other fingerprints than the published, and those that are not published
    or so since longer than ``max_age_seconds``.
    """
    age_ms = now_ms - heads.as_of_ms
    moved = heads.fingerprints != marks
    due: NDArray[np.bool_] = moved | (heads.as_of_ms <= 0) | (age_ms > max_age_seconds * 1000)
    return due


def oldest_first(
    universe: Universe, chunks: list[tuple[int, int]], heads: Heads
) -> list[tuple[int, int]]:
    """Sort chunks by the oldest chain in them, so that none starves where not all get their turn."""

    def oldest(chunk: tuple[int, int]) -> int:
        return int(heads.as_of_ms[chain_span(universe, *chunk)].min())

    return sorted(chunks, key=oldest)


def chain_span(universe: Universe, start: int, stop: int) -> slice:
    """Return the positions in ``universe.chains`` of the rows ``start:stop``, whole chains all."""
    if start >= stop:
        return slice(0, 0)
    index = universe.chain_index
    return slice(int(index[start]), int(index[stop - 1]) + 1)


def is_whole_chains(universe: Universe, start: int, stop: int) -> bool:
    """Say whether the rows ``start:stop`` exist, are not none, and begin and end with a chain."""
    if not 0 <= start < stop <= len(universe):
        return False
    span = chain_span(universe, start, stop)
    first, last = universe.chains[span.start], universe.chains[span.stop - 1]
    return (first.start, last.stop) == (start, stop)
