"""The state of the machine: queues, workers, times, schedule, proofs and alerts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from angel_x.domain.operations.alert import Severity
from angel_x.domain.operations.proof import Proof
from angel_x.domain.operations.timing import Timing


@dataclass(frozen=True, slots=True)
class QueueStatus:
    queue: str
    messages: int
    #: Age of its oldest undecided order.
    oldest_seconds: float
    #: Since a worker last took a canary off it; None before the first.
    heard_seconds: float | None


@dataclass(frozen=True, slots=True)
class RoleStatus:
    role: str
    processes: int
    #: Queues that it takes messages from.
    takes: tuple[str, ...]
    #: Of its largest process, None before the first report.
    largest_mb: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessMemory:
    """The last memory report of one process of any node."""

    #: ``node/role-number``.
    process: str
    pid: int
    current_mb: float
    #: Since its first report.
    delta_mb: float
    #: Seconds since this report.
    age_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineAlert:
    """A raised alert; an infinite value is None."""

    alert: str
    severity: Severity
    #: The value of the metric's label, empty where it has none.
    subject: str
    value: float | None
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTask:
    """An entry of Beat."""

    name: str
    #: None where the definition cannot be read.
    task: str | None
    last_run_at: datetime | None
    next_run_at: datetime | None
    #: None for an entry that was lost.
    late_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineState:
    """One look at the whole system."""

    read_at: datetime
    alerts: tuple[MachineAlert, ...]
    queues: tuple[QueueStatus, ...]
    #: By class of process; empty in pods, where each process says itself that it lives.
    roles: tuple[RoleStatus, ...]
    processes: tuple[ProcessMemory, ...]
    #: Tasks that run now, by worker and name, of the workers that answered.
    running: dict[str, dict[str, int]]
    #: The times of all processes, by name.
    timings: dict[str, Timing]
    #: None where nothing trades or nothing is published.
    greeks_age_seconds: float | None
    #: Of the oldest margin mark; None where it is not known.
    marks_age_seconds: float | None
    schedule: tuple[ScheduledTask, ...]
    proofs: tuple[Proof, ...]
    #: Parked orders that were not sent again.
    parked_orders: int | None
    #: Addresses of Flower, Grafana and the documentation, by name.
    links: dict[str, str]
    #: Metrics that could not be read.
    unread: tuple[str, ...]
