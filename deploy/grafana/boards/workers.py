"""The dashboard of workers and memory."""

from __future__ import annotations

from angel_x.domain.operations.metric import Metric
from deploy.grafana.board import Board, Chart, Row, Series, Unit
from deploy.grafana.promql import increase, most, quantile, rate, total


def _runs(*by: str, where: str = "") -> str:
    return rate(f"{Metric.TASK_RUNTIME_SECONDS}_count", *by, where=where)


WORKERS = Board(
    "workers",
    "Angel-X: workers and memory",
    "Processes by role, the memory of each, Beat's schedule, and queues as workers take them.",
    (
        Row(
            "Processes",
            (
                Chart(
                    title="Living processes",
                    text="A role at zero for a minute: ProcessesMissing.",
                    unit=Unit.COUNT,
                    series=(Series(total(Metric.PROCESSES, "role"), "{{role}}"),),
                ),
                Chart(
                    title="Replaced programs",
                    text="Programs that lived without working: ProgramsReplaced.",
                    unit=Unit.COUNT,
                    series=(Series(increase(Metric.PROGRAMS_REPLACED, "program"), "{{program}}"),),
                ),
                Chart(
                    title="Time of a canary on its queue, p99",
                    text="The wait of a message before a worker takes it.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.99, Metric.QUEUE_WAIT_SECONDS, "queue"), "{{queue}}"),
                    ),
                ),
            ),
        ),
        Row(
            "Tasks",
            (
                Chart(
                    title="Runs",
                    text="Runs in a second, by task.",
                    unit=Unit.A_SECOND,
                    series=(Series(_runs("task"), "{{task}}"),),
                ),
                Chart(
                    title="Runs that did not succeed",
                    text="Errors are in the log as task.failed: TasksFailing.",
                    unit=Unit.A_SECOND,
                    series=(
                        Series(
                            _runs("task", "outcome", where='outcome!="succeeded"'),
                            "{{task}} {{outcome}}",
                        ),
                    ),
                ),
                Chart(
                    title="Time of a run, p99",
                    text="By task; a task ends within 20 s.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.99, Metric.TASK_RUNTIME_SECONDS, "task"), "{{task}}"),
                    ),
                ),
            ),
        ),
        Row(
            "Memory",
            (
                Chart(
                    title="Largest processes",
                    text="Resident memory; above 500 MB a process is reported.",
                    unit=Unit.BYTES,
                    series=(
                        Series(
                            f"topk(10, {most(Metric.WORKER_RESIDENT_BYTES, 'worker')})",
                            "{{worker}}",
                        ),
                    ),
                    limit=500 * 1024 * 1024,
                ),
                Chart(
                    title="All processes",
                    text="Shared pages are counted for each process.",
                    unit=Unit.BYTES,
                    series=(Series(total(Metric.WORKER_RESIDENT_BYTES), "resident"),),
                ),
                Chart(
                    title="Readings above the threshold",
                    text="MemoryAboveThreshold.",
                    unit=Unit.COUNT,
                    series=(Series(increase(Metric.MEMORY_ALERTS), "readings"),),
                ),
            ),
        ),
        Row(
            "Beat and messages",
            (
                Chart(
                    title="Late periodic tasks",
                    text="Above 60 s: ScheduleLate.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(
                            f"topk(10, {most(Metric.SCHEDULE_LATE_SECONDS, 'entry')})", "{{entry}}"
                        ),
                    ),
                    limit=60,
                ),
                Chart(
                    title="Entries put aside",
                    text="Entries of the schedule that Beat could not decode.",
                    unit=Unit.COUNT,
                    series=(Series(most(Metric.SCHEDULE_ENTRIES_ASIDE), "aside"),),
                    is_number=True,
                    limit=1,
                ),
                Chart(
                    title="Messages that expired on their queue",
                    text="A fleet that is slower than its work drops stale messages.",
                    unit=Unit.COUNT,
                    series=(Series(increase(Metric.MESSAGES_EXPIRED, "task"), "{{task}}"),),
                ),
            ),
        ),
    ),
)
