"""The contracts that one page watches, told by the stream of the API."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

import structlog

from angel_x.errors import ApiError

if TYPE_CHECKING:
    from angel_x.client import Client
    from angel_x.domain.chains.chain_record import QuoteUpdate, WatchedContract, WatchedSpot

log = structlog.get_logger()

#: The API tells something every second.
_SILENT_SECONDS = 3.0
#: Seconds after the last look of the page in which the thread goes on.
_IDLE_SECONDS = 10.0
_PAUSE_SECONDS = 1.0


class QuoteFeed:
    """Follows contracts in a thread of its own while a page looks at it."""

    def __init__(
        self, client: Client, symbols: Collection[str], clock: Callable[[], float] = monotonic
    ) -> None:
        self.symbols = frozenset(symbols)
        #: The newest state of each contract and underlying.
        self.contracts: dict[str, WatchedContract] = {}
        self.spots: dict[str, WatchedSpot] = {}
        #: Grows with every update.
        self.updates = 0
        #: On the clock of the desk, in seconds; None before the first update.
        self.heard_at: float | None = None
        self._client = client
        self._clock = clock
        self._read_at: datetime | None = None
        self._looked_at = clock()
        self._left = Event()
        self._thread = Thread(target=self._listen, name="desk-quotes", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def leave(self) -> None:
        """End the thread with the next update; a second call does nothing."""
        self._left.set()

    def look(self) -> None:
        """Go on listening for a while."""
        self._looked_at = self._clock()

    @property
    def is_over(self) -> bool:
        """Return whether the thread has ended; it is not started again."""
        return self._left.is_set()

    @property
    def is_live(self) -> bool:
        """Return whether the stream has told something within three seconds."""
        return self.silence is not None and self.silence < _SILENT_SECONDS

    @property
    def silence(self) -> float | None:
        """Return the seconds since the last update, None before the first one."""
        return None if self.heard_at is None else max(0.0, self._clock() - self.heard_at)

    @property
    def now(self) -> datetime | None:
        """Return the time of the API, counted on since the last update."""
        if self._read_at is None or self.silence is None:
            return None
        return self._read_at + timedelta(seconds=self.silence)

    def _listen(self) -> None:
        while not self._is_idle():
            try:
                for update in self._client.quotes(self.symbols):
                    self._take(update)
                    if self._is_idle():
                        break
            except ApiError as error:
                log.info("quotes.lost", reason=str(error))
            self._left.wait(_PAUSE_SECONDS)

    def _is_idle(self) -> bool:
        if self._clock() - self._looked_at > _IDLE_SECONDS:
            self._left.set()
        return self._left.is_set()

    def _take(self, update: QuoteUpdate) -> None:
        self.contracts |= {contract.symbol: contract for contract in update.contracts}
        self.spots |= {spot.underlying: spot for spot in update.spots}
        self._read_at, self.heard_at = update.read_at, self._clock()
        self.updates += 1
