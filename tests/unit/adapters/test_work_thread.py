"""A thread that does work in its order."""

from __future__ import annotations

from threading import Event, current_thread

from angel_x.adapters.work_thread import WorkThread

LONG = 60.0


def test_work_is_done_in_its_order_in_one_other_thread_until_the_close() -> None:
    thread, done = WorkThread("shadow", most=10), list[tuple[int, str]]()

    given = [
        thread.put(lambda n=n: done.append((n, current_thread().name)))  # type: ignore[misc]
        for n in range(3)
    ]
    thread.close(LONG)

    assert given == [True] * 3
    assert done == [(0, "shadow"), (1, "shadow"), (2, "shadow")]


def test_no_more_work_waits_than_there_is_room_for() -> None:
    thread, began, goes_on = WorkThread("shadow", most=1), Event(), Event()

    def slow() -> None:
        began.set()
        goes_on.wait(LONG)

    assert thread.put(slow)
    assert began.wait(LONG)
    assert thread.put(lambda: None)

    assert not thread.put(lambda: None)

    goes_on.set()
    thread.close(LONG)
