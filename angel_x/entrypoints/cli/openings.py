"""Importing opening positions and cash."""

from __future__ import annotations

from pathlib import Path

import click

from angel_x.adapters.opening_files import read_openings
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import print_json, show
from angel_x.errors import InvalidInput


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--user", required=True, help="The account's name.")
@as_json
def openings(file: Path, user: str, *, as_json: bool) -> None:
    """Import opening positions and cash of an account from FILE, a CSV, all or none.

    Its columns are symbol, product, quantity (units, negative where short) and average_price; a row with
    the symbol CASH has the amount in average_price.  Ledger, margin and audit follow; no charges are due.
    """
    try:
        found = read_openings(file)
    except OSError as error:
        raise InvalidInput(f"the file cannot be read: {error}") from error
    with application() as app:
        user_id = app.people.accounts.named(user).id
        imported = app.trading.openings.load(user_id, found, file.name, actor())
    if as_json:
        print_json(imported)
    else:
        show(
            f"{imported.positions} positions are imported; {user} has ₹{imported.cash} in cash, and "
            f"₹{imported.margin_used} are held as margin."
        )
