"""Final settlement prices, the levels of the indices, and accounts with expired positions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import named, read
from angel_x.domain.book.settlement import (
    DueExpiry,
    Expiry,
    IndexLevel,
    PriceSource,
    SettlementPrice,
)
from angel_x.errors import SettlementRefused

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

#: Prices are added and fixed one after the other.
_LOCK = f"SELECT pg_advisory_xact_lock({0x5E771E})"
_DUE = """
SELECT c.underlying, c.expiry, max(c.expires_at) AS expires_at
FROM (SELECT DISTINCT symbol FROM positions WHERE status = 'OPEN') p JOIN contracts c USING (symbol)
WHERE c.expires_at <= %(now)s GROUP BY 1, 2 ORDER BY 2, 1
"""
_HOLDERS = """
SELECT DISTINCT p.user_id FROM positions p JOIN contracts c USING (symbol)
WHERE p.status = 'OPEN' AND c.underlying = %(underlying)s AND c.expiry = %(expiry)s ORDER BY 1
"""
_KNOWN = """
SELECT DISTINCT underlying, expiry FROM unnest(%(names)s::text[], %(days)s::date[])
    AS t (underlying, expiry)
WHERE EXISTS (SELECT FROM contracts c WHERE c.underlying = t.underlying AND c.expiry = t.expiry)
"""
_NOTE = """
INSERT INTO index_levels (underlying, level, at)
SELECT name, level, %(at)s FROM unnest(%(names)s::text[], %(levels)s::numeric[]) AS t (name, level)
ON CONFLICT (underlying) DO UPDATE SET level = excluded.level, at = excluded.at
"""
_LEVELS = "SELECT underlying, level, at FROM index_levels"
_PRICE = "underlying, expiry, price, source, actor"
_FINAL = f"""
SELECT {", ".join(f"s.{name}" for name in _PRICE.split(", "))}
FROM final_prices f JOIN settlement_prices s ON s.id = f.price_id
WHERE f.underlying = %(underlying)s AND f.expiry = %(expiry)s
"""
# A price that its source has reported last is not added again.
_ADD = """
WITH added AS (
    INSERT INTO settlement_prices (underlying, expiry, price, source, actor)
    SELECT %(underlying)s, %(expiry)s, %(price)s, %(source)s, %(actor)s
    WHERE %(price)s IS DISTINCT FROM (
        SELECT price FROM settlement_prices WHERE underlying = %(underlying)s
            AND expiry = %(expiry)s AND source = %(source)s ORDER BY id DESC LIMIT 1)
    RETURNING price
)
INSERT INTO audit_entries (actor, action, subject, detail)
SELECT %(actor)s, 'settlement_price.added', %(subject)s,
    jsonb_build_object('price', price::text, 'source', %(source)s::text)
FROM added
"""
_FIX = f"""
WITH best AS (
    SELECT id, price, source FROM settlement_prices
    WHERE underlying = %(underlying)s AND expiry = %(expiry)s AND source = ANY(%(sources)s::text[])
    ORDER BY array_position('{array(PriceSource)}'::text[], source), id DESC LIMIT 1
), fixed AS (
    INSERT INTO final_prices (underlying, expiry, price_id)
    SELECT %(underlying)s, %(expiry)s, id FROM best ON CONFLICT DO NOTHING RETURNING price_id
)
INSERT INTO audit_entries (actor, action, subject, detail)
SELECT 'settlement', 'settlement_price.fixed', %(subject)s,
    jsonb_build_object('price', b.price::text, 'source', b.source)
FROM best b JOIN fixed f ON f.price_id = b.id
"""
_PRICES = f"""
SELECT {_PRICE} FROM settlement_prices WHERE underlying = %(underlying)s AND expiry = %(expiry)s
ORDER BY array_position('{array(PriceSource)}'::text[], source), id DESC
"""


class _DueRow(NamedTuple):
    underlying: str
    expiry: date
    expires_at: datetime


class _KnownRow(NamedTuple):
    underlying: str
    expiry: date


class _LevelRow(NamedTuple):
    underlying: str
    level: Decimal
    at: datetime


class _PriceRow(NamedTuple):
    """``_PRICE``."""

    underlying: str
    expiry: date
    price: Decimal
    source: str
    actor: str


class PostgresSettlements:
    """The tables ``settlement_prices``, ``final_prices`` and ``index_levels``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def due(self, now: datetime) -> list[DueExpiry]:
        """Return the expiries at or before a time with open positions, oldest first."""
        rows = read(self._engine, _DUE, _DueRow, {"now": now})
        return [DueExpiry(Expiry(r.underlying, r.expiry), r.expires_at) for r in rows]

    def holders(self, expiry: Expiry) -> list[int]:
        """Return the accounts with open positions in an expiry."""
        with self._engine.connect() as connection:
            return list(connection.exec_driver_sql(_HOLDERS, _parameters(expiry)).scalars())

    def known(self, expiries: Sequence[Expiry]) -> set[Expiry]:
        """Return those expiries of which a contract was ever listed."""
        parameters = {
            "names": array(expiry.underlying for expiry in expiries),
            "days": array(expiry.day for expiry in expiries),
        }
        rows = read(self._engine, _KNOWN, _KnownRow, parameters)
        return {Expiry(*row) for row in rows}

    def note_levels(self, levels: Mapping[str, Decimal], at: datetime) -> None:
        """Store the levels of indices at a market time, each in the place of the one before."""
        names = sorted(levels)
        parameters = {
            "names": array(names),
            "levels": array(levels[name] for name in names),
            "at": at,
        }
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_NOTE, parameters)

    def levels(self) -> dict[str, IndexLevel]:
        """Return the last stored level of each index."""
        rows = read(self._engine, _LEVELS, _LevelRow)
        return {row.underlying: IndexLevel(row.level, row.at) for row in rows}

    def add_price(self, price: SettlementPrice) -> None:
        """Store a price with its audit entry; a second call with the same price changes nothing.

        Raises:
            SettlementRefused: The expiry is settled at another price.
        """
        parameters = _parameters(price.expiry) | {
            "price": price.price,
            "source": price.source.value,
            "actor": price.actor,
        }
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_LOCK)
            final = _final(connection, price.expiry)
            if final is None:
                connection.exec_driver_sql(_ADD, parameters)
            elif final.price != price.price:
                raise SettlementRefused(
                    f"{price.expiry} is settled at {final.price}, was {price.price}"
                )

    def fix(self, expiry: Expiry, sources: frozenset[PriceSource]) -> SettlementPrice | None:
        """Return the final price, fixed now from the best of ``sources`` unless it is fixed already."""
        parameters = _parameters(expiry) | {"sources": array(sorted(sources))}
        with self._engine.begin() as connection:
            connection.exec_driver_sql(_LOCK)
            connection.exec_driver_sql(_FIX, parameters)
            return _final(connection, expiry)

    def prices(self, expiry: Expiry) -> list[SettlementPrice]:
        """Return every reported price of an expiry, the best source first."""
        return [_price(r) for r in read(self._engine, _PRICES, _PriceRow, _parameters(expiry))]


def _final(connection: Connection, expiry: Expiry) -> SettlementPrice | None:
    rows = named(connection.exec_driver_sql(_FINAL, _parameters(expiry)), _PriceRow)
    return _price(rows[0]) if rows else None


def _price(row: _PriceRow) -> SettlementPrice:
    return SettlementPrice(
        expiry=Expiry(row.underlying, row.expiry),
        price=row.price,
        source=PriceSource(row.source),
        actor=row.actor,
    )


def _parameters(expiry: Expiry) -> dict[str, object]:
    return {
        "underlying": expiry.underlying,
        "expiry": expiry.day,
        "subject": f"expiry:{expiry.underlying}:{expiry.day.isoformat()}",
    }
