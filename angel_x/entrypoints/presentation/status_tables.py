"""The status of the system as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from angel_x.entrypoints.presentation.live import mode_sentence
from angel_x.entrypoints.presentation.printing import table

if TYPE_CHECKING:
    from rich.table import Table

    from angel_x.domain.operations.timing import Timing
    from angel_x.entrypoints.status import Status

_TIMES = ("avg_ms", "min_ms", "max_ms", "p50_ms", "p99_ms")


def status_parts(found: Status) -> Iterator[Table | str]:
    """Yield the status part by part, alerts first."""
    yield "Angel-X is well" if found.is_well else "Angel-X is NOT well"
    if found.trading is not None:
        yield mode_sentence(found.trading)
    if found.alerts:
        columns = ["alert", "severity", "of", ">value", ">limit"]
        cells = [
            [a.alert, a.severity, a.subject or "-", f"{a.value:,.2f}", f"{a.limit:,g}"]
            for a in found.alerts
        ]
        yield table("Alerts", columns, cells)
    queues = [
        [q.queue, f"{q.messages:,}", f"{q.oldest_seconds:,.1f}", _number(q.heard_seconds)]
        for q in found.queues
    ]
    yield table("Queues", ["queue", ">messages", ">oldest order s", ">heard s ago"], queues)
    roles = [
        [r.role, str(r.processes), _number(r.largest_mb), ", ".join(r.takes) or "-"]
        for r in found.roles
    ]
    yield table("Processes of this machine", ["role", ">number", ">largest MB", "takes"], roles)
    running = [
        [
            worker,
            ", ".join(f"{count} x {name}" for name, count in tasks.items()) or "-",
            found.pages[worker],
        ]
        for worker, tasks in found.running.items()
    ]
    yield table("Workers that answer", ["worker", "runs", "page in Flower"], running)
    proofs = [
        [p.kind.value, _number(p.age_seconds), f"{p.broken:,}", p.example or "-", p.progress or "-"]
        for p in found.proofs
    ]
    columns = ["proof", ">age s", ">broken rows", "one of them", "runs"]
    yield table("Proofs of the books", columns, proofs)
    yield _traffic(found)
    if found.unread:
        yield f"Not readable: {', '.join(found.unread)}"


def timing_table(timings: Mapping[str, Timing]) -> Table:
    """Return the times of all processes by name, in milliseconds."""
    columns = ["time of", ">count", *(f">{name.removesuffix('_ms')} ms" for name in _TIMES)]
    cells = [
        [name, f"{timing.count:,}", *(f"{getattr(timing, field):,.2f}" for field in _TIMES)]
        for name, timing in timings.items()
    ]
    return table("Times", columns, cells)


def _traffic(found: Status) -> str:
    traffic = found.traffic
    return (
        f"{traffic.orders_a_second:,.1f} orders a second, decided within {_number(traffic.median_ms)} ms "
        f"(median) and {_number(traffic.p99_ms)} ms (p99); oldest Greeks {_number(found.greeks_age_seconds)} s"
    )


def _number(number: float | None) -> str:
    return "-" if number is None else f"{number:,.1f}"
