"""Exporting the statements of an account."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from angel_x.domain.records.export import ExportKind
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import show


@click.command()
@click.argument("kind", type=click.Choice([kind.value for kind in ExportKind]))
@for_user
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, by default standard output.",
)
@as_json
def export(kind: str, user: str, output: Path | None, *, as_json: bool) -> None:
    """Write the whole history of an account as CSV: trades, fills, orders, ledger or positions.

    With --json it is one JSON document with a list of this name.  Rows are oldest first, times are UTC.
    They are streamed: memory does not grow with their number.
    """
    with application() as app:
        user_id, exports = app.people.accounts.named(user).id, app.people.exports
        write = exports.write_json if as_json else exports.write
        if output is None:
            write(user_id, ExportKind(kind), sys.stdout)
            return
        with output.open("w", encoding="utf-8", newline="") as file:
            write(user_id, ExportKind(kind), file)
    if not as_json:
        show(f"The {kind} of {user} are written to {output}.")
