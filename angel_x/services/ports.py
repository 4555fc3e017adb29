"""The ports that several services share; adapters implement them structurally."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from angel_x.domain.contracts.universe import Universe
    from angel_x.domain.operations.metric import Metric
    from angel_x.domain.orders.order import Priority
    from angel_x.domain.quotes.quote import MarketQuotes

#: Returns an aware UTC time.  There are two clocks: the wall clock, and the market clock, which
#: follows the feed.
Clock = Callable[[], datetime]


class QuoteBoard(Protocol):
    """The latest quotes, by row of the universe.  An absent or expired quote is all zeros."""

    def write(self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> None:
        """Write one quote for each row, in one round trip."""

    def write_spots(
        self,
        universe: Universe,
        spots: NDArray[np.void],
        futures: NDArray[np.void] | None = None,
    ) -> None:
        """Write the quote of every underlying, in the order of ``universe.underlyings``.

        ``futures`` has one quote for each chain, in the order of ``universe.chains``; None leaves
        the stored ones.
        """

    def read(self, universe: Universe) -> NDArray[np.void]:
        """Return the quotes of the whole universe."""

    def read_rows(self, universe: Universe, rows: NDArray[np.int64]) -> NDArray[np.void]:
        """Return one quote for each of ``rows``, which may repeat."""

    def read_rows_and_spots(
        self, universe: Universe, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.void], NDArray[np.void]]:
        """Return the quotes of ``rows`` and of the underlyings, in one round trip."""

    def read_market(self, universe: Universe, rows: NDArray[np.int64]) -> MarketQuotes:
        """Return the quotes of ``rows``, the underlyings and the futures, in one round trip."""

    def spots(self, universe: Universe) -> NDArray[np.void]:
        """Return the quotes of the underlyings."""


class UniverseSource(Protocol):
    """The current universe, reloaded when it changes."""

    def current(self) -> Universe:
        """Return the current universe; a change is noticed within a second."""

    def refreshed(self) -> Universe:
        """Return the universe that is current now."""

    def version(self, version: str) -> Universe | None:
        """Return the universe of a version if it is current; reload once before returning None."""


class Dispatcher(Protocol):
    """Sends messages.  A message is a doorbell: a lost one costs time, never an order."""

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        """Ring for orders that wait for a decision; return False if the message broker refused it.

        ``exactly`` asks for a decision of these orders only, not of others that wait in the lane.
        """

    def match(self) -> bool:
        """Ask for a match of the resting orders."""

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        """Ask for the next step of a workflow."""

    def cancel_all(self) -> bool:
        """Ask for the cancellation of all orders that the trading states do not allow."""

    def update_portfolios(self, user_ids: Collection[int]) -> bool:
        """Ask for the valuation of accounts."""

    def value_soon(self, user_ids: Collection[int]) -> bool:
        """Ask for these accounts to be valued, in one message with those of the next moment."""

    def compute_greeks(
        self,
        version: str,
        chunks: Sequence[tuple[int, int]],
        as_of: datetime,
        expires_seconds: float,
    ) -> int:
        """Ask for the pricing of each chunk ``(start, stop)``; return the number of sent messages."""


#: Appends events, each with ``user_id`` and ``kind``, to the live stream that the API serves, in one round
#: trip.  The stream can be lost without loss of stored state.
Publish = Callable[[Sequence[Mapping[str, object]]], object]


class Meter(Protocol):
    """Counts and times."""

    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None:
        """Add to a counter."""

    def observe(self, metric: Metric, value: float, **labels: str) -> None:
        """Record one value of a histogram."""

    def set(self, metric: Metric, value: float, **labels: str) -> None:
        """Set a gauge."""
