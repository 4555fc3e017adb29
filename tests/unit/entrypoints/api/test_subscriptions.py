from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from angel_x.domain.records.live_event import LiveEvent
from angel_x.entrypoints.api.subscriptions import Subscription, Subscriptions, check_event_id
from angel_x.errors import InvalidInput

DEADLINE_SECONDS = 120.0


@dataclass(frozen=True)
class Event(LiveEvent):
    kind: str = "order"
    body: str = "{}"


class FakeStream:
    """Holds events; a blocking read waits for the next."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.readers: set[int] = set()
        self._changed = threading.Condition()

    def publish(self, *events: Event) -> None:
        with self._changed:
            self.events += events
            self._changed.notify_all()

    def read(self, after_id: str, block_ms: int | None = None, count: int = 500) -> Sequence[Event]:
        with self._changed:
            self.readers.add(threading.get_ident())
            if block_ms is not None:
                self._changed.wait_for(lambda: self._after(after_id), block_ms / 1000)
            return self._after(after_id)[:count]

    def last_id(self) -> str:
        return self.events[-1].id if self.events else "0-0"

    def _after(self, after_id: str) -> list[Event]:
        return [e for e in self.events if int(e.id[:-2]) > int(after_id[:-2])]


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await test()

    asyncio.run(limited())


def test_a_listener_gets_its_own_events_and_those_for_everybody() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        stream.publish(Event("1-0", 7))
        listeners = Subscriptions(stream)
        async with listeners.open(7) as subscription:
            stream.publish(Event("2-0", 8), Event("3-0", 7), Event("4-0", 0, "alert"))
            received = [await subscription.next(), await subscription.next()]
        listeners.close()
        assert [event and event.id for event in received] == ["3-0", "4-0"]

    run(scenario)


def test_a_listener_that_comes_back_gets_what_it_missed_once() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        stream.publish(*(Event(f"{i}-0", 7) for i in range(1, 6)))
        listeners = Subscriptions(stream)
        async with listeners.open(7) as subscription:
            stream.publish(Event("6-0", 7))
            missed = [event.id async for event in listeners.missed(subscription, "3-0")]
            stream.publish(Event("7-0", 7))
            following = await subscription.next()
        listeners.close()
        assert missed == ["4-0", "5-0", "6-0"]
        assert following is not None
        assert following.id == "7-0"

    run(scenario)


def test_what_others_were_told_meanwhile_is_not_told_to_one_who_comes_back() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        stream.publish(Event("1-0", 7), Event("2-0", 8), Event("3-0", 0, "alert"), Event("4-0", 8))
        listeners = Subscriptions(stream)
        async with listeners.open(7) as subscription:
            missed = [event.id async for event in listeners.missed(subscription, "0-0")]
        listeners.close()
        assert missed == ["1-0", "3-0"]

    run(scenario)


def test_one_reader_serves_every_listener() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        listeners = Subscriptions(stream)
        async with listeners.open(1) as one, listeners.open(2) as two:
            stream.publish(Event("1-0", 1), Event("2-0", 2))
            assert [await one.next(), await two.next()] == stream.events
        listeners.close()
        assert len(stream.readers) == 1

    run(scenario)


def test_a_listener_that_falls_behind_is_let_go() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        listeners = Subscriptions(stream)
        async with listeners.open(7) as slow, listeners.open(8) as quick:
            stream.publish(*(Event(f"{i}-0", 7) for i in range(1, 2001)), Event("2001-0", 8))
            assert await quick.next() == stream.events[-1]
            assert await slow.next() is None
        listeners.close()

    run(scenario)


def test_a_listener_may_leave_a_thousand_events_unread() -> None:
    async def scenario() -> None:
        kept, let_go = Subscription(7), Subscription(7)
        for number in range(1, 1001):
            kept.offer(Event(f"{number}-0", 7))
            let_go.offer(Event(f"{number}-0", 7))
        let_go.offer(Event("1001-0", 7))

        assert await kept.next() == Event("1-0", 7)
        assert await let_go.next() is None

    run(scenario)


def test_closing_is_no_failure_of_the_reader() -> None:
    async def scenario() -> None:
        failures: list[dict[str, object]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context))
        listeners = Subscriptions(FakeStream())
        with capture_logs() as logged:
            async with listeners.open(7) as subscription:
                listeners.close()
                assert await subscription.next() is None
            await others_ended()
            await asyncio.sleep(0)
        assert (failures, logged) == ([], [])

    run(scenario)


def test_closing_does_not_wait_for_a_read_that_blocks() -> None:
    class Stuck(FakeStream):
        def __init__(self) -> None:
            super().__init__()
            self.released = threading.Event()
            self.has_ended = False

        def read(
            self, after_id: str, block_ms: int | None = None, count: int = 500
        ) -> Sequence[Event]:
            self.readers.add(threading.get_ident())
            self.released.wait(DEADLINE_SECONDS)
            self.has_ended = True
            return []

    async def scenario() -> None:
        stream = Stuck()
        listeners = Subscriptions(stream)
        async with listeners.open(7):
            while not stream.readers:
                await asyncio.sleep(0.001)
            listeners.close()
            has_ended = stream.has_ended
            stream.released.set()
        assert not has_ended

    run(scenario)


async def others_ended() -> None:
    """Wait until no task runs but this one."""
    while tasks := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(tasks)


def test_nothing_is_read_once_the_last_listener_has_left() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        listeners = Subscriptions(stream)
        async with listeners.open(7):
            pass
        stream.publish(Event("1-0", 7))
        await others_ended()
        listeners.close()

    run(scenario)


def test_closing_stops_the_reader_though_a_listener_has_not_left() -> None:
    async def scenario() -> None:
        listeners = Subscriptions(FakeStream())
        with capture_logs() as logged:
            async with listeners.open(7):
                listeners.close()
                await others_ended()
        # Left to itself it would fail for want of its thread.
        assert logged == []

    run(scenario)


def test_closing_lets_every_listener_go() -> None:
    async def scenario() -> None:
        listeners = Subscriptions(FakeStream())
        async with listeners.open(7) as subscription:
            listeners.close()
            assert await subscription.next() is None

    run(scenario)


def test_an_outage_of_the_stream_is_survived() -> None:
    class Broken(FakeStream):
        failures = 1

        def read(
            self, after_id: str, block_ms: int | None = None, count: int = 500
        ) -> Sequence[Event]:
            if self.failures:
                self.failures -= 1
                raise ConnectionError("gone")
            return super().read(after_id, block_ms, count)

    async def scenario() -> None:
        stream = Broken()
        listeners = Subscriptions(stream, (ConnectionError,))
        async with listeners.open(7) as subscription:
            stream.publish(Event("1-0", 7))
            assert await subscription.next() == stream.events[0]
        listeners.close()

    run(scenario)


def test_an_unforeseen_failure_lets_the_listeners_go_so_that_they_come_back() -> None:
    class Garbage(FakeStream):
        def read(
            self, after_id: str, block_ms: int | None = None, count: int = 500
        ) -> Sequence[Event]:
            raise ValueError("garbage")

    async def scenario() -> None:
        listeners = Subscriptions(Garbage())
        async with listeners.open(7) as subscription:
            assert await subscription.next() is None
        listeners.close()

    run(scenario)


@pytest.mark.parametrize("text", ["", "newest", "1-", "-1", "1-2-3", "9" * 40, "1 0"])
def test_a_text_that_is_no_event_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_event_id(text)
