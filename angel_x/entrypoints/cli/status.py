"""The command ``angel-x status``."""

from __future__ import annotations

from dataclasses import asdict

import click

from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import print_json, show
from angel_x.entrypoints.presentation.status_tables import status_parts
from angel_x.entrypoints.status import read_status
from angel_x.errors import ServerUnavailable

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
        show(*status_parts(found))
    if not found.is_well:
        context.exit(_NOT_WELL)
