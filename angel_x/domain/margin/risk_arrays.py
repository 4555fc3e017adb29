"""Risk arrays: the loss of one long unit of a contract in each of the 16 SPAN scenarios.

Every scenario is a full repricing one day later.  The forward moves in proportion to the underlying,
so the volatility and the forward of the published Greeks suffice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from angel_x.domain.pricing.contracts import BLOCK, Contracts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.pricing.contracts import Floats
    from angel_x.domain.pricing.kernels import Kernels


class Scenario(NamedTuple):
    """One market state of the margin computation."""

    #: In price scan ranges; the extreme ones in extreme moves.
    move: float
    #: In volatility scan ranges.
    volatility: int
    is_extreme: bool = False


def _scenarios() -> tuple[Scenario, ...]:
    moves = (0.0, 1 / 3, -1 / 3, 2 / 3, -2 / 3, 1.0, -1.0)
    ordinary = (Scenario(move, volatility) for move in moves for volatility in (1, -1))
    extreme = (Scenario(move, 0, is_extreme=True) for move in (1.0, -1.0))
    return (*ordinary, *extreme)


#: The scenarios in the order of the clearing corporation's risk files.
SCENARIOS = _scenarios()
#: Rows of a risk array: the loss in each scenario, then the delta of the spot, then the mark.
DELTA_ROW = len(SCENARIOS)
MARK_ROW = DELTA_ROW + 1
RISK_ROWS = MARK_ROW + 1


#: In price scan ranges, by scenario.
MOVES = np.array([scenario.move for scenario in SCENARIOS])
_SHIFTS = np.array([scenario.volatility for scenario in SCENARIOS])
ARE_EXTREME = np.array([scenario.is_extreme for scenario in SCENARIOS])


class Scan(NamedTuple):
    """The shocks of the scenarios: fractions, one entry a row in arrays, and a time step in years."""

    price: Floats
    volatility: Floats
    extreme_moves: float
    extreme_cover: float
    look_ahead_years: float


def write_losses(
    contracts: Contracts, mark: Floats, scan: Scan, kernels: Kernels, out: Floats
) -> None:
    """Write the losses of one long unit in rupees to ``out``, C-contiguous of shape (16, rows).

    ``contracts.given`` is the volatility and ``mark`` the present value of the contracts; a NaN in
    either, or in the price scan range, is a NaN in every scenario.  Losses count from the mark, so a long option never loses more.
    """
    moves = (MOVES * np.where(ARE_EXTREME, scan.extreme_moves, 1.0))[:, None]
    steps = contracts.spot * scan.price
    # A back end may lose the NaN of a spot in a payoff; that of a mark stays.
    mark = np.where(np.isnan(steps), np.nan, mark)
    volatilities = contracts.given + np.array([[0.0], [1.0], [-1.0]]) * scan.volatility
    np.maximum(volatilities, 0.0, out=volatilities)
    # Several scenarios of few rows are computed as one array: small array operations are overhead.
    at_once = min(max(BLOCK // max(mark.size, 1), 1), len(SCENARIOS))
    later = _repeated(contracts, scan.look_ahead_years, at_once)
    spots, sigmas = np.empty((2, at_once, mark.size))
    for start in range(0, len(SCENARIOS), at_once):
        some = slice(start, start + at_once)
        loss = out[some]
        spot, sigma = spots[: len(loss)], sigmas[: len(loss)]
        np.multiply(moves[some], steps, spot)
        np.add(spot, contracts.spot, spot)
        # The shifts 0, 1 and -1 are positions among the volatilities, the last counted from the end.
        np.take(volatilities, _SHIFTS[some], axis=0, out=sigma, mode="wrap")
        states = later.rows(slice(0, spot.size))
        states = states._replace(spot=spot.reshape(-1), given=sigma.reshape(-1))
        kernels.price(states, loss.reshape(-1))
        np.subtract(mark, loss, loss)
    out[ARE_EXTREME] *= scan.extreme_cover


def _repeated(contracts: Contracts, look_ahead_years: float, times: int) -> Contracts:
    """Return the contracts after the time step, repeated ``times`` times."""
    years = np.maximum(contracts.years - look_ahead_years, 0.0)
    return Contracts._make(_tiled(column, times) for column in contracts._replace(years=years))


def _tiled(column: NDArray[Any], times: int) -> NDArray[Any]:
    if column.strides == (0,):
        return np.broadcast_to(column[:1], (column.size * times,))
    return np.tile(column, times)
