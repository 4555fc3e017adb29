"""The command ``angel-x status``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.entrypoints.status import read_status
from angel_x.errors import ServerUnavailable

if TYPE_CHECKING:
    from angel_x.entrypoints.status import Status

_NOT_WELL = 1


@click.command()
@click.option(
    "--over",
    "seconds",
    type=click.FloatRange(min=0.1, max=60),
    default=2.0,
    show_default=True,
    help="Seconds over which orders are counted.",
)
@as_json
@click.pass_context
def status(context: click.Context, seconds: float, *, as_json: bool) -> None:
    """Show queues, processes, traffic, the age of Greeks and alerts of the whole system.

    Exit code 0: no critical alert.  1: there is one, or no system runs.
    """
    try:
        with application() as app:
            found = read_status(app, seconds=seconds)
    except ServerUnavailable as error:
        if not as_json:
            raise
        print_json({"is_well": False, "down": str(error)})
        context.exit(_NOT_WELL)
    if as_json:
        print_json({**asdict(found), "down": None})
    else:
        _show(found)
    if not found.is_well:
        context.exit(_NOT_WELL)


def _show(found: Status) -> None:
    show("Angel-X is well" if found.is_well else "Angel-X is NOT well")
    if found.alerts:
        columns = ["alert", "severity", "of", ">value", ">limit"]
        cells = [
            [a.alert, a.severity, a.subject or "-", f"{a.value:,.2f}", f"{a.limit:,g}"]
            for a in found.alerts
        ]
        show(table("Alerts", columns, cells))
    queues = [
        [q.queue, f"{q.messages:,}", f"{q.oldest_seconds:,.1f}", _seconds(q.heard_seconds)]
        for q in found.queues
    ]
    show(table("Queues", ["queue", ">messages", ">oldest order s", ">heard s ago"], queues))
    roles = [
        [r.role, str(r.processes), _seconds(r.largest_mb), ", ".join(r.takes) or "-"]
        for r in found.roles
    ]
    show(table("Processes of this machine", ["role", ">number", ">largest MB", "takes"], roles))
    running = [
        [worker, ", ".join(f"{count} x {name}" for name, count in tasks.items()) or "-"]
        for worker, tasks in found.running.items()
    ]
    show(table("Workers that answer", ["worker", "runs"], running))
    traffic = found.traffic
    show(
        f"{traffic.orders_a_second:,.1f} orders a second, decided within {_seconds(traffic.median_ms)} ms "
        f"(median) and {_seconds(traffic.p99_ms)} ms (p99); oldest Greeks {_seconds(found.greeks_age_seconds)} s"
    )
    if found.unread:
        show(f"Not readable: {', '.join(found.unread)}")


def _seconds(number: float | None) -> str:
    return "-" if number is None else f"{number:,.1f}"
