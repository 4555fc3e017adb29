"""The command ``angel-x up``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.options import at_speed, check_chain, recorded_chain, seeded
from angel_x.entrypoints.cli.running import quiet
from angel_x.entrypoints.presentation.printing import console_for_people
from angel_x.entrypoints.up.programs import MarketChoice
from angel_x.entrypoints.up.serving import serve
from angel_x.entrypoints.up.system import SystemPlan
from angel_x.errors import InvalidInput
from config.loading import load, with_secrets


@click.command()
@recorded_chain
@click.option(
    "--master",
    type=click.Path(path_type=Path),
    help="Quote the contracts of this scrip master from Angel One.",
)
@seeded("Random seed.")
@at_speed
@click.option("--verbose", is_flag=True, help="Show the output of all processes.")
def up(chain: Path | None, master: Path | None, seed: int, speed: float, *, verbose: bool) -> None:
    """Run the whole system until Ctrl-C; processes that die are restarted."""
    if master is not None and (chain is not None or speed != 1.0):
        raise InvalidInput("--master has a market of its own: without --chain and --speed")
    check_chain(chain)
    check_chain(master, "master")
    settings = load(os.environ, of_running=False)
    if settings.is_live and master is None:
        raise InvalidInput("live trading needs the quotes of the broker: --master FILE")
    configure_logging(quiet(settings), "up")
    plan = SystemPlan(
        settings=settings,
        environ=with_secrets(os.environ),
        market=MarketChoice(chain=chain, master=master, seed=seed, speed=speed),
    )
    serve(plan, console_for_people(), verbose=verbose)
