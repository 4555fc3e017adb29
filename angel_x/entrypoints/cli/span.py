"""The SPAN risk parameter file from which margin is computed."""

from __future__ import annotations

from pathlib import Path

import click

from angel_x.adapters.risk_files import read_risk_file
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import print_json, show
from angel_x.errors import InvalidInput
from angel_x.services.accounts.risk_files import RiskFileStatus


@click.group(invoke_without_command=True)
@click.pass_context
@as_json
def span(context: click.Context, *, as_json: bool) -> None:
    """Show the risk parameter file from which margin is computed.

    Without one, margin comes from the risk arrays that are published with the Greeks.
    """
    if context.invoked_subcommand is None:
        with application() as app:
            _print(app.orders.risk_files.status(), as_json=as_json)


@span.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def load(file: Path, *, as_json: bool) -> None:
    """Compute margin from the clearing corporation's FILE (.spn, plain or zipped) from now on.

    FILE is taken or refused as a whole.  It counts on its day and on the next trading day; after that, and
    for contracts that it lacks, margin is unknown and sales are denied with NO_RISK_ARRAY.
    """
    try:
        found = read_risk_file(file)
    except OSError as error:
        raise InvalidInput(f"the file cannot be read: {error}") from error
    with application() as app:
        _print(app.orders.risk_files.load(found, actor()), as_json=as_json)


@span.command()
@as_json
def drop(*, as_json: bool) -> None:
    """Compute margin from published risk arrays again."""
    with application() as app:
        app.orders.risk_files.drop(actor())
        _print(app.orders.risk_files.status(), as_json=as_json)


def _print(found: RiskFileStatus | None, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    elif found is None:
        show("Margin is computed from published risk arrays.")
    else:
        until = "" if found.counts else "; it does not count today, so margin is unknown"
        show(f"{found.file} of {found.day}, {grouped(found.contracts)} contracts{until}.")
