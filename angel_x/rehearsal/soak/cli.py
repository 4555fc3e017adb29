"""The command ``angel-x soak``."""

from __future__ import annotations

import os
import sys

import click

from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.options import as_json, seeded
from angel_x.entrypoints.cli.running import quiet
from angel_x.entrypoints.presentation.printing import console_for_people, print_json
from angel_x.entrypoints.up.system import Stopped
from angel_x.rehearsal.soak import command
from angel_x.rehearsal.soak.options import SoakOptions
from angel_x.rehearsal.soak.rendering import render
from angel_x.rehearsal.soak.report import SoakReport
from config.loading import load, with_secrets


@click.command()
@click.option("--minutes", default=60.0, show_default=True, type=click.FloatRange(0.5, 10_000))
@click.option(
    "--orders-per-second",
    default=100.0,
    show_default=True,
    type=click.FloatRange(0.1, 10_000),
    help="Orders of all accounts together.",
)
@seeded("Random seed of the load and of the market.")
@click.option("--keep-home", is_flag=True, help="Keep the data directory with its logs.")
@as_json
def soak(
    minutes: float,
    orders_per_second: float,
    seed: int,
    *,
    keep_home: bool,
    as_json: bool,
) -> None:
    """Run the whole system under a steady load, and prove that no process grows.

    Memory, descriptors and connections of every program are sampled. Exit code 0 means that after a
    quarter of the time none of them surely grew, all orders were decided, and every invariant holds.
    """
    settings = load(os.environ, of_running=False)
    configure_logging(quiet(settings), "soak")
    console = console_for_people(stderr=as_json, quiet=as_json)
    options = SoakOptions(
        minutes=minutes, orders_per_second=orders_per_second, seed=seed, keeps_home=keep_home
    )

    def tell(report: SoakReport) -> None:
        if as_json:
            print_json(report.as_document())
        else:
            render(report, console)

    try:
        holds = command.soak(settings, with_secrets(os.environ), options, console, tell)
    except Stopped:
        raise click.ClickException("the soak was stopped") from None
    if not holds:
        sys.exit(1)
