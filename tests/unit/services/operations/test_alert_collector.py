"""The collector: notices for those who want them, when quiet hours allow it, and each subject once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

import pytest

from angel_x.domain.operations.alert_target import AlertTarget
from angel_x.domain.operations.notice import Notice, QuietHours, Topic
from angel_x.services.operations.alert_collector import AlertCollector, Due, Probe

#: 23:00 in India.
NOW = datetime(2026, 12, 1, 17, 30, tzinfo=UTC)
SEVEN = datetime(2026, 12, 2, 1, 30, tzinfo=UTC)
NIGHT = QuietHours(time(22, 30), time(7))
FILL = Notice(Topic.FILL, "fill 1", "bought", 7)
SHORT = Notice(Topic.MARGIN_SHORTFALL, "short 7", "short", 7)
EXPIRY = Notice(Topic.EXPIRY_TODAY, "expiry 7", "expires", 7)


class ServerAway(Exception):
    pass


@dataclass
class Collections:
    """An outbox in memory."""

    targets: Sequence[AlertTarget] = ()
    waiting: list[Notice] = field(default_factory=list)
    is_taken: bool = False
    holding: dict[Topic, set[str]] = field(default_factory=dict)
    written: dict[tuple[int, Topic, str], tuple[str, datetime]] = field(default_factory=dict)
    forgets: int = 0

    @contextmanager
    def collecting(self) -> Iterator[Collections | None]:
        yield None if self.is_taken else self

    def events(self) -> Iterable[Notice]:
        events, self.waiting = self.waiting, []
        return events

    def begun(self, topic: Topic, conditions: Sequence[Notice]) -> Sequence[Notice]:
        before = self.holding.get(topic, set())
        self.holding[topic] = {each.subject for each in conditions}
        return [each for each in conditions if each.subject not in before]

    def add(self, notices: Due, repeat_seconds: float) -> int:
        assert repeat_seconds == 900
        self.written.update(notices)
        return len(notices)

    def forget(self) -> int:
        self.forgets += 1
        return 0


def target(number: int, user_id: int | None, *topics: Topic) -> AlertTarget:
    return AlertTarget(
        id=number, user_id=user_id, name=f"t{number}", service="tgram", topics=topics, quiet=NIGHT
    )


@dataclass
class Watch:
    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


def collector(
    collections: Collections,
    watch: Watch,
    probes: dict[Topic, Probe] | None = None,
    slow: dict[Topic, Probe] | None = None,
) -> AlertCollector:
    return AlertCollector(
        collections=collections,
        probes=probes or {},
        slow_probes=slow or {},
        unreachable=(ServerAway,),
        clock=lambda: NOW,
        monotonic=watch,
        repeat_seconds=900,
    )


def test_a_notice_goes_to_those_who_want_it_and_waits_for_the_end_of_quiet_hours(
    watch: Watch,
) -> None:
    mine, other = target(1, 7, *Topic), target(2, 8, *Topic)
    operators = target(3, None, Topic.MARGIN_SHORTFALL)
    collections = Collections([mine, other, operators], [FILL, FILL, SHORT])

    assert collector(collections, watch).collect() == 3
    assert collections.written == {
        (1, Topic.FILL, "fill 1"): ("bought", SEVEN),
        (1, Topic.MARGIN_SHORTFALL, "short 7"): ("short", NOW),
        (3, Topic.MARGIN_SHORTFALL, "short 7"): ("short", NOW),
    }


def test_a_condition_is_told_when_it_begins_and_kept_while_its_server_is_away(watch: Watch) -> None:
    found: list[Sequence[Notice] | None] = [[SHORT], [SHORT], None, [SHORT], [], [SHORT]]

    def probe() -> Sequence[Notice]:
        conditions = found.pop(0)
        if conditions is None:
            raise ServerAway
        return conditions

    collections = Collections([target(1, 7, *Topic)])
    collecting = collector(collections, watch, {Topic.MARGIN_SHORTFALL: probe})

    assert [collecting.collect() for _ in range(6)] == [1, 0, 0, 0, 0, 1]


def test_conditions_of_the_day_are_looked_at_once_a_minute(watch: Watch) -> None:
    looks: list[float] = []

    def probe() -> Sequence[Notice]:
        looks.append(watch.seconds)
        return [EXPIRY]

    collections = Collections([target(1, 7, *Topic)])
    collecting = collector(collections, watch, slow={Topic.EXPIRY_TODAY: probe})
    for watch.seconds in (0.0, 2.0, 59.0, 60.0, 62.0):
        collecting.collect()

    assert looks == [0.0, 60.0]
    assert collections.forgets == 2
    assert collections.written.keys() == {(1, Topic.EXPIRY_TODAY, "expiry 7")}


def test_of_two_collectors_one_collects(watch: Watch) -> None:
    collections = Collections([target(1, 7, *Topic)], [FILL], is_taken=True)

    assert collector(collections, watch).collect() == 0
    assert collections.waiting == [FILL]
