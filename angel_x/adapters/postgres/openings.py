"""Opening positions of accounts: rows beside the book that they changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.book_unit import BookUnit

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from angel_x.domain.book.book import Book
    from angel_x.domain.book.opening import Opening

_LOCK = "SELECT FROM users WHERE id = %(user_id)s::bigint FOR NO KEY UPDATE"
_SAVE = """
WITH audited AS (
    INSERT INTO audit_entries (actor, action, subject, detail)
    SELECT %(actor)s::text, 'book.opened', 'user:' || %(user_id)s::bigint, jsonb_build_object(
        'positions', cardinality(%(symbols)s::text[]), 'cash', cash::text)
    FROM users WHERE id = %(user_id)s::bigint
)
INSERT INTO openings (user_id, symbol, product, quantity, price, day, actor)
SELECT %(user_id)s::bigint, symbol, product, quantity, price, %(day)s::date, %(actor)s::text
FROM unnest(%(symbols)s::text[], %(products)s::text[], %(quantities)s::integer[], %(prices)s::numeric[])
    AS t (symbol, product, quantity, price)
"""


class PostgresOpenings:
    """The table ``openings``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        user_id: int,
        openings: Sequence[Opening],
        fold: Callable[[Book], None],
        *,
        day: date,
        actor: str,
    ) -> None:
        """Lock an account, change its book by ``fold``, and store both in one transaction."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql(_LOCK, {"user_id": user_id})
            # Nothing is placed at a venue here, so no lease is taken.
            unit = BookUnit(connection, lease_seconds=0.0)
            book = unit.holdings(user_id, {(o.symbol, o.product) for o in openings})
            fold(book)
            unit.record(book, actor)
            connection.exec_driver_sql(
                _SAVE,
                {
                    "user_id": user_id,
                    "actor": actor,
                    "day": day,
                    "symbols": array(o.symbol for o in openings),
                    "products": array(o.product.value for o in openings),
                    "quantities": array(o.quantity for o in openings),
                    "prices": array(o.average_price for o in openings),
                },
            )
            unit.commit()
