"""Cutting a universe into chunks: runs of whole chains that one message asks to be priced.

Put-call parity needs both sides of every strike of an expiry, so a chain is never cut.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from angel_x.domain.universe import Universe

#: Rows for which one numpy call is well used.
CHUNK_ROWS = 4096


def cut_chunks(universe: Universe, rows: int = CHUNK_ROWS) -> list[tuple[int, int]]:
    """Return ``(start, stop)`` of chunks of about ``rows`` rows that cover the universe in order.

    A chunk ends with the chain that fills it; a single chain larger than ``rows`` is one chunk.
    """
    chunks: list[tuple[int, int]] = []
    start = 0
    for chain in universe.chains:
        if chain.stop - start >= rows or chain.stop == len(universe):
            chunks.append((start, chain.stop))
            start = chain.stop
    return chunks


def is_whole_chains(universe: Universe, start: int, stop: int) -> bool:
    """Say whether the rows ``start:stop`` exist, are not none, and begin and end with a chain."""
    starts = {chain.start for chain in universe.chains}
    stops = {chain.stop for chain in universe.chains}
    return start < stop and start in starts and stop in stops
