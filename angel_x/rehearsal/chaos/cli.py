"""The command ``angel-x chaos``."""

from __future__ import annotations

import os
import sys

import click

from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.options import as_json, seeded
from angel_x.entrypoints.cli.running import quiet
from angel_x.entrypoints.presentation.printing import console_for_people, print_json
from angel_x.entrypoints.up.system import Stopped
from angel_x.rehearsal.chaos.command import storm
from angel_x.rehearsal.chaos.options import ChaosOptions
from angel_x.rehearsal.chaos.rendering import render
from angel_x.rehearsal.chaos.report import ChaosReport
from config.loading import load, with_secrets

#: Verified faults that are required for each minute by default.
_FAULTS_A_MINUTE = 20


@click.command()
@click.option("--orders", default=10_000, show_default=True, type=click.IntRange(100, 10_000_000))
@click.option("--minutes", default=2.0, show_default=True, type=click.FloatRange(0.1, 10_000))
@seeded("Random seed of the load and of the storm.")
@click.option(
    "--faults",
    type=click.IntRange(1, 1_000_000),
    help=f"Verified faults that are required; by default {_FAULTS_A_MINUTE} a minute.",
)
@click.option(
    "--drain-seconds",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="After the last repair, until every order is decided.",
)
@click.option("--keep-home", is_flag=True, help="Keep the data directory with its logs.")
@as_json
def chaos(
    orders: int,
    minutes: float,
    seed: int,
    faults: int | None,
    drain_seconds: float,
    *,
    keep_home: bool,
    as_json: bool,
) -> None:
    """Run the whole system through a storm of faults, and prove that no order was lost or doubled.

    Exit code 0 means that nothing was lost or doubled, every invariant holds, all orders were decided
    in time, and the requested number of faults is proven to have happened.
    """
    settings = load(os.environ, of_running=False)
    configure_logging(quiet(settings), "chaos")
    console = console_for_people(stderr=as_json, quiet=as_json)
    options = ChaosOptions(
        orders=orders,
        minutes=minutes,
        seed=seed,
        faults=max(1, round(minutes * _FAULTS_A_MINUTE)) if faults is None else faults,
        drain_seconds=drain_seconds,
        keeps_home=keep_home,
    )

    def tell(report: ChaosReport) -> None:
        if as_json:
            print_json(report.as_document())
        else:
            render(report, console)

    try:
        holds = storm(settings, with_secrets(os.environ), options, console, tell)
    except Stopped:
        raise click.ClickException("the storm was stopped") from None
    if not holds:
        sys.exit(1)
