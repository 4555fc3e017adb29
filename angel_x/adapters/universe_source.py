"""The current universe, kept in memory and looked up again when another one is published."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import structlog

from angel_x.domain.universe import Universe

if TYPE_CHECKING:
    from angel_x.domain.contract import Contract

log = structlog.get_logger()

_PATIENCE = timedelta(seconds=1)


class Pointer(Protocol):
    """Where the version of the current universe is published."""

    def get(self) -> str | None:
        """Return the published version, None where nothing is published."""


class Store(Protocol):
    """Where the contracts of the current universe are."""

    def load(self) -> Iterable[Contract]:
        """Return the listed contracts."""


class PublishedUniverse:
    """Follows the published version; the contracts come from the store.  Threads may share it.

    The version is asked for at most once a second.  While nothing is published, or the answer does
    not come, the universe stays what it was; the first one is loaded in any case.
    """

    def __init__(
        self,
        pointer: Pointer,
        store: Store,
        clock: Callable[[], datetime],
        outages: tuple[type[Exception], ...] = (),
    ) -> None:
        self._pointer = pointer
        self._store = store
        self._clock = clock
        self._outages = outages
        self._lock = Lock()
        self._universe: Universe | None = None
        self._followed: str | None = None
        self._asked_at = datetime.min.replace(tzinfo=UTC)
        self._unknown: str | None = None

    def current(self) -> Universe:
        """Return the newest universe."""
        with self._lock:
            return self._current()

    def version(self, version: str) -> Universe | None:
        """Return the universe of that version if it is the current one, reloading once."""
        with self._lock:
            universe = self._current()
            # Asking again for what is not there must not read the table every time.
            if version not in (universe.version, self._unknown):
                universe = self._load()
                self._unknown = None if universe.version == version else version
            return universe if universe.version == version else None

    def _current(self) -> Universe:
        now = self._clock()
        if self._universe is None:
            self._asked_at, self._followed = now, self._published()
            return self._load()
        if not timedelta() <= now - self._asked_at < _PATIENCE:
            self._asked_at = now
            self._follow()
        return self._universe

    def _follow(self) -> None:
        published = self._published()
        # The published version is compared with the one followed, not with that of the contracts:
        # two loads at once may publish in the other order, and one look at the store settles it.
        if published is None or published == self._followed:
            return
        try:
            self._load()
        except self._outages as error:
            log.warning("universe.unreadable", error=str(error))
        else:
            self._followed, self._unknown = published, None

    def _published(self) -> str | None:
        try:
            return self._pointer.get()
        except self._outages as error:
            log.warning("universe.unreachable", error=str(error))
            return self._followed

    def _load(self) -> Universe:
        universe = Universe(self._store.load())
        if self._universe is None or universe.version != self._universe.version:
            log.info("universe.loaded", version=universe.version, contracts=len(universe))
        self._universe = universe
        return universe
