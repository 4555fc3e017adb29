"""Notices of what has happened, written to the outbox of every target that wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import structlog

from angel_x.domain.operations.alert_target import AlertTarget
from angel_x.domain.operations.notice import Notice, Topic, due_at
from angel_x.services.ports import Clock

log = structlog.get_logger()

#: Seconds between two looks at conditions that change by the day, and between two removals of old rows.
_SLOW_SECONDS = 60.0

#: Returns the conditions of a topic that hold now.
Probe = Callable[[], Sequence[Notice]]
#: A notice by target, topic and subject: its text, and when it is due.
Due = Mapping[tuple[int, Topic, str], tuple[str, datetime]]


class CollectionUnit(Protocol):
    """An open collection; it is committed as a whole, with its cursors."""

    @property
    def targets(self) -> Sequence[AlertTarget]: ...
    def events(self) -> Iterable[Notice]: ...
    def begun(self, topic: Topic, conditions: Sequence[Notice]) -> Sequence[Notice]:
        """Store the conditions of a topic that hold; return those that did not hold before."""

    def add(self, notices: Due, repeat_seconds: float) -> int:
        """Write notices, except those that were written within ``repeat_seconds``."""


class Collections(Protocol):
    def collecting(self) -> AbstractContextManager[CollectionUnit | None]:
        """Open a collection; None while another process collects."""

    def forget(self) -> int: ...


@dataclass(slots=True, kw_only=True)
class AlertCollector:
    """Reads events and conditions.  A second call writes nothing that the first one has written."""

    collections: Collections
    #: Conditions that are looked at each time, by topic.
    probes: Mapping[Topic, Probe]
    #: Conditions that are looked at once a minute.
    slow_probes: Mapping[Topic, Probe]
    #: The exceptions that mean an unavailable server of a probe.
    unreachable: tuple[type[Exception], ...]
    clock: Clock
    monotonic: Callable[[], float]
    #: Seconds in which a target is not told of the same subject again.
    repeat_seconds: float
    _slow_at: float = field(default=float("-inf"), init=False)

    def collect(self) -> int:
        """Write the notices of new events and begun conditions; return their number."""
        is_slow = self.monotonic() >= self._slow_at
        conditions = dict(self._conditions(is_slow=is_slow))
        with self.collections.collecting() as unit:
            if unit is None:
                return 0
            notices = list(unit.events())
            for topic, found in conditions.items():
                notices += unit.begun(topic, found)
            written = unit.add(self._due(notices, unit.targets), self.repeat_seconds)
        if is_slow:
            self.collections.forget()
            self._slow_at = self.monotonic() + _SLOW_SECONDS
        return written

    def _conditions(self, *, is_slow: bool) -> Iterator[tuple[Topic, Sequence[Notice]]]:
        """Yield the conditions of each topic that could be looked at; those of the others stay."""
        for topic, probe in {**self.probes, **(self.slow_probes if is_slow else {})}.items():
            try:
                yield topic, probe()
            except self.unreachable as error:
                log.warning("alert_probe.failed", topic=topic.value, error=str(error))

    def _due(self, notices: Iterable[Notice], targets: Sequence[AlertTarget]) -> Due:
        now = self.clock()
        return {
            (target.id, notice.topic, notice.subject): (
                notice.text,
                due_at(notice.topic, target.quiet, now),
            )
            for notice in notices
            for target in targets
            if target.wants(notice.topic, notice.user_id)
        }
