"""Quotes of every minute of the market: one row a chain and minute, one statement a minute."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.rows import read
from angel_x.domain.records.minute_series import ContractMinute, StraddleMinute
from angel_x.domain.values.money import rupees

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from angel_x.domain.quotes.minute_sample import ChainMinute

# A list of lists of other lengths is no array, so each one travels as its text.
_SAVE = """
INSERT INTO minute_quotes (minute, underlying, expiry, spot_paise, strike_paise, call_paise, put_paise,
    contracts, prices, oi)
SELECT %(minute)s::timestamptz, underlying, expiry, spot, strike, call, put,
    contracts::integer[], prices::integer[], oi::bigint[]
FROM unnest(
    %(underlying)s::text[], %(expiry)s::date[], %(spot)s::integer[], %(strike)s::integer[],
    %(call)s::integer[], %(put)s::integer[], %(contracts)s::text[], %(prices)s::text[], %(oi)s::text[]
) AS t (underlying, expiry, spot, strike, call, put, contracts, prices, oi)
ON CONFLICT DO NOTHING
"""
_ON_DAY = """
    minute >= %(day)s::date::timestamp AT TIME ZONE 'Asia/Kolkata'
    AND minute < (%(day)s::date + 1)::timestamp AT TIME ZONE 'Asia/Kolkata'
"""
_OF_CONTRACT = f"""
SELECT minute, prices[place] AS price, oi[place] AS oi
FROM (
    SELECT minute, prices, oi, array_position(contracts, %(contract)s::integer) AS place
    FROM minute_quotes WHERE underlying = %(underlying)s AND expiry = %(expiry)s AND {_ON_DAY}
) q WHERE place IS NOT NULL ORDER BY minute
"""
# The nearest expiry of each minute, or the one that is asked for.
_UNDERLYING = f"""
SELECT DISTINCT ON (minute) minute, expiry, spot_paise AS spot, strike_paise AS strike,
    call_paise AS call, put_paise AS put
FROM minute_quotes
WHERE underlying = %(underlying)s AND {_ON_DAY} {{0}}
ORDER BY minute, expiry
"""
_NEAREST, _OF_EXPIRY = _UNDERLYING.format(""), _UNDERLYING.format("AND expiry = %(expiry)s")
_FORGET = """
DELETE FROM minute_quotes WHERE (underlying, minute, expiry) IN (
    SELECT underlying, minute, expiry FROM minute_quotes WHERE written_at < %(before)s
    ORDER BY written_at LIMIT %(rows)s
)
"""
#: Rows that one statement deletes, so that it holds few locks for a short time.
_ROWS = 5_000
_SCALARS = ("underlying", "expiry", "spot", "strike", "call", "put")
_LISTS = ("contracts", "prices", "oi")


class _ContractRow(NamedTuple):
    minute: datetime
    price: int
    oi: int


class _UnderlyingRow(NamedTuple):
    minute: datetime
    expiry: date
    spot: int | None
    strike: int | None
    call: int | None
    put: int | None


class PostgresMinuteQuotes:
    """The table ``minute_quotes``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def save(self, minute: datetime, chains: Sequence[ChainMinute]) -> int:
        columns = {name: array(getattr(c, name) for c in chains) for name in _SCALARS}
        lists = {name: array(array(getattr(c, name)) for c in chains) for name in _LISTS}
        with self._engine.begin() as connection:
            saved = connection.exec_driver_sql(_SAVE, {"minute": minute, **columns, **lists})
            return saved.rowcount

    def of_contract(
        self, underlying: str, expiry: date, number: int, day: date
    ) -> tuple[ContractMinute, ...]:
        asked = {"underlying": underlying, "expiry": expiry, "contract": number, "day": day}
        return tuple(
            ContractMinute(at=row.minute, price=rupees(row.price), oi=row.oi)
            for row in read(self._engine, _OF_CONTRACT, _ContractRow, asked)
        )

    def of_underlying(
        self, underlying: str, expiry: date | None, day: date
    ) -> tuple[StraddleMinute, ...]:
        statement = _NEAREST if expiry is None else _OF_EXPIRY
        asked = {"underlying": underlying, "expiry": expiry, "day": day}
        return tuple(map(_straddle, read(self._engine, statement, _UnderlyingRow, asked)))

    def forget(self, before: datetime) -> int:
        forgotten, deleted = 0, _ROWS
        while deleted == _ROWS:
            with self._engine.begin() as connection:
                found = connection.exec_driver_sql(_FORGET, {"before": before, "rows": _ROWS})
                deleted = found.rowcount
            forgotten += deleted
        return forgotten


def _straddle(row: _UnderlyingRow) -> StraddleMinute:
    is_quoted = row.call is not None and row.put is not None
    return StraddleMinute(
        at=row.minute,
        spot=_rupees(row.spot),
        expiry=row.expiry,
        strike=_rupees(row.strike),
        call=_rupees(row.call),
        put=_rupees(row.put),
        straddle=rupees((row.call or 0) + (row.put or 0)) if is_quoted else None,
    )


def _rupees(amount: int | None) -> Decimal | None:
    return None if amount is None else rupees(amount)
