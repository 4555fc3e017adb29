"""The command ``angel-x doctor``."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from angel_x.domain.operations.check import Check, CheckStatus, Diagnosis
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.doctor.examination import examine
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.entrypoints.presentation.progress import working
from angel_x.errors import BooksDiffer, InvalidInput

if TYPE_CHECKING:
    from angel_x.entrypoints.doctor.repairs import Repair

_NOT_WELL = 1


@click.command()
@click.option("--fix", is_flag=True, help="Repair what is safe, and check again.")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings and unknown checks too.")
@click.option("--rebuild", is_flag=True, help="Only make every account again from its history.")
@as_json
@click.pass_context
def doctor(
    context: click.Context, *, fix: bool, strict: bool, rebuild: bool, as_json: bool
) -> None:
    """Check settings, machine, servers, books and targets of a system that runs or is down.

    Each check has a status, and where something is measured the value with its limit; one that is not
    ok has a remedy.  Exit code 0: no check failed.  1: a check failed, with --strict also one that
    warns or could not be made.

    With --rebuild positions, cash, margin and P&L of every account are made again from fills,
    settlements and ledger, and compared with the stored ones.  Nothing is changed.
    """
    if rebuild:
        if fix:
            raise InvalidInput("--fix repairs no accounts: leave it out, or leave out --rebuild")
        _rebuild(as_json=as_json)
        return
    with working("servers") as tell:
        found, repairs = examine(os.environ, fix=fix, tell=tell)
    if as_json:
        print_json({**asdict(found), "repairs": [asdict(repair) for repair in repairs]})
    else:
        _show(found, repairs)
    if not (found.is_spotless if strict else found.ok):
        context.exit(_NOT_WELL)


def _rebuild(*, as_json: bool) -> None:
    with application() as app, working("accounts are made again from their history"):
        found = app.operations.rebuild.check()
    if as_json:
        print_json(found)
    else:
        _show(found, [])
    if not found.ok:
        raise BooksDiffer("stored accounts differ from their history")


def _show(found: Diagnosis, repairs: list[Repair]) -> None:
    columns = ["check", "status", ">measured", ">limit", "detail"]
    show(table("Checks", columns, map(_cells, found.checks)))
    fixes = [[check.name, check.fix] for check in found.checks if check.fix]
    if fixes:
        show(table("What to do", ["check", "fix"], fixes))
    made = [
        [each.name, "repaired" if each.is_made else "NOT repaired", each.detail] for each in repairs
    ]
    if made:
        show(table("Repairs", ["check", "", "detail"], made))
    show(_summary(found))


def _cells(check: Check) -> list[str]:
    numbers = [f"{n:,g} {check.unit}" if n is not None else "" for n in (check.value, check.limit)]
    status = check.status.value if check.status is CheckStatus.OK else check.status.value.upper()
    return [check.name, status, *numbers, check.detail]


def _summary(found: Diagnosis) -> str:
    counts = {s: sum(check.status is s for check in found.checks) for s in CheckStatus}
    words = ", ".join(f"{number} {status.value}" for status, number in counts.items() if number)
    return f"{len(found.checks)} checks: {words}"
