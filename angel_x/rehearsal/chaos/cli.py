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
_LIVE_FAULTS_A_MINUTE = 10


@click.group(invoke_without_command=True)
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
@click.pass_context
def chaos(
    context: click.Context,
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
    if context.invoked_subcommand is not None:
        return
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


@chaos.command("live")
@click.option("--orders", default=300, show_default=True, type=click.IntRange(10, 10_000_000))
@click.option("--minutes", default=2.0, show_default=True, type=click.FloatRange(0.05, 10_000))
@seeded("Random seed of the load, of the storm and of the exchange.")
@click.option(
    "--faults",
    type=click.IntRange(1, 1_000_000),
    help=f"Verified faults that are required; by default {_LIVE_FAULTS_A_MINUTE} a minute.",
)
@click.option(
    "--raise-limits",
    default=25,
    show_default=True,
    type=click.IntRange(1, 1000),
    help="How many times the broker's limits of requests are raised, on both sides.",
)
@click.option(
    "--drain-seconds",
    default=120.0,
    show_default=True,
    type=click.FloatRange(0, 3600),
    help="After the last repair, until every order is decided.",
)
@click.option("--keep-home", is_flag=True, help="Keep the data directory with its logs.")
@as_json
def live(
    orders: int,
    minutes: float,
    seed: int,
    faults: int | None,
    raise_limits: int,
    drain_seconds: float,
    *,
    keep_home: bool,
    as_json: bool,
) -> None:
    """Trade live at a fake exchange with every fault through a storm, and prove that both books are equal.

    No money and no broker is touched: the exchange is a process of this machine.  Exit code 0 means that no
    order was lost or sent twice, no execution missed or doubled, no request over its limit, that orders,
    positions and funds are equal on both sides, and that the requested number of faults is proven.
    """
    from angel_x.rehearsal.chaos import live_command, live_report  # noqa: PLC0415 - not needed for help

    configure_logging(quiet(load(os.environ, of_running=False)), "chaos")
    console = console_for_people(stderr=as_json, quiet=as_json)
    asked = max(1, round(minutes * _LIVE_FAULTS_A_MINUTE)) if faults is None else faults
    options = ChaosOptions(
        orders=orders,
        minutes=minutes,
        seed=seed,
        faults=asked,
        drain_seconds=drain_seconds,
        keeps_home=keep_home,
    )

    def tell(report: live_report.LiveReport) -> None:
        if as_json:
            print_json(report.as_document())
        else:
            live_report.render(report, console)

    try:
        holds = live_command.live_storm(
            with_secrets(os.environ), options, raise_limits, console, tell
        )
    except Stopped:
        raise click.ClickException("the storm was stopped") from None
    if not holds:
        sys.exit(1)
