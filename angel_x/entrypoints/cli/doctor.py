"""Checks of the stored state."""

from __future__ import annotations

import click

from angel_x.domain.operations.check import Diagnosis
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import BooksDiffer, InvalidInput


@click.command()
@click.option("--rebuild", is_flag=True, help="Make every account again from its history.")
@as_json
def doctor(*, rebuild: bool, as_json: bool) -> None:
    """Check the stored state; exits with 1 if a check fails.

    With --rebuild positions, cash, margin and P&L of every account are made again from fills,
    settlements and ledger, and compared with the stored ones.  Nothing is changed.
    """
    if not rebuild:
        raise InvalidInput("a check is needed: --rebuild")
    with application() as app:
        found = app.operations.rebuild.check()
    if as_json:
        print_json(found)
    else:
        _show(found)
    if not found.ok:
        raise BooksDiffer("stored accounts differ from their history")


def _show(found: Diagnosis) -> None:
    rows = ((c.name, c.status.value, c.detail, c.fix or "") for c in found.checks)
    show(table("Checks", ("check", "status", "detail", "fix"), rows))
