"""Price protection: the price bands of limit orders and the protection limits of orders at market.

Prices are whole paise.  Every bound is rounded inward to a tick, so that the bound itself is allowed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

from angel_x.domain.values.dated import Dated
from angel_x.domain.values.money import paise

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Fractions are integers in hundredths of a percent, so that bounds are exact.
_BASIS = 10_000


@dataclass(frozen=True, slots=True)
class LimitBand:
    """The price band of limit orders around their reference."""

    #: Up to this premium the width of the band is an amount, above it a fraction.
    low_premium_paise: int
    low_band_paise: int
    band_basis_points: int

    def bounds(
        self, reference: NDArray[np.int64], tick: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the lowest and the highest limit price at each reference."""
        # The fraction is floored, because prices are on ticks within the band.
        share = reference * self.band_basis_points // _BASIS
        width = np.where(reference <= self.low_premium_paise, self.low_band_paise, share)
        return -((width - reference) // tick) * tick, (reference + width) // tick * tick


@dataclass(frozen=True, slots=True)
class MarketBand:
    """The protection of orders at market around their reference, by slabs of premium."""

    #: The first premium above each slab, ascending.
    ends_paise: tuple[int, ...]
    #: The fraction of each slab, and of premiums above the last.
    basis_points: tuple[int, ...]
    least_ticks: int

    def limits(
        self, reference: NDArray[np.int64], tick: NDArray[np.int64], is_buy: NDArray[np.bool_]
    ) -> NDArray[np.int64]:
        """Return the protection limit of each order at market, at least one tick."""
        slab = np.searchsorted(np.array(self.ends_paise), reference, side="right")
        share = np.array(self.basis_points, np.int64)[slab]
        width = np.maximum(reference * share // _BASIS, self.least_ticks * tick)
        highest = (reference + width) // tick * tick
        lowest = np.maximum(-((width - reference) // tick) * tick, tick)
        result: NDArray[np.int64] = np.where(is_buy, highest, lowest)
        return result


@dataclass(frozen=True, slots=True)
class Protection:
    """The bands, by day."""

    limit_orders: Dated[LimitBand]
    limit_orders_in_futures: Dated[LimitBand]
    market_orders: Dated[MarketBand]

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Protection:
        """Build the bands from the parsed ``price_bands`` table."""
        return cls(
            Dated(_dated(table["limit_orders"], _limit_band)),
            Dated(_dated(table["limit_orders_in_futures"], _limit_band)),
            Dated(_dated(table["market_orders"], _market_band)),
        )


def reference_paise(quotes: NDArray[np.void]) -> NDArray[np.int64]:
    """Return the reference of the bands: the last price, else the mid, else the only side.

    Zero where a quote is empty.  The exchange averages the trades of half a minute, which no feed
    has.
    """
    bid, ask = quotes["bid"].astype(np.int64), quotes["ask"].astype(np.int64)
    mid = np.where((bid > 0) & (ask > 0), (bid + ask) // 2, np.maximum(bid, ask))
    return np.where(quotes["last"] > 0, quotes["last"], mid)


def _dated(rows: Iterable[Mapping[str, Any]], make: Any) -> Iterable[tuple[date, Any]]:  # noqa: ANN401 - one of two bands
    return ((date.fromisoformat(row["from"]), make(row)) for row in rows)


def _limit_band(row: Mapping[str, Any]) -> LimitBand:
    return LimitBand(
        paise(Decimal(row["low_premium_rupees"])),
        paise(Decimal(row["low_band_rupees"])),
        _basis_points(row["band_percent"]),
    )


def _market_band(row: Mapping[str, Any]) -> MarketBand:
    slabs = row["slabs"]
    shares = [*(slab["percent"] for slab in slabs), row["beyond_percent"]]
    return MarketBand(
        tuple(paise(Decimal(slab["below_rupees"])) for slab in slabs),
        tuple(_basis_points(share) for share in shares),
        int(row["least_ticks"]),
    )


def _basis_points(percent: str) -> int:
    return int(Decimal(percent) * 100)
