"""The risk parameter file in force, and its changes by operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from angel_x.domain.calendar.session import IST
from angel_x.domain.margin.risk_file import RiskFile, RiskFileRecord
from angel_x.services.ports import Clock

if TYPE_CHECKING:
    from angel_x.domain.calendar.session import TradingCalendar


class RiskFileStore(Protocol):
    """The store of risk files; the newest one is in force."""

    def newest(self) -> int: ...
    def get(self, number: int) -> RiskFile | None: ...
    def record(self) -> RiskFileRecord | None: ...
    def put(self, file: RiskFile, actor: str) -> None: ...
    def drop(self, actor: str) -> None: ...


@dataclass(frozen=True, slots=True)
class RiskFileStatus:
    """The file in force, and whether margin is known from it today."""

    file: str
    day: date
    contracts: int
    #: False for an outdated file: no margin is known from it.
    counts: bool


@dataclass(slots=True, kw_only=True)
class RiskFiles:
    """Reads the file in force, at most every ``keep_seconds``, and changes it."""

    store: RiskFileStore
    calendar: TradingCalendar
    market_clock: Clock
    monotonic: Callable[[], float]
    keep_seconds: float
    _number: int = field(default=0, init=False)
    _file: RiskFile | None = field(default=None, init=False)
    _until: float = field(default=0.0, init=False)
    #: Held while the store is read; other threads use the file that is known.
    _reading: Lock = field(default_factory=Lock, init=False)

    def current(self) -> RiskFile | None:
        """Return the file in force, None where margin comes from published risk arrays."""
        now = self.monotonic()
        # Nothing is known before the first read.
        if now >= self._until and self._reading.acquire(blocking=self._until == 0):
            try:
                if now >= self._until:
                    self._follow()
                    self._until = now + self.keep_seconds
            finally:
                self._reading.release()
        return self._file

    def _follow(self) -> None:
        number = self.store.newest()
        if number != self._number:
            self._file, self._number = self.store.get(number), number

    def counts(self, day: date, today: date) -> bool:
        """Return whether a file of a day counts today: on its day and on the next trading day."""
        eve = today - timedelta(days=1)
        return day <= today and self.calendar.trading_day_on_or_before(eve) <= day

    def load(self, file: RiskFile, actor: str) -> RiskFileStatus:
        """Bring a file into force; processes follow within ``keep_seconds``."""
        self.store.put(file, actor)
        self._until = 0.0
        return self._status(file.name, file.day, len(file.symbols))

    def drop(self, actor: str) -> None:
        """Let margin come from published risk arrays again.  A second call changes nothing."""
        if self.status() is not None:
            self.store.drop(actor)
            self._until = 0.0

    def status(self) -> RiskFileStatus | None:
        """Return the file in force, None without one."""
        record = self.store.record()
        if record is None or record.day is None:
            return None
        return self._status(record.name, record.day, record.contracts)

    def _status(self, name: str, day: date, contracts: int) -> RiskFileStatus:
        today = self.market_clock().astimezone(IST).date()
        return RiskFileStatus(name, day, contracts, self.counts(day, today))
