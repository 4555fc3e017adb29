"""Calls that may never return, bounded: a lost event fails a test instead of holding up the suite."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

Result = TypeVar("Result")

#: An idle machine needs milliseconds.
DEADLINE_SECONDS = 120.0


def begin(call: Callable[[], Result]) -> Future[Result]:
    """Run a call on a daemon thread, for which the end of the tests does not wait."""
    future: Future[Result] = Future()

    def run() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future


def within(call: Callable[[], Result], seconds: float = DEADLINE_SECONDS) -> Result:
    """Return the result of a call.

    Raises:
        TimeoutError: It did not end in time.
    """
    return begin(call).result(seconds)
