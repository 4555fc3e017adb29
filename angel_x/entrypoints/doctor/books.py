"""The books: every invariant of the stored orders, fills, positions and money."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from angel_x.domain.operations.check import Check

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

_FIX = (
    "Halt trading with `angel-x kill-switch on --system`, see `angel-x doctor --rebuild` and "
    "`angel-x audit`, and restore a backup or correct the rows by hand."
)


def checks(app: Application) -> Iterator[Check]:
    """Yield one check for each invariant, all from one snapshot."""
    for invariant in app.operations.invariants.check(app.base.market_clock()):
        found = f"{invariant.broken} rows, such as {invariant.example}"
        yield Check.of_fault(
            f"invariant: {invariant.name}",
            None if invariant.holds else found,
            detail=invariant.rule,
            fix=_FIX,
        )
