"""The displayed size of quotes, shared out among the orders that trade at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from angel_x.domain.exchange.matching import (
    ORDER,
    TOUCH,
    by_priority,
    units_ahead,
)
from angel_x.domain.orders.order import Order
from angel_x.domain.quotes.liquidity import LiquidityBoard, claims_of, lots_displayed, shared
from angel_x.services.trading.market_look import Look

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.services.ports import Clock

#: Finds the limit orders that rest, are valid and would trade at one of these touches.
FindMarketable = Callable[["Universe", "NDArray[np.void]", datetime], "NDArray[np.void]"]


@dataclass(frozen=True, slots=True)
class DisplayedSize:
    """Takes the displayed size for orders, those served first at first."""

    liquidity: LiquidityBoard
    find_marketable: FindMarketable
    market_clock: Clock

    def take(
        self,
        look: Look,
        touch: NDArray[np.int64],
        tradable: NDArray[np.bool_],
        orders: Sequence[Order],
        rests: NDArray[np.bool_],
    ) -> NDArray[np.int64]:
        """Take the displayed size for tradable orders; return the granted units of each.

        Orders that come in leave the units of resting ones that are served before them.
        """
        places = np.flatnonzero(tradable)
        others_rest = np.array([order.others_rest for order in orders], np.bool_)
        others = self._resting_beside(look, touch, tradable & ~rests & others_rest)
        queue = np.concatenate([look.orders[places], others])
        ranks = by_priority(queue, np.append(rests[places], np.ones(len(others), np.bool_)))
        is_other = ranks >= len(places)
        ahead = units_ahead(queue[ranks], is_other)[~is_other]
        places = places[ranks[~is_other]]
        ranked = look.orders[places]
        claims, starts = claims_of(ranked, look.quotes[places], ahead, look.universe)
        granted = self.liquidity.take(look.universe, claims)
        quantities = np.zeros(len(look.orders), np.int64)
        quantities[places] = shared(ranked["leaves"], starts, granted)
        return quantities

    def _resting_beside(
        self, look: Look, touch: NDArray[np.int64], comes_in: NDArray[np.bool_]
    ) -> NDArray[np.void]:
        """Return the orders that rest, and would trade, where these come in."""
        if not comes_in.any():
            return np.empty(0, ORDER)
        touches = np.zeros(int(comes_in.sum()), TOUCH)
        touches["row"], touches["is_buy"] = (
            look.orders["row"][comes_in],
            look.orders["is_buy"][comes_in],
        )
        touches["price"] = touch[comes_in]
        touches["most"] = lots_displayed(touches, look.quotes[comes_in], look.universe)
        found = self.find_marketable(look.universe, np.unique(touches), self.market_clock())
        return found[~np.isin(found["id"], look.orders["id"])]
