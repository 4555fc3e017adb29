"""Processing a failing batch in halves, which isolates the order that makes it fail."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

import structlog

log = structlog.get_logger()

#: Kept characters of a traceback, half of them from either end: an error of the database begins with
#: its cause and ends with long SQL.
_KEPT = 4000


def in_halves(
    work: Callable[[Sequence[int]], int],
    order_ids: Sequence[int],
    *,
    transient: tuple[type[Exception], ...],
    give_up: Callable[[int, str], int],
) -> int:
    """Call ``work`` on all orders except those that fail alone; return the sum of its results.

    ``work`` must keep nothing if it raises.  ``give_up`` gets an order that failed alone and its
    traceback; its result is added.  Transient errors are raised, because no order causes them.
    """
    try:
        return work(order_ids)
    except transient:
        raise
    except Exception as error:  # noqa: BLE001 - an error of one order must not stop the others
        if len(order_ids) == 1:
            return give_up(order_ids[0], _shortened(traceback.format_exc()))
        log.warning("batch.split", orders=len(order_ids), error=repr(error))
    middle = len(order_ids) // 2
    halves = order_ids[:middle], order_ids[middle:]
    return sum(in_halves(work, half, transient=transient, give_up=give_up) for half in halves)


def _shortened(trace: str) -> str:
    if len(trace) <= _KEPT:
        return trace
    half = _KEPT // 2
    return f"{trace[: half - 1]}…{trace[-half:]}"
