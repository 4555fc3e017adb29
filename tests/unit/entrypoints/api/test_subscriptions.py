from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from angel_x.domain.records.live_event import BEGINNING, EventPage, LiveEvent, number_of
from angel_x.entrypoints.api.subscriptions import Drop, Subscription, Subscriptions, check_event_id
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
        self.watched: list[int] = []
        #: Whether all events that were ever published are held.
        self.is_complete = True
        self._changed = threading.Condition()

    def publish(self, *events: Event) -> None:
        with self._changed:
            self.events += events
            self._changed.notify_all()

    def wipe(self) -> None:
        with self._changed:
            self.events.clear()
            self.is_complete = False
            self._changed.notify_all()

    def read(self, after_id: str, block_ms: int, count: int = 500) -> EventPage:
        with self._changed:
            self.readers.add(threading.get_ident())
            self._changed.wait_for(
                lambda: self._after(after_id) or not self.is_complete, block_ms / 1000
            )
            is_complete, self.is_complete = self.is_complete, True
            return EventPage(is_complete, self._after(after_id)[:count])

    def last_id(self) -> str:
        return self.events[-1].id if self.events else BEGINNING

    def position(self, user_id: int) -> str:
        return self.last_id()

    def history(self, user_id: int, after_id: str, count: int = 500) -> EventPage:
        own = [e for e in self._after(after_id) if e.user_id in {0, user_id} and not e.is_state]
        is_known = after_id == BEGINNING or any(e.id == after_id for e in self.events)
        return EventPage(is_known, own[:count])

    def watch(self, user_ids: Collection[int], seconds: float) -> None:
        self.watched += user_ids

    def _after(self, after_id: str) -> list[Event]:
        return [e for e in self.events if number_of(e.id) > number_of(after_id)]


async def heard(subscription: Subscription, count: int) -> list[str]:
    """Return the ids of the next events."""
    ids: list[str] = []
    while len(ids) < count:
        events = await subscription.next(DEADLINE_SECONDS)
        assert events is not None
        ids += [event.id for event in events]
    return ids


async def missed(listeners: Subscriptions, subscription: Subscription, after_id: str) -> list[str]:
    pages = listeners.missed(subscription, after_id)
    return [event.id async for page in pages for event in page.events]


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await test()

    asyncio.run(limited())


def test_a_listener_gets_its_own_events_and_those_for_everybody() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        stream.publish(Event("1-0", 7))
        listeners = Subscriptions(stream, on_drop=print)
        async with listeners.open(7) as subscription:
            stream.publish(Event("2-0", 8), Event("3-0", 7), Event("4-0", 0, "alert"))
            received = await heard(subscription, 2)
        listeners.close()
        assert received == ["3-0", "4-0"]

    run(scenario)


def test_a_listener_that_comes_back_gets_what_it_missed_once() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        stream.publish(*(Event(f"{i}-0", 7) for i in range(1, 6)))
        listeners = Subscriptions(stream, on_drop=print)
        async with listeners.open(7) as subscription:
            stream.publish(Event("6-0", 7))
            earlier = await missed(listeners, subscription, "3-0")
            stream.publish(Event("7-0", 7))
            following = await heard(subscription, 1)
        listeners.close()
        assert earlier == ["4-0", "5-0", "6-0"]
        assert following == ["7-0"]

    run(scenario)


def test_what_others_were_told_meanwhile_is_not_told_to_one_who_comes_back() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        stream.publish(Event("1-0", 7), Event("2-0", 8), Event("3-0", 0, "alert"), Event("4-0", 8))
        listeners = Subscriptions(stream, on_drop=print)
        async with listeners.open(7) as subscription:
            earlier = await missed(listeners, subscription, BEGINNING)
        listeners.close()
        assert earlier == ["1-0", "3-0"]

    run(scenario)


def test_one_reader_serves_every_listener() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        listeners = Subscriptions(stream, on_drop=print)
        async with listeners.open(1) as one, listeners.open(2) as two:
            stream.publish(Event("1-0", 1), Event("2-0", 2))
            assert await heard(one, 1) + await heard(two, 1) == ["1-0", "2-0"]
        listeners.close()
        assert len(stream.readers) == 1

    run(scenario)


def test_a_listener_that_falls_behind_is_dropped_with_the_reason() -> None:
    async def scenario() -> None:
        stream, drops = FakeStream(), list[Drop]()
        listeners = Subscriptions(stream, on_drop=drops.append)
        async with listeners.open(7) as slow, listeners.open(8) as quick:
            stream.publish(*(Event(f"{i}-0", 7) for i in range(1, 2001)), Event("2001-0", 8))
            assert await heard(quick, 1) == ["2001-0"]
            assert await slow.next(DEADLINE_SECONDS) is None
            assert (slow.drop, quick.drop) == (Drop.SLOW_READER, None)
        listeners.close()
        assert drops == [Drop.SLOW_READER]

    run(scenario)


def test_a_listener_may_leave_a_thousand_events_unread() -> None:
    async def scenario() -> None:
        slow = Subscription(7)
        assert all(slow.offer(Event(f"{number}-0", 7)) for number in range(1, 1001))

        assert not slow.offer(Event("1001-0", 7))
        assert slow.offer(Event("1002-0", 7, "portfolio"))

        assert len(await slow.next(DEADLINE_SECONDS) or ()) == 1001

    run(scenario)


def test_a_slow_listener_gets_the_newest_state_only_and_is_not_dropped_for_states() -> None:
    async def scenario() -> None:
        slow = Subscription(7)
        slow.offer(Event("1-0", 7))
        for number in range(2, 5000):
            slow.offer(Event(f"{number}-0", 7, "portfolio", f'{{"n":{number}}}'))

        events = await slow.next(DEADLINE_SECONDS)

        assert events == [Event("1-0", 7), Event("4999-0", 7, "portfolio", '{"n":4999}')]

    run(scenario)


def test_events_are_offered_to_listeners_of_their_account_only() -> None:
    class Counting(Subscription):
        offered = 0

        def offer(self, event: LiveEvent) -> bool:
            Counting.offered += 1
            return super().offer(event)

    async def scenario(monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("angel_x.entrypoints.api.subscriptions.Subscription", Counting)
        stream = FakeStream()
        listeners = Subscriptions(stream, on_drop=print)
        async with AsyncExitStack() as stack:
            opened = [await stack.enter_async_context(listeners.open(n)) for n in range(1, 51)]
            stream.publish(*(Event(f"{n}-0", n) for n in range(1, 51)))
            assert await heard(opened[-1], 1) == ["50-0"]
        listeners.close()
        assert Counting.offered == 50

    with pytest.MonkeyPatch.context() as monkeypatch:
        run(lambda: scenario(monkeypatch))


def test_the_accounts_of_listeners_are_watched() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        listeners = Subscriptions(stream, on_drop=print)
        async with listeners.open(7), listeners.open(9):
            assert {7, 9} <= set(stream.watched)
        listeners.close()

    run(scenario)


def test_an_id_that_is_not_held_is_answered_by_an_incomplete_page() -> None:
    async def scenario() -> None:
        stream = FakeStream()
        stream.publish(Event("4-0", 7), Event("5-0", 7))
        listeners = Subscriptions(stream, on_drop=print)
        async with listeners.open(7) as subscription:
            pages = [page async for page in listeners.missed(subscription, "3-0")]
        async with listeners.open(7) as subscription:
            of_future = [page async for page in listeners.missed(subscription, "9-0")]
        async with listeners.open(8) as other:
            none_held = [page async for page in listeners.missed(other, "3-0")]
        listeners.close()
        assert [(p.is_complete, len(p.events)) for p in pages] == [(False, 2)]
        assert [(p.is_complete, len(p.events)) for p in of_future] == [(False, 2)]
        assert [(p.is_complete, len(p.events)) for p in none_held] == [(False, 0)]

    run(scenario)


def test_listeners_are_dropped_when_events_of_the_feed_were_lost() -> None:
    async def scenario() -> None:
        stream, drops = FakeStream(), list[Drop]()
        listeners = Subscriptions(stream, on_drop=drops.append)
        async with listeners.open(7) as subscription:
            stream.wipe()
            assert await subscription.next(DEADLINE_SECONDS) is None
        async with listeners.open(7) as again:
            stream.publish(Event("1-0", 7))
            assert await heard(again, 1) == ["1-0"]
        listeners.close()
        assert drops == [Drop.EVENTS_LOST]

    run(scenario)


def test_closing_is_no_failure_of_the_reader() -> None:
    async def scenario() -> None:
        failures: list[dict[str, object]] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: failures.append(context))
        listeners = Subscriptions(FakeStream(), on_drop=print)
        with capture_logs() as logged:
            async with listeners.open(7) as subscription:
                listeners.close()
                assert await subscription.next(DEADLINE_SECONDS) is None
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

        def read(self, after_id: str, block_ms: int, count: int = 500) -> EventPage:
            self.readers.add(threading.get_ident())
            self.released.wait(DEADLINE_SECONDS)
            self.has_ended = True
            return EventPage(is_complete=True, events=[])

    async def scenario() -> None:
        stream = Stuck()
        listeners = Subscriptions(stream, on_drop=print)
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
        listeners = Subscriptions(stream, on_drop=print)
        async with listeners.open(7):
            pass
        stream.publish(Event("1-0", 7))
        await others_ended()
        listeners.close()

    run(scenario)


def test_closing_stops_the_reader_though_a_listener_has_not_left() -> None:
    async def scenario() -> None:
        listeners = Subscriptions(FakeStream(), on_drop=print)
        with capture_logs() as logged:
            async with listeners.open(7):
                listeners.close()
                await others_ended()
        # Left to itself it would fail for want of its thread.
        assert logged == []

    run(scenario)


def test_closing_lets_every_listener_go() -> None:
    async def scenario() -> None:
        listeners = Subscriptions(FakeStream(), on_drop=print)
        async with listeners.open(7) as subscription:
            listeners.close()
            assert await subscription.next(DEADLINE_SECONDS) is None

    run(scenario)


def test_an_outage_of_the_stream_is_survived() -> None:
    class Broken(FakeStream):
        failures = 1

        def read(self, after_id: str, block_ms: int, count: int = 500) -> EventPage:
            if self.failures:
                self.failures -= 1
                raise ConnectionError("gone")
            return super().read(after_id, block_ms, count)

    async def scenario() -> None:
        stream = Broken()
        listeners = Subscriptions(stream, (ConnectionError,), on_drop=print)
        async with listeners.open(7) as subscription:
            stream.publish(Event("1-0", 7))
            assert await heard(subscription, 1) == ["1-0"]
        listeners.close()

    run(scenario)


def test_an_unforeseen_failure_lets_the_listeners_go_so_that_they_come_back() -> None:
    class Garbage(FakeStream):
        def read(self, after_id: str, block_ms: int, count: int = 500) -> EventPage:
            raise ValueError("garbage")

    async def scenario() -> None:
        listeners = Subscriptions(Garbage(), on_drop=print)
        async with listeners.open(7) as subscription:
            assert await subscription.next(DEADLINE_SECONDS) is None
        listeners.close()

    run(scenario)


@pytest.mark.parametrize("text", ["", "newest", "1-", "-1", "1-2-3", "9" * 40, "1 0"])
def test_a_text_that_is_no_event_id_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        check_event_id(text)
