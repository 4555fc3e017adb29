"""The command ``angel-x reports``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from angel_x.domain.operations.review import ReviewKind
from angel_x.entrypoints.cli.numbers import Whole
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.byte_sizes import in_bytes
from angel_x.entrypoints.presentation.indian import ist
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.entrypoints.presentation.progress import working
from angel_x.errors import NoReview

if TYPE_CHECKING:
    from angel_x.domain.operations.review import Review

_kind = click.argument("kind", type=click.Choice([kind.value for kind in ReviewKind]))
_STATEMENT_WIDTH = 90


@click.group(invoke_without_command=True)
@click.option("--limit", type=Whole(1, 1000), default=10, show_default=True)
@as_json
@click.pass_context
def reports(context: click.Context, limit: int, *, as_json: bool) -> None:
    """List the weekly and monthly reviews, show one, or write one now."""
    if context.invoked_subcommand is not None:
        return
    with application() as app:
        found = app.operations.reviews.newest(limit=limit)
    if as_json:
        print_json({"reviews": [asdict(review) for review in found]})
        return
    rows = [
        [review.kind.value, ist(review.at), str(len(review.slower)), "; ".join(review.hints) or "-"]
        for review in found
    ]
    show(table("Reviews", ["kind", "written (IST)", ">slower", "hints"], rows))


@reports.command("show")
@_kind
@as_json
def show_one(kind: str, *, as_json: bool) -> None:
    """Show the last review of a kind.

    Exit code 1: there is none yet.
    """
    with application() as app:
        found = app.operations.reviews.newest(ReviewKind(kind), 1)
    if not found:
        raise NoReview(f"no {kind} review was written yet: `angel-x reports write {kind}`")
    _tell(found[0], as_json=as_json)


@reports.command()
@_kind
@as_json
def write(kind: str, *, as_json: bool) -> None:
    """Write a review now, compared with the last one of its kind, and show it."""
    with application() as app, working("the system is measured"):
        review = app.operations.reviews.write(ReviewKind(kind))
    _tell(review, as_json=as_json)


def _tell(review: Review, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(review))
        return
    show(f"The {review.kind.value} review of {ist(review.at)} IST")
    show(*_tables(review))
    for hint in review.hints:
        show(f"Hint: {hint}")


def _tables(review: Review) -> Sequence[object]:
    slower = [[c.name, f"{c.before_ms:,.2f}", f"{c.now_ms:,.2f}"] for c in review.slower]
    times = [[name, f"{ms:,.2f}"] for name, ms in sorted(review.times_ms.items())]
    statements = [
        [s.statement[:_STATEMENT_WIDTH], f"{s.calls:,}", f"{s.mean_ms:,.1f}", f"{s.total_ms:,.0f}"]
        for s in review.statements
    ]
    tables = [
        [t.name, in_bytes(t.bytes), in_bytes(t.index_bytes), in_bytes(t.bloat_bytes)]
        for t in review.tables
    ]
    unused = [[i.name, i.table, in_bytes(i.bytes)] for i in review.unused_indexes]
    return (
        table("Slower than at the last review", ["time of", ">before ms", ">now ms"], slower),
        table("Times", ["time of", ">median ms"], times),
        table("Slowest statements", ["statement", ">calls", ">mean ms", ">total ms"], statements),
        table("Largest tables", ["table", ">size", ">indexes", ">bloat"], tables),
        table("Indexes without a scan", ["index", "table", ">size"], unused),
    )
