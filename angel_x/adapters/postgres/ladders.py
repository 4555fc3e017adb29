"""The ladders of resting orders, through the index that holds them in rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.adapters.postgres.rows import named
from angel_x.domain.exchange.ladders import LADDER, RUNG, start_of
from angel_x.domain.exchange.matching import ORDER
from angel_x.domain.orders.order import RESTING, OrderStatus, Side

if TYPE_CHECKING:
    from datetime import datetime

    from numpy.typing import NDArray
    from sqlalchemy import Engine

    from angel_x.domain.contracts.universe import Universe

# As the index has them: PostgreSQL uses it for the same expressions only.
IS_STOPPED = f"(status = '{OrderStatus.TRIGGER_PENDING}')"
LEVEL = f"""((CASE WHEN (side = '{Side.BUY}') = {IS_STOPPED} THEN 100 ELSE -100 END
    * CASE WHEN {IS_STOPPED} THEN trigger_price ELSE limit_price END)::bigint)"""
RESTS = f"status IN {literals(RESTING)} AND limit_price IS NOT NULL AND slices = 0"
_OF_LADDER = f"symbol = l.symbol AND side = l.side AND {IS_STOPPED} = l.is_stopped AND {RESTS}"
_NAMED = "unnest(%(symbols)s::text[], %(sides)s::text[], %(stopped)s::boolean[]"
_BEST = Statement(
    "best_of",
    f"""
SELECT l.symbol, l.side, l.is_stopped, o.level
FROM {_NAMED}, %(levels)s::bigint[]) AS l (symbol, side, is_stopped, level) CROSS JOIN LATERAL (
    SELECT {LEVEL} AS level FROM orders WHERE {_OF_LADDER} AND {LEVEL} <= l.level
    ORDER BY {LEVEL}, time_priority LIMIT 1
) AS o
""",
)
# From ladder to ladder through the index, so that the orders behind the best one cost nothing.
_BEST_OF_ALL = Statement(
    "best_of_all",
    f"""
WITH RECURSIVE best (symbol, side, is_stopped, level) AS (
    (SELECT symbol, side, {IS_STOPPED}, {LEVEL} FROM orders WHERE {RESTS}
        ORDER BY symbol, side, {IS_STOPPED}, {LEVEL}, time_priority LIMIT 1)
    UNION ALL
    SELECT o.* FROM best l CROSS JOIN LATERAL (
        SELECT symbol, side, {IS_STOPPED}, {LEVEL} FROM orders
        WHERE (symbol, side, {IS_STOPPED}) > (l.symbol, l.side, l.is_stopped) AND {RESTS}
        ORDER BY symbol, side, {IS_STOPPED}, {LEVEL}, time_priority LIMIT 1
    ) AS o
)
SELECT symbol, side, is_stopped, level FROM best
""",
)
_PAGE = Statement(
    "rungs",
    f"""
SELECT l.ladder - 1 AS ladder, o.id, o.level, o.time_priority, o.leaves
FROM {_NAMED}, %(levels)s::bigint[], %(after)s::bigint[], %(priorities)s::bigint[], %(most)s::integer[])
    WITH ORDINALITY AS l (symbol, side, is_stopped, level, after, priority, most, ladder)
CROSS JOIN LATERAL (
    SELECT id, {LEVEL} AS level, time_priority, quantity - filled_quantity AS leaves
    FROM orders WHERE {_OF_LADDER} AND {LEVEL} <= l.level
        AND ({LEVEL}, time_priority) > (l.after, l.priority) AND valid_until > %(now)s::timestamptz
    ORDER BY {LEVEL}, time_priority LIMIT l.most
) AS o ORDER BY l.ladder, o.level, o.time_priority
""",
)


#: Orders whose validity has ended are on a page as well.
_BEFORE_ALL = "-infinity"


class _BestRow(NamedTuple):
    symbol: str
    side: str
    is_stopped: bool
    level: int


class _RungRow(NamedTuple):
    """The fields of ``RUNG``."""

    ladder: int
    id: int
    level: int
    time_priority: int
    leaves: int


class Ladders:
    """Reads of resting orders, each bounded by the number of ladders and by the page."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def best(self, universe: Universe, ladders: NDArray[np.void] | None) -> NDArray[np.void]:
        statement, given = (
            (_BEST_OF_ALL, {}) if ladders is None else (_BEST, _names(universe, ladders))
        )
        with self._engine.connect() as connection:
            found = named(execute(connection, given, statement), _BestRow)
        rows = universe.rows
        return np.array(
            [(rows.get(r.symbol, -1), r.side == Side.BUY, r.is_stopped, r.level) for r in found],
            LADDER,
        )

    def page(
        self,
        universe: Universe,
        ladders: NDArray[np.void],
        after: NDArray[np.void],
        each: int,
    ) -> NDArray[np.void]:
        return self._rungs(universe, ladders, after, np.full(len(ladders), each), _BEFORE_ALL)

    def marketable(
        self, universe: Universe, touches: NDArray[np.void], now: datetime
    ) -> NDArray[np.void]:
        """Return the valid limit orders that rest and would trade at these touches: one ORDER each.

        Of each contract and side, the first ones, at most as many as the touch has units for.
        """
        ladders = np.zeros(len(touches), LADDER)
        ladders["row"], ladders["is_buy"] = touches["row"], touches["is_buy"]
        ladders["level"] = np.where(touches["is_buy"], -touches["price"], touches["price"])
        rungs = self._rungs(universe, ladders, start_of(len(ladders)), touches["most"], now)
        orders, touch = np.zeros(len(rungs), ORDER), touches[rungs["ladder"]]
        orders["row"], orders["is_buy"] = touch["row"], touch["is_buy"]
        orders["limit"] = abs(rungs["level"])
        for name in ("id", "leaves", "time_priority"):
            orders[name] = rungs[name]
        return orders

    def _rungs(
        self,
        universe: Universe,
        ladders: NDArray[np.void],
        after: NDArray[np.void],
        most: NDArray[np.int64],
        now: datetime | str,
    ) -> NDArray[np.void]:
        parameters = {
            **_names(universe, ladders),
            "after": array(after["level"].tolist()),
            "priorities": array(after["time_priority"].tolist()),
            "most": array(most.tolist()),
            "now": now,
        }
        with self._engine.connect() as connection:
            return np.array(named(execute(connection, parameters, _PAGE), _RungRow), RUNG)


def _names(universe: Universe, ladders: NDArray[np.void]) -> dict[str, object]:
    return {
        "symbols": array(universe.symbol(row) for row in ladders["row"].tolist()),
        "sides": array(Side.BUY if is_buy else Side.SELL for is_buy in ladders["is_buy"].tolist()),
        "stopped": array(ladders["is_stopped"].tolist()),
        "levels": array(ladders["level"].tolist()),
    }
