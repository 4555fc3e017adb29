"""The choice of contracts to subscribe at a broker whose connections take only so many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

#: A later expiry counts as much as a strike further from the spot by this fraction of it.
_EXPIRY_STEP = 0.02


def nearest_rows(
    universe: Universe,
    spots: NDArray[np.float64],
    rows: NDArray[np.int64],
    held: NDArray[np.int64],
    most: int,
) -> NDArray[np.int64]:
    """Return up to ``most`` of ``rows``: held ones and futures, then the nearest to money and expiry.

    Args:
        universe: The contracts.
        spots: Rupees for each underlying of the universe, above zero.
        rows: The rows to choose from.
        held: Rows with a position or a resting order.
        most: The number of rows that can be subscribed.
    """
    spot = spots[universe.underlying_index[rows]]
    away = np.abs(universe.strike[rows] - spot) / spot
    is_option = rows < universe.option_count
    away[is_option] += _EXPIRY_STEP * _expiry_ranks(universe)[universe.chain_index[rows[is_option]]]
    away[~is_option | np.isin(rows, held)] = -1.0
    chosen: NDArray[np.int64] = rows[np.argsort(away, kind="stable")[:most]]
    return chosen


def _expiry_ranks(universe: Universe) -> NDArray[np.int64]:
    """Return the place of each chain among those of its underlying, the next expiry first."""
    seen: dict[str, int] = {}
    ranks = np.zeros(len(universe.chains), np.int64)
    order = sorted(range(len(universe.chains)), key=lambda n: universe.chains[n].expiry)
    for number in order:
        name = universe.chains[number].underlying
        ranks[number] = seen.get(name, 0)
        seen[name] = int(ranks[number]) + 1
    return ranks
