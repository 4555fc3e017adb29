"""The resting orders that the market has reached, page by page."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from angel_x.domain.exchange.ladders import cut, ladders_of, market_levels, start_of
from angel_x.domain.quotes.liquidity import LiquidityBoard, displayed
from angel_x.services.trading.market_watch import MarketSight, MarketWatch
from angel_x.services.trading.match_requests import RestingContracts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe

#: Orders of one page, and so of one transaction.
_PAGE = 250
#: Naming more contracts than this costs the database more than a look at all ladders.
_MOST_NAMED = 1_000
_UNLIMITED = np.iinfo(np.int64).max


class RestingOrders(Protocol):
    """The ladders of the orders that rest."""

    def best(self, universe: Universe, ladders: NDArray[np.void] | None) -> NDArray[np.void]:
        """Return the ladders that have an order up to their level, with the level of their first order.

        None stands for all ladders with orders, also those of contracts that are not listed.
        """

    def page(
        self,
        universe: Universe,
        ladders: NDArray[np.void],
        after: NDArray[np.void],
        each: int,
    ) -> NDArray[np.void]:
        """Return the first orders of each ladder up to its level, at most ``each``, as RUNGs by rank.

        ``after`` has one PLACE a ladder; orders at it or before it are left out.
        """


@dataclass(frozen=True, slots=True)
class Reached:
    """A look at the market and the ladders that it has reached, each with the level of the market."""

    sight: MarketSight
    ladders: NDArray[np.void]
    search_seconds: float


class ReachedOrders:
    """Finds ladders that the market has reached, and walks them as far as displayed sizes last."""

    def __init__(
        self,
        *,
        watch: MarketWatch,
        orders: RestingOrders,
        resting: RestingContracts,
        liquidity: LiquidityBoard,
        monotonic: Callable[[], float],
    ) -> None:
        self._watch = watch
        self._orders = orders
        self._resting = resting
        self._liquidity = liquidity
        self._monotonic = monotonic

    def look(self) -> Reached:
        """Look at the contracts that moved since the last :meth:`noted <note>` look."""
        sight, started = self._watch.look(), self._monotonic()
        best = self._best(sight)
        seconds = self._monotonic() - started
        if sight.moved is None:
            symbols = [sight.universe.symbol(row) for row in np.unique(best["row"]).tolist()]
            self._resting.note(symbols)
        best = best[sight.is_fresh[best["row"]]]
        levels = market_levels(best, sight.quotes[best["row"]])
        is_reached = best["level"] <= levels
        ladders = best[is_reached]
        ladders["level"] = levels[is_reached]
        return Reached(sight, ladders, seconds)

    def note(self, reached: Reached) -> None:
        """Note a look once its orders are matched; otherwise the same contracts count as moved again."""
        self._watch.note(reached.sight, reached.search_seconds)

    def _best(self, sight: MarketSight) -> NDArray[np.void]:
        """Return ladders of moved contracts, all that may be reached, with the level of their first order."""
        moved = sight.moved
        if moved is not None and len(moved) <= _MOST_NAMED:
            rows = moved[sight.is_fresh[moved]]
            named = ladders_of(rows, sight.quotes[rows])
            return self._orders.best(sight.universe, named) if len(named) else named
        best = self._orders.best(sight.universe, None)
        is_wanted = best["row"] >= 0
        if moved is not None:
            is_wanted &= np.isin(best["row"], moved)
        return best[is_wanted]

    def pages(self, reached: Reached) -> Iterator[list[int]]:
        """Yield the orders of reached ladders, best first, until each ladder or its quote is used up.

        The units that are left of a quote are read before each page, so they have to be taken between
        two pages.  An order that does not trade is passed and holds up none behind it.
        """
        sight, ladders = reached.sight, reached.ladders
        waiting, after = deque(range(len(ladders))), start_of(len(ladders))
        while waiting:
            turn = np.array([waiting.popleft() for _ in range(min(_PAGE, len(waiting)))])
            room = self._room(sight, ladders[turn])
            turn, room = turn[room > 0], room[room > 0]
            if not len(turn):
                continue
            each = _PAGE // len(turn)
            rungs = self._orders.page(sight.universe, ladders[turn], after[turn], each)
            kept = rungs[cut(rungs, room)]
            if not len(kept):
                continue
            # Of the assignments to one ladder the last one stays.
            after[turn[kept["ladder"]]] = kept[["level", "time_priority"]]
            found, used = (np.bincount(r["ladder"], minlength=len(turn)) for r in (rungs, kept))
            waiting.extend(turn[(found == each) | (used < found)].tolist())
            yield kept["id"].tolist()

    def _room(self, sight: MarketSight, ladders: NDArray[np.void]) -> NDArray[np.int64]:
        """Return the units that each ladder may still trade; stops are triggered without a limit."""
        room = np.full(len(ladders), _UNLIMITED, np.int64)
        trades = ~ladders["is_stopped"]
        if trades.any():
            rows, is_buy = ladders["row"][trades], ladders["is_buy"][trades]
            claims = displayed(rows, is_buy, sight.quotes[rows], sight.universe)
            room[trades] = self._liquidity.left(sight.universe, claims)
        return room
