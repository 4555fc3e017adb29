"""The targets of the performance guide, measured on the running system."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import TYPE_CHECKING

from angel_x.adapters.metrics import metrics_directory
from angel_x.adapters.metrics.traffic import latency_since_start
from angel_x.domain.operations.check import Check, CheckStatus, Measured

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

#: Milliseconds.
_LONGEST_ORDER = 10.0
_LONGEST_QUERY = 50.0
_ROUNDS = 20
_MEGABYTE = 1024 * 1024
_WARNING = CheckStatus.WARNING


def order_checks(app: Application) -> Iterator[Check]:
    """Yield the latency of the orders of this machine."""
    name = "latency of orders"
    median = latency_since_start(metrics_directory(app.base.settings.home_path))
    if median is None:
        yield Check.unmade(name, "no order was decided on this machine since its start")
        return
    yield Check.of_limit(
        name,
        Measured(median, _LONGEST_ORDER, "ms"),
        detail="half of all since the start were decided within it",
        fix="See docs/runbooks/OrdersAboveTarget.md.",
        otherwise=_WARNING,
    )


def query_checks(app: Application) -> Iterator[Check]:
    """Yield the time of the open positions with Greeks of one account."""
    accounts = app.people.accounts.all()
    user_id = accounts[0].id if accounts else 0
    times = sorted(_milliseconds(app, user_id) for _ in range(_ROUNDS))
    yield Check.of_limit(
        "time of a query",
        Measured(round(times[-1], 2), _LONGEST_QUERY, "ms"),
        detail=f"longest of {_ROUNDS}, open positions with Greeks, median {times[_ROUNDS // 2]:.2f} ms",
        fix="See `angel-x db slow-queries` and `angel-x db explain`.",
        otherwise=_WARNING,
    )


def memory_checks(app: Application) -> Iterator[Check]:
    """Yield the largest process, as it has reported itself."""
    name, sizes = "memory of a process", app.operations.memory.resident_bytes()
    if not sizes:
        yield Check.unmade(name, "no process has reported its memory")
        return
    process, size = max(sizes.items(), key=lambda each: each[1])
    yield Check.of_limit(
        name,
        Measured(
            round(size / _MEGABYTE, 1), float(app.base.settings.memory_alert_threshold_mb), "MB"
        ),
        detail=f"{process}, the largest of {len(sizes)}",
        fix="See docs/runbooks/MemoryAboveThreshold.md.",
        otherwise=_WARNING,
    )


def _milliseconds(app: Application, user_id: int) -> float:
    started = perf_counter()
    app.people.reading.positions(user_id)
    return 1000 * (perf_counter() - started)
