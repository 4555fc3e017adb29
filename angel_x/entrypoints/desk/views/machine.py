"""The machine as tables: alerts, queues, workers, times, schedule and proofs."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf

from angel_x.domain.operations.alert import Severity
from angel_x.domain.operations.machine import MachineState
from angel_x.domain.operations.timing import Timing
from angel_x.entrypoints.desk.views.table import Cell, Column, Row, cell
from angel_x.entrypoints.desk.views.words import NONE, Text, Tone, age, decimal, stamp, units

ALERTS = (
    Column(name="alert", label="Alert", is_text=True),
    Column(name="severity", label="Severity", is_text=True),
    Column(name="subject", label="Of", title="Queue, server or class of process", is_text=True),
    Column(name="value", label="Value"),
    Column(name="limit", label="Limit"),
)
QUEUES = (
    Column(name="queue", label="Queue", is_text=True),
    Column(name="messages", label="Messages", title="That wait"),
    Column(name="oldest", label="Oldest order", title="Age of its oldest undecided order"),
    Column(name="heard", label="Heard", title="Since a worker took a test message off it"),
)
CLASSES = (
    Column(name="role", label="Class", is_text=True),
    Column(name="processes", label="Processes"),
    Column(name="largest", label="Largest MB", title="Resident memory of its largest process"),
    Column(
        name="runs", label="Runs now", title="Tasks, of the workers that answered", is_text=True
    ),
    Column(name="takes", label="Takes from", title="Queues", is_text=True, is_vital=False),
)
PROCESSES = (
    Column(name="process", label="Process", is_text=True),
    Column(name="pid", label="Id", is_vital=False),
    Column(name="memory", label="MB", title="Resident memory"),
    Column(name="growth", label="Growth MB", title="Since its first report"),
    Column(name="seen", label="Reported"),
)
SCHEDULE = (
    Column(name="entry", label="Entry", is_text=True),
    Column(name="task", label="Task", is_text=True, is_vital=False),
    Column(name="last", label="Last run", title="Time in India"),
    Column(name="next", label="Next run", title="Time in India"),
    Column(name="late", label="Late"),
)
PROOFS = (
    Column(name="proof", label="Proof", is_text=True),
    Column(name="age", label="Proved", title="Since the last complete proof began"),
    Column(name="broken", label="Broken rows"),
    Column(name="example", label="One of them", is_text=True),
    Column(name="progress", label="Runs", title="Up to this id", is_text=True, is_vital=False),
)
TIMES = (
    Column(name="name", label="Time of", is_text=True),
    Column(name="count", label="Count"),
    Column(name="p50", label="p50 ms", title="Half of the newest times are at most this long"),
    Column(name="p99", label="p99 ms", title="99 of 100 of the newest times are at most this long"),
    Column(name="average", label="Average ms", is_vital=False),
    Column(name="most", label="Longest ms", is_vital=False),
)
#: Name, label and meaning.
FIGURES = (
    ("alerts", "Alerts", "Raised by the limits of the runbooks"),
    ("p50", "Order p50", "From acceptance to decision, over all processes"),
    ("p99", "Order p99", "The worst of any process"),
    ("greeks", "Greeks", "Age of the oldest ones of a contract that trades"),
    ("marks", "Margin marks", "Age of the oldest one"),
    ("parked", "Parked", "Orders that could not be decided and were not sent again"),
    ("proof", "Invariants", "By the last complete proofs"),
)
_LATENCY = "order_latency"
#: Seconds from which an entry of Beat is shown as late.
_LATE_SECONDS = 5.0
_PROOFS = {"changes": "What has changed", "full": "Everything"}


def figures(state: MachineState) -> Mapping[str, Text]:
    """Return the texts of :data:`FIGURES`."""
    latency = _latency(state.timings)
    broken = sum(proof.broken for proof in state.proofs)
    parked = state.parked_orders
    return {
        "alerts": _count_of_alerts(state),
        "p50": Text(NONE if latency is None else f"{decimal(latency.p50_ms, 1)} ms"),
        "p99": Text(NONE if latency is None else f"{decimal(latency.p99_ms, 1)} ms"),
        "greeks": _age(state.greeks_age_seconds),
        "marks": _age(state.marks_age_seconds),
        "parked": Text(units(parked), Tone.WARNING if parked else Tone.PLAIN),
        "proof": _held(broken) if state.proofs else Text("not proved yet", Tone.MUTED),
    }


def alert_rows(state: MachineState) -> list[Row]:
    return [
        Row(
            id=f"{alert.alert} {alert.subject}",
            cells=(
                alert.alert,
                cell(_severity(alert.severity)),
                alert.subject or NONE,
                _number(alert.value),
                f"{alert.limit:,g}",
            ),
        )
        for alert in state.alerts
    ]


def queue_rows(state: MachineState) -> list[Row]:
    return [
        Row(
            id=queue.queue,
            cells=(
                queue.queue,
                cell(units(queue.messages), queue.messages),
                cell(_short(queue.oldest_seconds or None), queue.oldest_seconds),
                cell(_ago(queue.heard_seconds), _key(queue.heard_seconds)),
            ),
        )
        for queue in state.queues
    ]


def class_rows(state: MachineState) -> list[Row]:
    """Return a row for each class of process, with the tasks that run."""
    return [
        Row(
            id=role.role,
            cells=(
                role.role,
                cell(
                    Text(str(role.processes), Tone.PLAIN if role.processes else Tone.LOSS),
                    role.processes,
                ),
                cell(decimal(role.largest_mb, 1), role.largest_mb or 0.0),
                _runs(state, role.role) or NONE,
                ", ".join(role.takes) or NONE,
            ),
        )
        for role in state.roles
    ]


def process_rows(state: MachineState) -> list[Row]:
    return [
        Row(
            id=process.process,
            cells=(
                process.process,
                str(process.pid),
                cell(decimal(process.current_mb, 1), process.current_mb),
                cell(decimal(process.delta_mb, 1), process.delta_mb),
                cell(_ago(process.age_seconds), process.age_seconds),
            ),
        )
        for process in state.processes
    ]


def schedule_rows(state: MachineState) -> list[Row]:
    return [
        Row(
            id=entry.name,
            cells=(
                entry.name,
                entry.task or "cannot be read",
                cell(stamp(entry.last_run_at), str(entry.last_run_at or "")),
                cell(stamp(entry.next_run_at), str(entry.next_run_at or "")),
                cell(_lateness(entry.late_seconds), _key(entry.late_seconds)),
            ),
        )
        for entry in state.schedule
    ]


def proof_rows(state: MachineState) -> list[Row]:
    return [
        Row(
            id=proof.kind.value,
            cells=(
                _PROOFS[proof.kind.value],
                cell(_ago(proof.age_seconds), proof.age_seconds),
                cell(Text(units(proof.broken), Tone.LOSS if proof.broken else Tone.PLAIN)),
                proof.example or NONE,
                proof.progress or NONE,
            ),
        )
        for proof in state.proofs
    ]


def time_rows(state: MachineState) -> list[Row]:
    return [
        Row(
            id=name,
            cells=(
                name,
                cell(units(timing.count), timing.count),
                *(
                    cell(decimal(value, 2), value)
                    for value in (timing.p50_ms, timing.p99_ms, timing.avg_ms, timing.max_ms)
                ),
            ),
        )
        for name, timing in state.timings.items()
    ]


def _latency(timings: Mapping[str, Timing]) -> Timing | None:
    found = [timing for name, timing in timings.items() if name.split()[0] == _LATENCY]
    return Timing.together(found) if found else None


def _count_of_alerts(state: MachineState) -> Text:
    critical = sum(alert.severity is Severity.CRITICAL for alert in state.alerts)
    if critical:
        return Text(f"■ {len(state.alerts)}, {critical} critical", Tone.LOSS)
    return Text(f"{len(state.alerts)}", Tone.WARNING) if state.alerts else Text("none", Tone.GAIN)


def _severity(severity: Severity) -> Text:
    tone = Tone.LOSS if severity is Severity.CRITICAL else Tone.WARNING
    return Text(f"{'■' if severity is Severity.CRITICAL else '▲'} {severity.value}", tone)


def _held(broken: int) -> Text:
    return Text(f"■ {units(broken)} rows broken", Tone.LOSS) if broken else Text("hold", Tone.GAIN)


def _runs(state: MachineState, role: str) -> str:
    """Return the running tasks of a class; a worker is called ``class@host``."""
    counts: dict[str, int] = {}
    for worker, tasks in state.running.items():
        if worker.partition("@")[0] == role:
            for task, count in tasks.items():
                counts[task] = counts.get(task, 0) + count
    return ", ".join(f"{count} x {task}" for task, count in sorted(counts.items()))


def _lateness(seconds: float | None) -> Text:
    if seconds is None:
        return Text("lost", Tone.LOSS, "The entry is not in the schedule")
    if seconds < _LATE_SECONDS:
        return Text("in time", Tone.MUTED)
    return Text(f"▲ {age(seconds)}", Tone.LOSS)


def _age(seconds: float | None) -> Text:
    return Text(NONE, Tone.MUTED) if seconds is None else Text(_short(seconds))


def _short(seconds: float | None) -> str:
    return NONE if seconds is None else age(seconds)


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{age(seconds)} ago"


def _number(value: float | None) -> Cell:
    return "infinite" if value is None else cell(f"{value:,.4g}", value)


def _key(seconds: float | None) -> float:
    # JSON has no infinity.
    return 1e12 if seconds is None or seconds == inf else seconds
