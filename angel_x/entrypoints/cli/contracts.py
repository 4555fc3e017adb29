"""Which contracts are listed."""

from __future__ import annotations

from pathlib import Path

import click

from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import print_json, show
from angel_x.errors import InvalidInput


@click.group()
def contracts() -> None:
    """The contract table."""


@contracts.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--generate", is_flag=True, help="List a chain of NIFTY made by the rules.")
@as_json
def load(file: Path | None, *, generate: bool, as_json: bool) -> None:
    """List the contracts of a recorded chain in FILE, and no others.

    A feed that replays another recording goes on with that one's contracts only.
    """
    if (file is None) is not generate:
        raise InvalidInput("either a chain file or --generate is needed, and not both")
    with application() as app:
        try:
            listing = (
                app.contracts.load_generated() if file is None else app.contracts.load_file(file)
            )
        except OSError as error:
            raise InvalidInput(f"the chain file cannot be read: {error}") from error
    if as_json:
        print_json(listing)
    else:
        show(
            f"{grouped(listing.listed)} contracts in {listing.chains} chains are listed, "
            f"{grouped(listing.unlisted)} are no more.  Version {listing.version}."
        )
