"""Shadow mode: paper twins beside live orders, with connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic, sleep
from typing import TYPE_CHECKING

import numpy as np

from angel_x.adapters.postgres.paper_twins import PostgresTwins
from angel_x.adapters.redis.liquidity import RedisLiquidity
from angel_x.adapters.work_thread import WorkThread
from angel_x.bootstrap.foundation import Foundation, spare_engine
from angel_x.bootstrap.market import MarketParts
from angel_x.bootstrap.paper import paper_market
from angel_x.domain.exchange.matching import ORDER
from angel_x.services.trading.paper_twins import PaperTwins
from angel_x.services.trading.shadow import Shadow

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Requests that wait; the broker lets in nine a second.
_MOST = 1_000
#: Seconds that the end of a process waits for twins.
_CLOSING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ShadowParts:
    """The shadow, and the end of its connections."""

    shadow: Shadow
    close: Callable[[], None]


def build_shadow(base: Foundation, market: MarketParts) -> ShadowParts | None:
    """Put shadow mode together, None where it is off.

    Twins compete for displayed size among themselves: their board is their own.
    """
    if not base.settings.shadow:
        return None
    # Twins never take a connection from orders.
    engine = spare_engine(base.settings, base.role, base.meter)
    board = RedisLiquidity(
        base.cache, ttl_seconds=base.settings.cache_ttl_market_data, room="ax:shadow-taken"
    )
    thread = WorkThread("shadow", most=_MOST)

    def close() -> None:
        thread.close(_CLOSING_SECONDS)
        engine.dispose()

    twins = PaperTwins(
        store=PostgresTwins(engine),
        market=paper_market(base, market, board, _none_beside),
        clock=base.clock,
        market_clock=base.market_clock,
    )
    shadow = Shadow(twins, hand_over=thread.put, meter=base.meter, monotonic=monotonic, sleep=sleep)
    return ShadowParts(shadow, close)


def _none_beside(*_: object) -> NDArray[np.void]:
    """Return no order: resting twins of a contract are decided in the batch of those that come in."""
    return np.empty(0, ORDER)
