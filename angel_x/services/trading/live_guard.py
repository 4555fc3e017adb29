"""The guard of live trading: the last condition before an order goes to the exchange.

It answers from records that are at most half a second old.  Where they cannot be read, nothing passes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

from angel_x.domain.exchange.live_trading import LiveRecords, LiveTerms, refusal
from angel_x.domain.orders.denial import DenialReason
from angel_x.services.ports import Clock

#: Returns the newest records, with the ids of accounts by these names.
ReadRecords = Callable[[Sequence[str]], LiveRecords]

_KEEP_SECONDS = 0.5


@dataclass(slots=True, kw_only=True)
class LiveGuard:
    """Refuses orders of accounts that do not trade live, and all while a condition lacks."""

    terms: LiveTerms
    read: ReadRecords
    clock: Clock
    monotonic: Callable[[], float]
    _records: LiveRecords | None = field(default=None, init=False)
    _until: float = field(default=0.0, init=False)
    _reading: Lock = field(default_factory=Lock, init=False)

    def refusal(self, user_id: int) -> DenialReason | None:
        """Return the reason for which no order of an account may go to the exchange, else None."""
        return refusal(self._current(), self.terms, self.clock(), user_id)

    def _current(self) -> LiveRecords:
        with self._reading:
            now = self.monotonic()
            if self._records is None or now >= self._until:
                self._records = None
                self._records = self.read(self.terms.users)
                self._until = now + _KEEP_SECONDS
            return self._records
