"""The command ``angel-x top``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click
from rich.console import Group
from rich.live import Live

from angel_x.bootstrap import TRANSIENT
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import console_for_people, print_json, show
from angel_x.entrypoints.presentation.status_tables import status_parts, timing_table
from angel_x.entrypoints.status import Status, read_status

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.domain.operations.timing import Timing


@dataclass(frozen=True, slots=True)
class Picture:
    """The system at one moment."""

    status: Status
    #: Of all processes, by name; empty while the cache is away.
    timings: dict[str, Timing]


@click.command()
@click.option(
    "--every",
    "seconds",
    type=click.FloatRange(min=0.1, max=60),
    default=2.0,
    show_default=True,
    help="Seconds between two pictures, over which orders are counted.",
)
@click.option("--once", is_flag=True, help="Show one picture and end.")
@as_json
def top(seconds: float, *, once: bool, as_json: bool) -> None:
    """Show the whole system live, until Ctrl-C.

    Alerts, queues with depth and age, processes with their memory, the tasks that workers run, orders a
    second with their latency, the age of Greeks, and the times of everything that is timed.  Without a
    terminal one picture is shown.  A server that is away is an alert, and the rest goes on.
    """
    console = console_for_people()
    with application() as app:
        if as_json:
            print_json(asdict(_picture(app, seconds)))
        elif once or not console.is_terminal:
            show(_screen(_picture(app, seconds)))
        else:
            with (
                _until_interrupted(),
                Live(console=console, screen=True, auto_refresh=False) as live,
            ):
                while True:
                    live.update(_screen(_picture(app, seconds)), refresh=True)


@contextmanager
def _until_interrupted() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        return


def _picture(app: Application, seconds: float) -> Picture:
    status = read_status(app, seconds=seconds)
    try:
        return Picture(status, app.operations.timings.all())
    except TRANSIENT:
        return Picture(status, {})


def _screen(picture: Picture) -> Group:
    return Group(*status_parts(picture.status), timing_table(picture.timings))
