"""Samples of all programs at an interval, in a thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread

from angel_x.rehearsal.soak.record import Record
from angel_x.rehearsal.soak.usage import usages


@contextmanager
def sampled(
    record: Record, leaders: Callable[[], Mapping[str, int]], interval: float
) -> Iterator[None]:
    """Add samples to a record until the block ends.

    ``leaders`` returns the process ids of the programs that run now; ``interval`` is in seconds.

    Raises:
        Exception: A sample could not be taken; raised at the end of the block.
    """
    ended, failures = Event(), list[Exception]()

    def sample() -> None:
        began = time.monotonic()
        try:
            while not ended.wait(interval):
                record.add(time.monotonic() - began, usages(leaders()))
        except Exception as error:  # noqa: BLE001 - raised in the thread that waits
            failures.append(error)

    thread = Thread(target=sample, name="samples", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if failures:
        raise failures[0]
