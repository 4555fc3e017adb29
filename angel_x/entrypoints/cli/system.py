"""The whole system from one command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.options import as_json, at_speed, seeded
from angel_x.entrypoints.cli.running import quiet
from angel_x.entrypoints.demo.command import Options, demonstrate
from angel_x.entrypoints.demo.rendering import render
from angel_x.entrypoints.demo.report import Report
from angel_x.entrypoints.presentation.printing import console_for_people, print_json
from angel_x.entrypoints.up.programs import MarketChoice
from angel_x.entrypoints.up.serving import serve
from angel_x.entrypoints.up.system import Plan, Stopped
from angel_x.errors import InvalidInput
from config.settings import load

_chain = click.option(
    "--chain",
    type=click.Path(path_type=Path),
    help="Replay this recorded chain instead of simulating a generated one.",
)
_seed = seeded("Of everything that is random.")


@click.command()
@_chain
@_seed
@at_speed
@click.option("--verbose", is_flag=True, help="Show all that the processes write.")
def up(chain: Path | None, seed: int, speed: float, *, verbose: bool) -> None:
    """Run the whole system until Ctrl-C; what dies is started again."""
    _check_chain(chain)
    settings = load(os.environ)
    configure_logging(quiet(settings), "up")
    plan = Plan(
        settings=settings,
        environ=dict(os.environ),
        market=MarketChoice(chain=chain, seed=seed, speed=speed),
    )
    serve(plan, console_for_people(), verbose=verbose)


@click.command()
@_chain
@_seed
@click.option("--orders", default=5000, show_default=True, type=click.IntRange(60, 1_000_000))
@at_speed
@click.option("--keep", is_flag=True, help="Keep the system running after the report.")
@as_json
def demo(
    chain: Path | None, seed: int, orders: int, speed: float, *, keep: bool, as_json: bool
) -> None:
    """Start everything, trade, kill a worker half way, and prove that nothing went wrong.

    Exit code 0 means that every invariant holds.
    """
    _check_chain(chain)
    settings = load(os.environ)
    configure_logging(quiet(settings), "demo")
    options = Options(orders=orders, seed=seed, chain=chain, speed=speed, keeps=keep)
    console = console_for_people(stderr=as_json, quiet=as_json)

    def tell(report: Report) -> None:
        if as_json:
            print_json(report.as_document())
        else:
            render(report, console, runs=keep)

    try:
        holds = demonstrate(settings, dict(os.environ), options, console, tell)
    except Stopped:
        raise click.ClickException("the demonstration was stopped") from None
    if not holds:
        sys.exit(1)


def _check_chain(chain: Path | None) -> None:
    if chain is not None and not chain.is_file():
        raise InvalidInput(f"the chain must be a file, was {chain}")
