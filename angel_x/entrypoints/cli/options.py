"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from angel_x.domain.feed.pace import FASTEST, SLOWEST
from angel_x.entrypoints.cli.numbers import Whole
from angel_x.errors import InvalidInput


def checked_speed(_context: click.Context, _parameter: click.Parameter, speed: float) -> float:
    """Refuse a speed out of bounds."""
    if not SLOWEST <= speed <= FASTEST:
        raise click.BadParameter(f"must be from {SLOWEST:g} to {FASTEST:,}, was {speed}")
    return speed


#: For every command with output.
as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
for_user = click.option("--user", default="demo", show_default=True, help="The account's name.")
at_speed = click.option(
    "--speed",
    default=1.0,
    show_default=True,
    callback=checked_speed,
    help="Market seconds per second.",
)
recorded_chain = click.option(
    "--chain",
    type=click.Path(path_type=Path),
    help="Replay this recorded chain instead of simulating a generated one.",
)
recorded_day = click.option(
    "--day",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Replay this day of the recorded chain only, until it has ended.",
)


def check_chain(chain: Path | None, name: str = "chain") -> None:
    """Refuse a recorded chain, or another file with a name, that is not a file.

    Raises:
        InvalidInput: With the path.
    """
    if chain is not None and not chain.is_file():
        raise InvalidInput(f"the {name} must be a file, was {chain}")


def seeded(help_text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option for a random seed."""
    not_negative = Whole(min=0)
    return click.option("--seed", default=1, show_default=True, type=not_negative, help=help_text)
