"""Options that several commands share."""

from __future__ import annotations

import click


def checked_speed(_context: click.Context, _parameter: click.Parameter, speed: float) -> float:
    """Refuse a speed at which time would stand or jump."""
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"must be positive and finite, was {speed}")
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
