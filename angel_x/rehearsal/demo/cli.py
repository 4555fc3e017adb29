"""The command ``angel-x demo``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import click

from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.options import (
    as_json,
    at_speed,
    check_chain,
    recorded_chain,
    recorded_day,
    seeded,
)
from angel_x.entrypoints.cli.running import quiet
from angel_x.entrypoints.presentation.printing import console_for_people, print_json
from angel_x.entrypoints.supervisor import ProgramLate
from angel_x.entrypoints.up.system import Stopped, SystemLate
from angel_x.errors import InvalidInput
from angel_x.rehearsal.demo.command import DemoOptions, demonstrate, replay_expiry
from angel_x.rehearsal.demo.expiry_report import ExpiryReport, render_expiry
from angel_x.rehearsal.demo.rendering import render
from angel_x.rehearsal.demo.report import DemoOutcome, DemoReport
from angel_x.rehearsal.waiting import NotFinished
from config.loading import load, with_secrets
from config.settings import Settings

#: The exit code of each outcome; 2 is an invalid request.
EXIT_CODES = {DemoOutcome.HOLDS: 0, DemoOutcome.BROKEN: 1, DemoOutcome.UNFINISHED: 3}


@click.command()
@recorded_chain
@seeded("Random seed.")
@click.option("--orders", default=5000, show_default=True, type=click.IntRange(60, 1_000_000))
@at_speed
@recorded_day
@click.option("--keep", is_flag=True, help="Keep the system running after the report.")
@as_json
def demo(
    chain: Path | None,
    seed: int,
    orders: int,
    speed: float,
    day: datetime | None,
    *,
    keep: bool,
    as_json: bool,
) -> None:
    """Start everything, trade, kill a worker half way, and prove that nothing went wrong.

    With --day one account trades a recorded day of expiry instead, from its opening to the
    settlement, and the report is its contract note.

    Exit code 0 means that every invariant holds, 1 that one is broken or the demonstration could
    not run, and 3 that it was not finished in time and no invariant is broken so far.
    """
    check_chain(chain)
    settings = load(os.environ, of_running=False)
    configure_logging(quiet(settings), "demo")
    if day is not None:
        _replay_expiry(settings, chain, day.date(), as_json=as_json)
        return
    options = DemoOptions(orders=orders, seed=seed, chain=chain, speed=speed, keeps=keep)
    console = console_for_people(stderr=as_json, quiet=as_json)

    def tell(report: DemoReport) -> None:
        if as_json:
            print_json(report.as_document(runs=keep))
        else:
            render(report, console, runs=keep)

    _end_with(
        lambda: demonstrate(settings, with_secrets(os.environ), options, console, tell).outcome
    )


def _replay_expiry(settings: Settings, chain: Path | None, day: date, *, as_json: bool) -> None:
    if chain is None:
        raise InvalidInput("--day needs the --chain of a recording")
    console = console_for_people(stderr=as_json, quiet=as_json)

    def tell(report: ExpiryReport) -> None:
        if as_json:
            print_json(report.as_document())
        else:
            render_expiry(report, console)

    environ = with_secrets(os.environ)
    _end_with(lambda: replay_expiry(settings, environ, chain, day, console, tell).outcome)


def _end_with(work: Callable[[], DemoOutcome]) -> None:
    """Exit with the code of an outcome."""
    try:
        outcome = work()
    except Stopped:
        raise click.ClickException("the demonstration was stopped") from None
    except (NotFinished, ProgramLate, SystemLate) as error:
        click.echo(f"NOT FINISHED in time: {error}.  No rule was checked.", err=True)
        sys.exit(EXIT_CODES[DemoOutcome.UNFINISHED])
    sys.exit(EXIT_CODES[outcome])
