"""One reader of the watched contracts, for all listeners of a process.

Listeners of the same contracts are a group.  A group keeps the newest text of each contract in the
order of its changes, so a listener gets what has changed since its last update, and a slow one the
newest state of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from time import monotonic
from typing import Protocol

import msgspec
import structlog

from angel_x.domain.chains.chain_record import WatchedContract, WatchedSpot
from angel_x.domain.contracts.contract import underlying_of
from angel_x.entrypoints.api.subscriptions import Drop
from angel_x.services.pricing.watched_contracts import Moved

log = structlog.get_logger()

#: Seconds between two readings, and so between two updates of one listener.
_INTERVAL_SECONDS = 0.25
#: A listener gets an update after this time even if nothing has moved.
_QUIET_SECONDS = 1.0
_PAUSE_SECONDS = 1.0


class MovedContracts(Protocol):
    """The source of quotes; it blocks."""

    def read(self, symbols: frozenset[str]) -> Moved: ...


class Listener(Protocol):
    """Waits for updates."""

    def wake(self) -> None: ...
    def end(self, drop: Drop | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class _Text:
    """A contract or an underlying as JSON."""

    content: bytes
    is_spot: bool


class _Group:
    """The listeners of the same contracts."""

    def __init__(self, symbols: frozenset[str]) -> None:
        self.symbols = symbols
        self.names = symbols | {underlying_of(symbol) for symbol in symbols}
        self.listeners: set[Listener] = set()
        #: The number of its last update.
        self.edition = 0
        self._told_at = 0.0
        self._read_at: datetime | None = None
        #: Number and text of the last change of each name, the oldest change first.
        self._changes: dict[str, tuple[int, _Text]] = {}
        #: The updates of this edition, by the edition after which they tell.
        self._updates: dict[int, bytes] = {}

    def change(self, name: str, edition: int, text: _Text) -> None:
        self._changes.pop(name, None)
        self._changes[name] = (edition, text)

    def tell(self, edition: int, read_at: datetime, *, has_moved: bool) -> None:
        """Wake the listeners if something has moved, or if they were told nothing for a while."""
        now = monotonic()
        if not has_moved and now - self._told_at < _QUIET_SECONDS:
            return
        self.edition, self._read_at, self._told_at = edition, read_at, now
        self._updates.clear()
        for listener in self.listeners:
            listener.wake()

    def update(self, after: int) -> bytes:
        """Return the changes after an edition, as JSON of :class:`QuoteUpdate`."""
        if after not in self._updates:
            changes = list(takewhile(lambda kept: kept[0] > after, self._newest_first()))
            self._updates[after] = _joined(self._read_at, [text for _, text in changes])
        return self._updates[after]

    def _newest_first(self) -> Iterator[tuple[int, _Text]]:
        return (self._changes[name] for name in reversed(self._changes))


@dataclass(slots=True)
class QuoteWatch:
    """The place of one listener in the updates of its group."""

    _group: _Group
    _edition: int = 0

    def take(self) -> bytes | None:
        """Return what has changed since the last update, None while there is no new one."""
        if self._edition == self._group.edition:
            return None
        update = self._group.update(self._edition)
        self._edition = self._group.edition
        return update


class QuoteWatches:
    """All watches of a process.  Belongs to one event loop."""

    def __init__(
        self, contracts: MovedContracts, unreachable: tuple[type[Exception], ...] = ()
    ) -> None:
        self._contracts = contracts
        #: The exceptions that mean an unavailable server.
        self._unreachable = unreachable
        self._groups: dict[frozenset[str], _Group] = {}
        #: The groups of each contract and underlying.
        self._of_name: dict[str, set[_Group]] = {}
        #: The newest text of every name of the last reading.
        self._texts: dict[str, _Text] = {}
        #: All watched contracts; None after a group came or left.
        self._symbols: frozenset[str] | None = None
        self._edition = 0
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="quotes")
        self._reading: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def open(self, symbols: Collection[str], listener: Listener) -> AsyncIterator[QuoteWatch]:
        """Watch contracts until the block ends; without symbols there is never an update."""
        wanted = frozenset(symbols)
        group = self._groups.get(wanted) or _Group(wanted)
        if wanted:
            self._enter(group, listener)
        try:
            yield QuoteWatch(group)
        finally:
            self._leave(group, listener)

    def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
        self._threads.shutdown(wait=False)

    def _enter(self, group: _Group, listener: Listener) -> None:
        group.listeners.add(listener)
        if group.symbols not in self._groups:
            self._groups[group.symbols] = group
            self._symbols = None
            for name in group.names:
                self._of_name.setdefault(name, set()).add(group)
                if name in self._texts:
                    group.change(name, self._edition + 1, self._texts[name])
        elif group.edition:
            listener.wake()
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_on())
            self._reading.add_done_callback(self._stopped)

    def _leave(self, group: _Group, listener: Listener) -> None:
        group.listeners.discard(listener)
        if not group.listeners and self._groups.get(group.symbols) is group:
            del self._groups[group.symbols]
            self._symbols = None
            for name in group.names:
                self._of_name[name].discard(group)
                if not self._of_name[name]:
                    del self._of_name[name]

    async def _read_on(self) -> None:
        loop = asyncio.get_running_loop()
        while self._groups:
            began, groups = monotonic(), list(self._groups.values())
            try:
                found = await loop.run_in_executor(self._threads, self._read, self._all_symbols())
            except self._unreachable as error:
                log.warning("quotes.unread", error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            self._distribute(found, groups)
            await asyncio.sleep(max(0.0, began + _INTERVAL_SECONDS - monotonic()))

    def _all_symbols(self) -> frozenset[str]:
        if self._symbols is None:
            self._symbols = frozenset().union(*self._groups)
            # The next reading has everything again that is not among the texts.
            names = self._symbols.union(map(underlying_of, self._symbols))
            self._texts = {name: text for name, text in self._texts.items() if name in names}
        return self._symbols

    def _read(self, symbols: frozenset[str]) -> _Found:
        moved = self._contracts.read(symbols)
        texts = {each.symbol: _text(each) for each in moved.contracts}
        return _Found(moved.read_at, texts | {each.underlying: _text(each) for each in moved.spots})

    def _distribute(self, found: _Found, groups: list[_Group]) -> None:
        """Tell what has moved to the groups whose contracts were read."""
        self._edition += 1
        self._texts |= found.texts
        touched: set[_Group] = set()
        for name, text in found.texts.items():
            for group in self._of_name.get(name, ()):
                group.change(name, self._edition, text)
                touched.add(group)
        for group in groups:
            group.tell(self._edition, found.read_at, has_moved=group in touched)

    def _stopped(self, reading: asyncio.Task[None]) -> None:
        if reading.cancelled() or reading.exception() is None:
            return
        log.error("quotes.stopped", error=repr(reading.exception()))
        # Their clients reconnect, which starts the reader again.
        for group in list(self._groups.values()):
            for listener in list(group.listeners):
                listener.end(Drop.READER_FAILED)


@dataclass(frozen=True, slots=True)
class _Found:
    """One reading."""

    read_at: datetime
    #: The names that have moved, each a symbol or an underlying.
    texts: dict[str, _Text]


def _text(moved: WatchedContract | WatchedSpot) -> _Text:
    return _Text(msgspec.json.encode(moved), isinstance(moved, WatchedSpot))


def _joined(read_at: datetime | None, texts: list[_Text]) -> bytes:
    """Return an update that is put together from parts that are encoded already."""
    contracts = b",".join(text.content for text in texts if not text.is_spot)
    spots = b",".join(text.content for text in texts if text.is_spot)
    parts = (msgspec.json.encode(read_at), contracts, spots)
    return b'{"read_at":%b,"contracts":[%b],"spots":[%b]}' % parts
