"""Exporting the statements of an account."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from angel_x.domain.records.export import ExportFormat, ExportKind
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import show


@click.command()
@click.argument("kind", type=click.Choice([kind.value for kind in ExportKind]))
@for_user
@click.option(
    "--format",
    "form",
    type=click.Choice([form.value for form in ExportFormat]),
    default=ExportFormat.CSV.value,
    show_default=True,
    help="parquet and arrow need angel-x[arrow].",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write, by default standard output.",
)
@as_json
def export(kind: str, user: str, form: str, output: Path | None, *, as_json: bool) -> None:
    """Write the whole history of an account: trades, fills, orders, ledger, positions or Greeks.

    With --json it is one JSON document with a list of this name.  Rows are oldest first, times are UTC.
    They are streamed: memory does not grow with their number.
    """
    wanted = ExportKind(kind), ExportFormat.JSON if as_json else ExportFormat(form)
    with application() as app:
        user_id, exports = app.people.accounts.named(user).id, app.people.exports
        if output is None:
            exports.write(user_id, *wanted, sys.stdout.buffer)
            return
        with output.open("wb") as file:
            exports.write(user_id, *wanted, file)
    if not as_json:
        show(f"The {kind} of {user} are written to {output}.")
