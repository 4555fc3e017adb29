"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable

import click

from angel_x.domain.feed.pace import FASTEST, SLOWEST


def checked_speed(_context: click.Context, _parameter: click.Parameter, speed: float) -> float:
    """Refuse a speed at which time would stand or jump."""
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


def seeded(help_text: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Return the option that says what chance is drawn from."""
    whole = click.IntRange(min=0)
    return click.option("--seed", default=1, show_default=True, type=whole, help=help_text)
