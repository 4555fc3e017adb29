"""One reader of the live events, which hands them to the subscriptions of their accounts.

The feed is read only while there are subscriptions.  A slow listener gets the newest of each state;
with too many unread events it is dropped: its client reconnects with the id of the last event that it
got, and gets the missed ones from the history of its account.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import replace
from enum import StrEnum
from time import monotonic
from typing import Protocol

import structlog

from angel_x.domain.records.live_event import (
    BEGINNING,
    EVERYBODY,
    EventPage,
    LiveEvent,
    number_of,
)
from angel_x.errors import InvalidInput

log = structlog.get_logger()

_BLOCK_MS = 500
_PAGE = 500
_MOST_UNREAD = 1000
_PAUSE_SECONDS = 1.0
#: Time for which an account is watched, and after which its watch is extended.
_WATCH_SECONDS = 15.0
_EXTEND_SECONDS = 5.0
_EVENT_ID = re.compile(r"[0-9]{1,18}(-[0-9]{1,18})?")


class Drop(StrEnum):
    """The reasons for which a listener is dropped."""

    SLOW_READER = "slow_reader"
    """Too many events were unread."""

    EVENTS_LOST = "events_lost"
    """The reader of this process was late, or the cache was emptied."""

    READER_FAILED = "reader_failed"


class EventSource(Protocol):
    """The source of events; every call blocks."""

    def read(self, after_id: str, block_ms: int, count: int = 500) -> EventPage: ...
    def last_id(self) -> str: ...
    def position(self, user_id: int) -> str: ...
    def history(self, user_id: int, after_id: str, count: int = 500) -> EventPage: ...
    def watch(self, user_ids: Collection[int], seconds: float) -> None: ...


class Subscription:
    """The events of one listener, in order."""

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        #: Why it was dropped.
        self.drop: Drop | None = None
        self._unread: deque[LiveEvent] = deque()
        self._states: dict[str, LiveEvent] = {}
        self._changed = asyncio.Event()
        self._ended = False
        #: The id of the newest event that was taken.
        self._seen = (0, 0)

    def offer(self, event: LiveEvent) -> bool:
        """Queue an event, a state in place of the one before; return False if too many are unread."""
        if self._ended:
            return True
        if event.is_state:
            self._states[event.kind] = event
        elif len(self._unread) < _MOST_UNREAD:
            self._unread.append(event)
        else:
            return False
        self._changed.set()
        return True

    def wake(self) -> None:
        """End the wait for events, for the sake of another source."""
        self._changed.set()

    def end(self, drop: Drop | None = None) -> None:
        """End the subscription and drop its unread events; a second call does nothing."""
        if not self._ended:
            self._ended, self.drop = True, drop
            self._unread.clear()
            self._states.clear()
            self._changed.set()

    async def next(self, seconds: float) -> list[LiveEvent] | None:
        """Return all new events, states last; an empty list after some seconds; None after the end."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return []
        if self._ended:
            return None
        self._changed.clear()
        events = [event for event in self._unread if self.take(event)] + [*self._states.values()]
        self._unread.clear()
        self._states.clear()
        return events

    def take(self, event: LiveEvent) -> bool:
        """Return whether an event is new to this listener."""
        number = number_of(event.id)
        is_new = number > self._seen
        self._seen = max(self._seen, number)
        return is_new


class Subscriptions:
    """All subscriptions of a process.  Belongs to one event loop."""

    def __init__(
        self,
        stream: EventSource,
        unreachable: tuple[type[Exception], ...] = (),
        *,
        on_drop: Callable[[Drop], None],
    ) -> None:
        self._stream = stream
        #: The exceptions that mean an unavailable server.
        self._unreachable = unreachable
        self._on_drop = on_drop
        self._listeners: dict[int, set[Subscription]] = {}
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._reading: asyncio.Task[None] | None = None
        self._position = BEGINNING
        self._extended_at = 0.0
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def open(self, user_id: int) -> AsyncIterator[Subscription]:
        """Subscribe to the events of an account, from now on."""
        subscription = Subscription(user_id)
        self._listeners.setdefault(user_id, set()).add(subscription)
        try:
            await self._start()
            await asyncio.to_thread(self._stream.watch, [user_id], _WATCH_SECONDS)
            yield subscription
        finally:
            self._leave(subscription)

    async def position(self, subscription: Subscription) -> str:
        """Return the id after which a listener resumes that has got no event yet."""
        return await asyncio.to_thread(self._stream.position, subscription.user_id)

    async def missed(self, subscription: Subscription, after_id: str) -> AsyncIterator[EventPage]:
        """Yield pages of the events after ``after_id`` that are still held, and an incomplete one."""
        while True:
            page = await asyncio.to_thread(self._held, subscription.user_id, after_id)
            taken = [event for event in page.events if subscription.take(event)]
            if taken or not page.is_complete:
                yield EventPage(page.is_complete, taken)
            if not page.events:
                return
            after_id = page.events[-1].id

    def _held(self, user_id: int, after_id: str) -> EventPage:
        page = self._stream.history(user_id, after_id, _PAGE)
        if page.is_complete or page.events or after_id == BEGINNING:
            return page
        # An id of the future, as after a wipe and a step of the clock: all that is held came later.
        return replace(self._stream.history(user_id, BEGINNING, _PAGE), is_complete=False)

    def close(self) -> None:
        """End all subscriptions and stop reading."""
        for subscription in self._all():
            subscription.end()
        if self._reading is not None:
            self._reading.cancel()
        self._threads.shutdown(wait=False)

    def _leave(self, subscription: Subscription) -> None:
        of_account = self._listeners[subscription.user_id]
        of_account.discard(subscription)
        if not of_account:
            del self._listeners[subscription.user_id]

    async def _start(self) -> None:
        """Start the reader if it does not run, from the end of the feed."""
        async with self._starting:
            if self._reading is None or self._reading.done():
                loop = asyncio.get_running_loop()
                self._position = await loop.run_in_executor(self._threads, self._stream.last_id)
                self._reading = asyncio.create_task(self._read_on())
                self._reading.add_done_callback(self._stopped)

    async def _read_on(self) -> None:
        loop = asyncio.get_running_loop()
        while self._listeners:
            try:
                page = await loop.run_in_executor(self._threads, self._next_page, self._to_extend())
            except self._unreachable as error:
                log.warning("events.unread", error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            if not page.is_complete:
                log.warning("events.lost", after=self._position)
                self._drop_all(Drop.EVENTS_LOST)
            self._distribute(page.events)

    def _to_extend(self) -> list[int]:
        """Return the accounts whose watch is due to be extended."""
        if monotonic() - self._extended_at < _EXTEND_SECONDS:
            return []
        self._extended_at = monotonic()
        return list(self._listeners)

    def _next_page(self, watched: Collection[int]) -> EventPage:
        self._stream.watch(watched, _WATCH_SECONDS)
        page = self._stream.read(self._position, _BLOCK_MS, _PAGE)
        if not page.is_complete and not page.events:
            self._position = self._stream.last_id()
        return page

    def _distribute(self, events: Iterable[LiveEvent]) -> None:
        for event in events:
            self._position = event.id
            for subscription in self._of(event.user_id):
                if not subscription.offer(event):
                    self._drop(subscription, Drop.SLOW_READER)

    def _of(self, user_id: int) -> list[Subscription]:
        if user_id == EVERYBODY:
            return self._all()
        return list(self._listeners.get(user_id, ()))

    def _all(self) -> list[Subscription]:
        return [subscription for group in self._listeners.values() for subscription in group]

    def _drop(self, subscription: Subscription, reason: Drop) -> None:
        log.warning("stream.dropped", user_id=subscription.user_id, reason=reason.value)
        self._on_drop(reason)
        subscription.end(reason)

    def _drop_all(self, reason: Drop) -> None:
        for subscription in self._all():
            self._drop(subscription, reason)

    def _stopped(self, reading: asyncio.Task[None]) -> None:
        if reading.cancelled() or reading.exception() is None:
            return
        log.error("events.stopped", error=repr(reading.exception()))
        # Their clients reconnect, which starts the reader again.
        self._drop_all(Drop.READER_FAILED)


def check_event_id(text: str) -> str:
    """Return the ``Last-Event-ID`` of a client.

    Raises:
        InvalidInput: It is not the id of an event.
    """
    if _EVENT_ID.fullmatch(text) is None:
        raise InvalidInput(
            f"Last-Event-ID must be the id of an event, was {text[:80]}",
            field="Last-Event-ID",
            value=text[:80],
        )
    return text
