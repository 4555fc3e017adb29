"""Writing a book: one statement with array parameters for everything that a batch changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.adapters.postgres.book_arrays import arrays_of
from angel_x.adapters.postgres.book_statements import (
    ACCOUNTS,
    AMENDED_COLUMNS,
    AMENDED_JOIN,
    EVENTS,
    EXPOSURES,
    FILLS,
    HELD_POSITIONS,
    LEDGER,
    MARGINS,
    NEW_POSITIONS,
    ORDERS,
    SETTLED,
    TRADES,
)
from angel_x.adapters.postgres.parent_orders import move_parents
from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.domain.book.book import Book
from angel_x.domain.book.moves import ParentOrder

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection


def write_book(
    connection: Connection, book: Book, actor: str, *, lease_seconds: float
) -> list[ParentOrder]:
    """Write a book in one round trip, and in a second one the parent orders of moved slices.

    Return the parent orders that moved.
    """
    positions = [*book.flattened, *book.positions.values()]
    held = [p for p in positions if p.id is not None]
    new = [p for p in positions if p.id is None]
    exposures = [book.exposures[key] for key in sorted(book.exposed)]
    pools = sorted(book.margins.changed())
    rows = (
        (FILLS, book.fills),
        (LEDGER, book.entries),
        (EXPOSURES, exposures),
        (MARGINS, pools),
        # New positions wait for the held ones.
        (HELD_POSITIONS, held or new),
        (NEW_POSITIONS, new),
        (TRADES, book.trades),
        (SETTLED, book.settled),
    )
    parts = [_orders(is_amended=bool(book.amended)), EVENTS, ACCOUNTS]
    parts += [part for part, changed in rows if changed]
    parameters = {"actor": actor, "lease": lease_seconds}
    parameters |= arrays_of(book, exposures, pools, held, new)
    execute(connection, parameters, _record(parts))
    parents = {m.order.parent_id for m in book.moves if m.order.parent_id is not None}
    return move_parents(connection, parents, actor)


def _orders(*, is_amended: bool) -> str:
    return ORDERS.format(
        amended_columns=AMENDED_COLUMNS if is_amended else "",
        amended_join=AMENDED_JOIN if is_amended else "",
    )


def _record(parts: Iterable[str]) -> Statement:
    return Statement("record", f"WITH {','.join(parts)} SELECT 1")


#: The statement of a book that writes every table.
RECORD = _record(
    (
        _orders(is_amended=True), EVENTS, FILLS, LEDGER, ACCOUNTS, EXPOSURES, MARGINS, HELD_POSITIONS,
        NEW_POSITIONS, TRADES, SETTLED,
    )
)  # fmt: skip
