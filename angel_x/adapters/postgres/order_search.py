"""Finding orders that are due for a match, for expiry or for a ring."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.adapters.postgres.rows import named
from angel_x.domain.exchange.matching import ORDER
from angel_x.domain.operations.due_order import DueOrder
from angel_x.domain.orders.order import ASKED, OPEN, RESTING, OrderStatus, Priority, Side
from angel_x.domain.orders.step import Passing, Step, unhindered
from angel_x.domain.values.money import rupees

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sqlalchemy import Connection, Engine

    from angel_x.domain.contracts.universe import Universe

# A column for each field of ORDER, and the symbol for the row; prices in paise.
_RESTING = f"""
SELECT id, symbol, side = '{Side.BUY}' AS is_buy, (limit_price * 100)::bigint AS "limit",
    coalesce((trigger_price * 100)::bigint, 0) AS trigger,
    status = '{OrderStatus.TRIGGER_PENDING}' AS is_stopped,
    quantity - filled_quantity AS leaves, filled_quantity AS filled, time_priority
FROM orders WHERE status IN {literals(RESTING)} AND limit_price IS NOT NULL
"""
_ALL_RESTING = Statement("resting", _RESTING)
_RESTING_IN = Statement("resting_in", f"{_RESTING} AND symbol = ANY(%(symbols)s::text[])")
# At the touch of a contract and side a purchase trades up to its limit, a sale down to it.
_WITHIN = {Side.BUY: "o.limit_price >= t.price", Side.SELL: "o.limit_price <= t.price"}
_MARKETABLE = Statement(
    "marketable",
    " UNION ALL ".join(
        f"""
SELECT o.id, o.symbol, o.side = '{Side.BUY}' AS is_buy, (o.limit_price * 100)::bigint AS "limit",
    o.quantity - o.filled_quantity AS leaves, o.time_priority
FROM unnest(%(symbols)s::text[], %(sides)s::text[], %(prices)s::numeric[]) AS t (symbol, side, price)
JOIN orders o ON o.symbol = t.symbol AND o.side = t.side AND {within}
WHERE o.side = '{side}' AND o.valid_until > %(now)s::timestamptz
    AND o.status IN {literals(RESTING - {OrderStatus.TRIGGER_PENDING})} AND o.slices = 0
"""
        for side, within in _WITHIN.items()
    ),
)
# An order on its way to the venue belongs to the process that sent it; a parent order ends with its slices.
_ENDED = f"""
SELECT id FROM orders
WHERE status IN {literals(OPEN)} AND valid_until <= %(now)s AND slices = 0
    AND (status NOT IN {literals(ASKED)} OR lease_until <= clock_timestamp())
ORDER BY valid_until LIMIT %(limit)s
"""
# What waits and what was left on its way, by an index each.  FOR NO KEY UPDATE is what a change of
# status takes, so events that refer to an order can be written meanwhile.
_DUE = f"""
WITH waiting AS (
    SELECT id, priority, rings, ring_at, false AS is_abandoned FROM orders
    WHERE status = '{OrderStatus.RECEIVED}' AND NOT held
        AND ring_at <= clock_timestamp() AND priority = ANY(%(lanes)s::text[])
    ORDER BY ring_at LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
), abandoned AS (
    SELECT id, priority, rings, ring_at, true AS is_abandoned FROM orders
    WHERE status IN {literals(ASKED)} AND lease_until <= clock_timestamp()
        AND ring_at <= clock_timestamp()
    ORDER BY lease_until LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
SELECT id, priority, rings, is_abandoned FROM waiting
UNION ALL SELECT id, priority, rings, is_abandoned FROM abandoned
"""
_RUNG = """
UPDATE orders o SET rings = t.rings, ring_at = clock_timestamp() + make_interval(secs => t.pause)
FROM unnest(%(ids)s::bigint[], %(rings)s::integer[], %(pauses)s::float8[]) AS t (id, rings, pause)
WHERE o.id = t.id
"""
# Each relay takes others: two of them share the orders of an opening.
_OPEN_MARKET = f"""
UPDATE orders SET held = false, awaits_opening = false, ring_at = clock_timestamp()
WHERE id IN (
    SELECT id FROM orders WHERE awaits_opening AND status = '{OrderStatus.RECEIVED}'
    ORDER BY id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED
)
"""


class _DueRow(NamedTuple):
    id: int
    priority: str
    rings: int
    is_abandoned: bool


class DueUnit:
    """The due rows of one relay, locked until it is left."""

    def __init__(self, connection: Connection, at: Passing) -> None:
        self._connection = connection
        self._at = at

    def due(self, lanes: Collection[Priority], limit: int) -> list[DueOrder]:
        """Return the longest due orders that no other relay has locked, of each kind.

        ``lanes`` limits those that wait; those left on their way to the venue are of any lane.
        """
        parameters = {"lanes": array(lanes), "limit": limit}
        found = named(self._connection.exec_driver_sql(_DUE, parameters), _DueRow)
        due = [DueOrder(r.id, Priority(r.priority), r.rings, r.is_abandoned) for r in found]
        if due:
            self._at(Step.SWEEP_READ)
        return due

    def rung(self, rings: dict[int, tuple[int, float]]) -> None:
        self._at(Step.SWEEP_RUNG)
        parameters = {
            "ids": array(rings),
            "rings": array(count for count, _ in rings.values()),
            "pauses": array(pause for _, pause in rings.values()),
        }
        self._connection.exec_driver_sql(_RUNG, parameters)
        self._connection.commit()
        self._at(Step.SWEEP_NOTED)


class OrderSearch:
    """Reads of the orders table through its partial indexes."""

    def __init__(self, engine: Engine, at: Passing = unhindered) -> None:
        self._engine = engine
        self._at = at

    def resting(self, universe: Universe, symbols: Sequence[str] | None) -> NDArray[np.void]:
        statement, given = (
            (_ALL_RESTING, {}) if symbols is None else (_RESTING_IN, {"symbols": array(symbols)})
        )
        return self._orders(universe, statement, given)

    def marketable(
        self, universe: Universe, touches: NDArray[np.void], now: datetime
    ) -> NDArray[np.void]:
        """Return the valid limit orders that rest and would trade at these touches: one ORDER each."""
        parameters = {
            "symbols": array(universe.symbol(row) for row in touches["row"].tolist()),
            "sides": array(Side.BUY if buys else Side.SELL for buys in touches["is_buy"].tolist()),
            "prices": array(rupees(price) for price in touches["price"].tolist()),
            "now": now,
        }
        return self._orders(universe, _MARKETABLE, parameters)

    def _orders(
        self, universe: Universe, statement: Statement, given: Mapping[str, object]
    ) -> NDArray[np.void]:
        with self._engine.connect() as connection:
            result = execute(connection, given, statement)
            names, found = tuple(result.keys()), result.fetchall()
        orders = np.zeros(len(found), ORDER)
        if found:
            columns = dict(zip(names, zip(*found, strict=True), strict=True))
            rows = universe.rows
            orders["row"] = [rows.get(symbol, -1) for symbol in columns.pop("symbol")]
            for name, column in columns.items():
                orders[name] = column
        return orders

    def ended(self, now: datetime, limit: int) -> list[int]:
        """Return open orders whose validity ended at or before ``now``, except those on their way."""
        with self._engine.connect() as connection:
            found = connection.exec_driver_sql(_ENDED, {"now": now, "limit": limit})
            return list(found.scalars())

    def open_market(self, limit: int) -> int:
        """Make orders due that waited for the opening; return their number."""
        with self._engine.begin() as connection:
            return connection.exec_driver_sql(_OPEN_MARKET, {"limit": limit}).rowcount

    @contextmanager
    def due_unit(self) -> Iterator[DueUnit]:
        """Open a transaction over due rows."""
        with self._engine.connect() as connection:
            yield DueUnit(connection, self._at)
