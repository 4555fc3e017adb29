"""The command ``angel-x schedule``."""

from __future__ import annotations

import math
from dataclasses import asdict

import click

from angel_x.domain.calendar.session import IST
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.services.operations.schedule import LATE_SECONDS, DueEntry


@click.command()
@click.option("--forget", metavar="NAME", help="Delete an entry that Beat has put aside.")
@as_json
def schedule(forget: str | None, *, as_json: bool) -> None:
    """Show last run, next run and lateness of each periodic task."""
    with application() as app:
        kept = app.operations.schedule
        if forget is not None and not kept.forget(forget):
            raise click.ClickException(f"no entry of this name was put aside: {forget}")
        turns, aside = kept.turns(), kept.aside()
    if as_json:
        print_json({"entries": [asdict(turn) for turn in turns], "aside": aside})
        return
    columns = ["entry", "task", "last run", "next run", ">late s"]
    show(table("Periodic tasks, in India's time", columns, [_cells(turn) for turn in turns]))
    if aside:
        show(f"Put aside because they could not be decoded: {', '.join(aside)}")


def _cells(turn: DueEntry) -> list[str]:
    times = [
        moment.astimezone(IST).isoformat(sep=" ", timespec="seconds") if moment else "-"
        for moment in (turn.last_run_at, turn.next_run_at)
    ]
    late = "lost" if math.isinf(turn.late_seconds) else f"{turn.late_seconds:.0f}"
    mark = " LATE" if turn.late_seconds > LATE_SECONDS else ""
    return [turn.name, turn.task or "-", *times, late + mark]
