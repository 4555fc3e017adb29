"""The market data of a batch of orders, read at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.matching import (
    ORDER,
)
from angel_x.domain.exchange.protection import reference_paise
from angel_x.domain.orders.order import Order, OrderStatus, Side
from angel_x.domain.quotes.quote import fresh
from angel_x.domain.values.money import paise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.services.ports import Clock, QuoteBoard, UniverseSource

#: Before an order takes part in the market.  Its limit is checked on the way in, and not again.
OUTSIDE = frozenset({OrderStatus.RECEIVED, OrderStatus.SUBMITTING, OrderStatus.TRIGGER_PENDING})


@dataclass(frozen=True, slots=True)
class Look:
    """The market data of one batch of orders, by order."""

    universe: Universe
    orders: NDArray[np.void]
    quotes: NDArray[np.void]
    is_fresh: NDArray[np.bool_]
    reference: NDArray[np.int64]
    #: Whether the spot behind the margin can be trusted.
    spot_is_trusted: NDArray[np.bool_]
    is_expired: NDArray[np.bool_]
    today: date

    @property
    def is_future(self) -> NDArray[np.bool_]:
        result: NDArray[np.bool_] = self.orders["row"] >= self.universe.option_count
        return result

    @property
    def is_listed(self) -> NDArray[np.bool_]:
        result: NDArray[np.bool_] = self.orders["row"] >= 0
        return result


@dataclass(frozen=True, slots=True)
class MarketReader:
    """Reads quotes and spots for batches of orders."""

    universes: UniverseSource
    quotes: QuoteBoard
    clock: Clock
    market_clock: Clock

    def look(self, orders: Sequence[Order], max_age_seconds: float) -> Look | None:
        """Read the market for these orders, or return None where it lists none of them."""
        universe, now = self.universes.current(), self.market_clock()
        columns = order_columns(orders, universe)
        if (columns["row"] < 0).any():
            # Accepted by a process that uses a newer universe than this one.
            universe = self.universes.refreshed()
            columns = order_columns(orders, universe)
        if not (columns["row"] >= 0).any():
            return None
        safe = np.maximum(columns["row"], 0)
        quotes, spots = self.quotes.read_rows_and_spots(universe, safe)
        now_ms, today = epoch_ms(self.clock()), now.astimezone(IST).date()
        is_fresh = fresh(quotes, now_ms, max_age_seconds)
        return Look(
            universe=universe,
            orders=columns,
            quotes=quotes,
            is_fresh=is_fresh,
            reference=np.where(is_fresh, reference_paise(quotes), 0),
            spot_is_trusted=_trusted(spots, now_ms, max_age_seconds)[
                universe.underlying_index[safe]
            ],
            is_expired=universe.expires_at[safe] <= now.timestamp(),
            today=today,
        )


def _trusted(spots: NDArray[np.void], now_ms: int, max_age_seconds: float) -> NDArray[np.bool_]:
    """Return which spots are valid for margin: a missing spot would make short positions free."""
    trusted: NDArray[np.bool_] = fresh(spots, now_ms, max_age_seconds) & (spots["last"] > 0)
    return trusted


def order_columns(orders: Sequence[Order], universe: Universe) -> NDArray[np.void]:
    """Return orders as one ORDER each."""
    rows = universe.rows
    return np.array(
        [
            (
                o.id,
                rows.get(o.symbol, -1),
                o.side is Side.BUY,
                0 if o.limit_price is None else paise(o.limit_price),
                0 if o.trigger_price is None else paise(o.trigger_price),
                o.trigger_price is not None and o.status in OUTSIDE,
                o.leaves_quantity,
                o.filled_quantity,
                o.time_priority,
            )
            for o in orders
        ],
        ORDER,
    )
