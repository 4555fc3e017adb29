"""The task events that a worker sends to Flower: of a frequent task one run a second, and each failure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from time import monotonic
from typing import Any

from celery.app.events import Events as CeleryEvents
from celery.events import EventDispatcher

from config.task_names import TaskName

#: Tasks that run with the market, several times a second.  Flower keeps a bounded number of tasks, in which
#: those of orders would not last.
FREQUENT = frozenset({TaskName.MATCH_ORDERS.value})
#: Seconds between two runs of a frequent task that are shown.
_SECONDS = 1.0
#: Runs that are hidden and have not ended, at most: a worker that loses its connection forgets some.
_HIDDEN = 1000

#: An event: its type and its fields.
_Event = tuple[str, Mapping[str, Any]]


class Sample:
    """The choice of events; events of other tasks pass."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._shown: dict[str, float] = {}
        #: Fields of the first event of each hidden run, by message id.
        self._hidden: dict[str, Mapping[str, Any]] = {}

    def passing(self, kind: str, fields: Mapping[str, Any]) -> Iterator[_Event]:
        """Yield the events to send for an event; a failure brings the event that names its task."""
        message = fields.get("uuid", "")
        if kind == "task-received" and not self._is_shown(fields.get("name", "")):
            self._hide(message, fields)
        elif message not in self._hidden:
            yield kind, fields
        elif kind == "task-succeeded":
            del self._hidden[message]
        elif kind != "task-started":
            yield "task-received", self._hidden.pop(message)
            yield kind, fields

    def _is_shown(self, name: str) -> bool:
        if name not in FREQUENT:
            return True
        now = self._clock()
        if now < self._shown.get(name, now):
            return False
        self._shown[name] = now + _SECONDS
        return True

    def _hide(self, message: str, fields: Mapping[str, Any]) -> None:
        self._hidden[message] = fields
        while len(self._hidden) > _HIDDEN:
            del self._hidden[next(iter(self._hidden))]


class Dispatcher(EventDispatcher):
    """Sends the events that the sample lets pass."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - Celery is untyped
        self._sample = Sample()
        super().__init__(*args, **options)

    def send(self, type: str, blind: bool = False, **fields: Any) -> None:  # noqa: A002, ANN401, FBT001, FBT002
        """Send an event, unless its run is hidden."""
        for kind, chosen in self._sample.passing(type, fields):
            super().send(kind, blind, **chosen)


class Events(CeleryEvents):
    """Celery's events with this dispatcher."""

    dispatcher_cls = "tasks.events:Dispatcher"
