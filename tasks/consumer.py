"""Celery's consumer, made to drop a message that makes no sense and to go on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import Any

import structlog
from celery.worker.consumer import Consumer as CeleryConsumer

from tasks.drops import Dropped, drop

log = structlog.get_logger()

#: Seconds that task events are gathered for before they are sent to Flower.
_EVENT_DELAY = 0.5
#: Events that are sent before that, all at once.  Celery's default of 24 are those of eight tasks.
_EVENTS_AT_ONCE = 1000

#: Seconds between two attempts to reach the message broker.  Celery's own pauses grow to half a minute,
#: most of which may lie behind its return.
_RECONNECT = {"interval_start": 0.2, "interval_step": 0.2, "interval_max": 1.0}

#: The exceptions of reading a malformed message, without errors of the connection.
_SENSELESS = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


class Consumer(CeleryConsumer):
    """Drops unreadable messages, which end the worker of Celery's own consumer; sends events after tasks."""

    #: When the events that wait now will have been sent.
    _events_due = 0.0

    def ensure_connected(self, conn: Any) -> Any:  # noqa: ANN401 - kombu is untyped
        """Connect, and try again soon while the message broker is away."""
        conn.ensure_connection = partial(conn.ensure_connection, **_RECONNECT)
        return super().ensure_connected(conn)

    def on_send_event_buffered(self) -> None:
        """Send events a moment later, so that they do not delay the task that they describe."""
        now = monotonic()
        if self.hub and now >= self._events_due:
            self._events_due = now + _EVENT_DELAY
            self.event_dispatcher.buffer_limit = _EVENTS_AT_ONCE
            self.hub.call_later(_EVENT_DELAY, self._flush_events)

    def create_task_handler(self, *args: Any, **options: Any) -> Callable[[Any], None]:  # noqa: ANN401
        """Return the callback for each message; Celery's own lets a missing id end the worker."""
        handle = super().create_task_handler(*args, **options)

        def guarded(message: Any) -> None:  # noqa: ANN401 - kombu is untyped
            try:
                handle(message)
            except _SENSELESS as error:
                self._discard(message, Dropped.MALFORMED, f"{type(error).__name__}: {error}")

        return guarded

    def on_unknown_task(self, body: object, message: Any, exc: object) -> None:  # noqa: ANN401, ARG002
        self._discard(message, Dropped.UNKNOWN_TASK, "no task has this name")

    def on_unknown_message(self, body: object, message: Any) -> None:  # noqa: ANN401, ARG002
        self._discard(message, Dropped.MALFORMED, "no task is named")

    def on_invalid_task(self, body: object, message: Any, exc: object) -> None:  # noqa: ANN401, ARG002
        self._discard(message, Dropped.MALFORMED, str(exc))

    def on_decode_error(self, message: Any, exc: object) -> None:  # noqa: ANN401
        self._discard(message, Dropped.MALFORMED, str(exc))

    def _discard(self, message: Any, reason: Dropped, detail: str) -> None:  # noqa: ANN401
        headers = message.headers or {}
        drop(reason, detail=detail, task=headers.get("task"), message_id=headers.get("id"))
        if not message.acknowledged:
            message.reject_log_error(log, self.connection_errors)
