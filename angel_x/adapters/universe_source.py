"""The current universe, cached in memory and loaded again when another version is published."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from angel_x.domain.contracts.universe import Universe

log = structlog.get_logger()

_PATIENCE = timedelta(seconds=1)


class PublishedUniverse:
    """Follows the published version; the contracts come from the store.  Threads may share it.

    The version is read at most once a second.  While none is published or the pointer is unavailable,
    the universe stays unchanged; the first one is loaded in any case.  While one thread loads another
    universe, the others use the present one.

    An operation must read the universe once and use it to its end: rows of one universe are invalid
    in another.
    """

    def __init__(
        self,
        read_version: Callable[[], str | None],
        load: Callable[[], Universe],
        clock: Callable[[], datetime],
        outages: tuple[type[Exception], ...] = (),
    ) -> None:
        #: Returns the published version, None where nothing is published.
        self._read_version = read_version
        #: Returns the listed contracts.
        self._load_listed = load
        self._clock = clock
        self._outages = outages
        #: Held while the pointer or the store is read.
        self._lock = Lock()
        self._universe: Universe | None = None
        self._previous: Universe | None = None
        self._followed: str | None = None
        self._asked_at = datetime.min.replace(tzinfo=UTC)
        self._unknown: str | None = None

    def current(self) -> Universe:
        universe = self._universe
        if universe is None:
            return self._first()
        if not self._is_due() or not self._lock.acquire(blocking=False):
            return universe
        try:
            if self._is_due():
                self._follow()
            return self._universe or universe
        finally:
            self._lock.release()

    def refreshed(self) -> Universe:
        """Return the universe that is published now, without the patience of :meth:`current`."""
        if self._universe is None:
            return self._first()
        with self._lock:
            self._follow()
            return self._universe

    def version(self, version: str) -> Universe | None:
        """Return the universe of a version if it is the current one, after one reload, or the previous.

        So a chunk that was dispatched before the universe changed is still priced, for readers of
        the previous version; its results are published under that version.
        """
        self.current()
        if (known := self._known(version)) is not None:
            return known
        with self._lock:
            # An unknown version that is requested repeatedly must not reload the table every time.
            if self._known(version) is None and version != self._unknown:
                self._load()
                self._unknown = None if self._known(version) else version
            return self._known(version)

    def _known(self, version: str) -> Universe | None:
        held = (self._universe, self._previous)
        return next((u for u in held if u is not None and u.version == version), None)

    def _first(self) -> Universe:
        with self._lock:
            if self._universe is not None:
                return self._universe
            self._asked_at, self._followed = self._clock(), self._published()
            return self._load()

    def _is_due(self) -> bool:
        return not timedelta() <= self._clock() - self._asked_at < _PATIENCE

    def _follow(self) -> None:
        self._asked_at = self._clock()
        published = self._published()
        # The published version is compared with the one followed, not with that of the contracts:
        # two concurrent loads may publish in the other order; one load of the store resolves that.
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
            return self._read_version()
        except self._outages as error:
            log.warning("universe.unreachable", error=str(error))
            return self._followed

    def _load(self) -> Universe:
        universe, before = self._load_listed(), self._universe
        if before is None or universe.version != before.version:
            log.info("universe.loaded", version=universe.version, contracts=len(universe))
            self._universe, self._previous = universe, before
        return self._universe or universe
