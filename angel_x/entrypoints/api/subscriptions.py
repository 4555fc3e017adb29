"""One reader of the event stream, whose events are distributed to all subscriptions.

The stream is read only while there are subscriptions.  A slow one is ended: its client reconnects
with the id of the last event that it got, and gets the missed ones.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from angel_x.domain.records.live_event import LiveEvent
from angel_x.errors import InvalidInput

log = structlog.get_logger()

#: The ``user_id`` of events for all accounts.
EVERYBODY = 0
_BLOCK_MS = 500
_PAGE = 500
_MOST_UNREAD = 1000
_PAUSE_SECONDS = 1.0
_EVENT_ID = re.compile(r"[0-9]{1,18}(-[0-9]{1,18})?")


class EventSource(Protocol):
    """The source of events; every call blocks."""

    def read(
        self, after_id: str, block_ms: int | None = None, count: int = 500
    ) -> Sequence[LiveEvent]: ...
    def last_id(self) -> str: ...


class Subscription:
    """The events of one listener, in order."""

    def __init__(self, user_id: int) -> None:
        self._addresses = frozenset({user_id, EVERYBODY})
        self._events: asyncio.Queue[LiveEvent | None] = asyncio.Queue()
        self._ended = False
        #: The id of the newest event that was checked.
        self._seen = (0, 0)

    def offer(self, event: LiveEvent) -> None:
        """Queue an event; a subscription with too many unread events is ended."""
        if self._ended or event.user_id not in self._addresses:
            return
        if self._events.qsize() >= _MOST_UNREAD:
            self.end()
        else:
            self._events.put_nowait(event)

    def end(self) -> None:
        """End the subscription and drop its unread events."""
        self._ended = True
        while not self._events.empty():
            self._events.get_nowait()
        self._events.put_nowait(None)

    async def next(self) -> LiveEvent | None:
        """Return the next new event, None once the subscription has ended."""
        while True:
            event = await self._events.get()
            if event is None or self.take(event):
                return event

    def take(self, event: LiveEvent) -> bool:
        """Return whether an event is new and for this subscription."""
        number = _number(event.id)
        is_new = number > self._seen
        self._seen = max(self._seen, number)
        return is_new and event.user_id in self._addresses


class Subscriptions:
    """All subscriptions of a process.  Belongs to one event loop."""

    def __init__(self, stream: EventSource, unreachable: tuple[type[Exception], ...] = ()) -> None:
        self._stream = stream
        #: The exceptions that mean an unavailable server.
        self._unreachable = unreachable
        self._listeners: set[Subscription] = set()
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="events")
        self._reading: asyncio.Task[None] | None = None
        self._position = "0-0"
        self._starting = asyncio.Lock()

    @asynccontextmanager
    async def open(self, user_id: int) -> AsyncIterator[Subscription]:
        """Subscribe to the events of an account, from now on."""
        subscription = Subscription(user_id)
        self._listeners.add(subscription)
        try:
            await self._start()
            yield subscription
        finally:
            self._listeners.discard(subscription)

    async def missed(self, subscription: Subscription, after_id: str) -> AsyncIterator[LiveEvent]:
        """Yield the events after ``after_id`` that are still stored."""
        loop = asyncio.get_running_loop()
        while page := await loop.run_in_executor(None, self._stream.read, after_id, None, _PAGE):
            for event in page:
                if subscription.take(event):
                    yield event
            after_id = page[-1].id

    def close(self) -> None:
        """End all subscriptions and stop reading."""
        for subscription in self._listeners:
            subscription.end()
        if self._reading is not None:
            self._reading.cancel()
        self._threads.shutdown(wait=False)

    async def _start(self) -> None:
        """Start the reader if it does not run, from the end of the stream."""
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
                events = await loop.run_in_executor(self._threads, self._next_page)
            except self._unreachable as error:
                log.warning("events.unread", error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            for event in events:
                self._position = event.id
                for subscription in tuple(self._listeners):
                    subscription.offer(event)

    def _next_page(self) -> Sequence[LiveEvent]:
        return self._stream.read(self._position, _BLOCK_MS, _PAGE)

    def _stopped(self, reading: asyncio.Task[None]) -> None:
        if reading.cancelled() or reading.exception() is None:
            return
        log.error("events.stopped", error=repr(reading.exception()))
        # Their clients reconnect, which starts the reader again.
        for subscription in self._listeners:
            subscription.end()


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


def _number(event_id: str) -> tuple[int, int]:
    time, _, sequence = event_id.partition("-")
    return int(time), int(sequence or 0)
