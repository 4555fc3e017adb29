"""One transaction over accounts, orders and everything that their moves change.

Whoever changes the status of an order holds the lock of its account first, so that execution,
cancellation and expiry are decided one after the other for each account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.book_writing import write_book
from angel_x.adapters.postgres.duplicates import find_duplicates
from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.family import Family
from angel_x.domain.book.margin_pool import MarginPools, Risks
from angel_x.domain.book.position import Position
from angel_x.domain.book.risk import TradingRules
from angel_x.domain.margin.unit_risk import no_risks
from angel_x.domain.orders.order import (
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.domain.orders.step import Passing, unhindered

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# One row an order, with its account and its position in the contract.
_COLUMNS = """
    o.id, o.user_id, o.symbol, o.side, o.quantity, o.filled_quantity, o.order_type, o.limit_price,
    o.validity, o.priority, o.status, o.valid_until, o.client_order_id, o.attempt, o.reserved,
    o.traded_value, o.product, o.trigger_price, o.parent_id, o.time_priority,
    EXTRACT(EPOCH FROM clock_timestamp() - o.accepted_at)::float8,
    CASE WHEN o.parent_id IS NOT NULL THEN (SELECT quantity FROM orders WHERE id = o.parent_id) END,
"""
_HELD_COLUMNS = """
    u.cash, u.collateral, u.margin_used, u.realised_pnl, u.open_orders, u.pnl_day, u.day_pnl,
    p.id, p.quantity, p.cost, p.realised_pnl, p.entry_time,
    CASE WHEN row_number() OVER () = 1 THEN rules.controls END,
    CASE WHEN row_number() OVER () = 1 THEN rules.limits END,
    CASE WHEN row_number() OVER () = 1 THEN rules.exposures END,
    CASE WHEN row_number() OVER () = 1 THEN rules.margins END
"""
# Controls and limits mostly are not there at all.  Where they are, they are those of every account,
# so they come with one row, whichever that is.  So does what the accounts hold and offer: the margin
# of an order depends on every contract of its underlying.
_HOLDINGS = """
JOIN users u ON u.id = o.user_id
LEFT JOIN positions p ON p.user_id = o.user_id AND p.symbol = o.symbol AND p.product = o.product
    AND p.status = 'OPEN'
CROSS JOIN (SELECT
    (SELECT json_agg(json_build_array(scope, name, state)) FROM trading_controls
        WHERE state <> 'active') AS controls,
    (SELECT json_agg(json_build_array(scope, name, kind, value::text)) FROM risk_limits) AS limits,
    (SELECT json_agg(json_build_array(
            user_id, symbol, net_quantity, open_buy_quantity, open_sell_quantity))
        FROM exposures WHERE is_open AND user_id IN ({owners})) AS exposures,
    (SELECT json_agg(json_build_array(user_id, underlying, margin::text))
        FROM margins WHERE margin > 0 AND user_id IN ({owners})) AS margins
    OFFSET 0) AS rules
"""
_OF_OWNERS = _HOLDINGS.format(owners="SELECT user_id FROM orders WHERE id = ANY(%(order_ids)s)")
_OF_ACCOUNT = _HOLDINGS.format(owners="%(user_id)s::bigint")
#: Columns of an order; then of its account and position, and what comes with one row only.
_ORDER, _HELD = slice(0, 22), slice(22, None)
_ACCOUNT, _POSITION, _ONCE = slice(7), slice(7, 12), slice(12, 16)

#: Held by every transaction that decides orders; whoever turns a kill switch waits for all of them.
CONTROLS_LOCK = 0x416E67656C58
# The lock and the read go out as one message and run one after the other, so the read sees all that
# the holder of the lock before has done.  Not FOR UPDATE: that would hold up the acceptance of new
# orders, whose foreign key only needs the account to stay where it is.
#
# The accounts come first: whoever waits for one has not read the controls yet, and need not be
# waited for by a kill switch.
_LOCK = f"""
SELECT 1 FROM users WHERE id IN (SELECT user_id FROM orders WHERE id = ANY(%(order_ids)s))
ORDER BY id FOR NO KEY UPDATE;
SELECT pg_advisory_xact_lock_shared({CONTROLS_LOCK});
"""
# The index serves each lane of each account in order, so a deep backlog costs no more than a batch.
# Accounts take turns: the one with the deep backlog must not use up the claim of the others.
_CLAIM = f"""{_LOCK}
WITH rung AS (
    SELECT DISTINCT user_id, priority, array_position(%(lanes)s, priority) AS lane
    FROM orders WHERE id = ANY(%(order_ids)s)
), claimed AS (
    SELECT w.id, r.lane FROM rung r CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM orders
        WHERE status = 'received' AND NOT held AND priority = r.priority AND user_id = r.user_id
        ORDER BY id LIMIT %(limit)s
    ) AS w ORDER BY r.lane, w.place, w.id LIMIT %(limit)s
)
SELECT {_COLUMNS} {_HELD_COLUMNS} FROM claimed c JOIN orders o ON o.id = c.id {_OF_OWNERS} ORDER BY c.lane, o.id
"""
_BY_ID = f"""{_LOCK}
SELECT {_COLUMNS} {_HELD_COLUMNS} FROM orders o {_OF_OWNERS}
WHERE o.id = ANY(%(order_ids)s) AND o.status = ANY(%(statuses)s) AND o.slices = 0 ORDER BY o.id
"""
# A sliced order comes before its slices, which are stored after it.
_FAMILY = f"""{_LOCK}
SELECT {_COLUMNS} {_HELD_COLUMNS} FROM orders o {_OF_OWNERS}
WHERE o.id = ANY(%(order_ids)s) OR o.parent_id = ANY(%(order_ids)s) ORDER BY o.id
"""
# Orders whose lease has not run out belong to whoever placed them.
_ABANDONED = f"""{_LOCK}
SELECT {_COLUMNS} {_HELD_COLUMNS} FROM orders o {_OF_OWNERS}
WHERE o.id = ANY(%(order_ids)s) AND o.status = 'submitting'
    AND o.lease_until <= clock_timestamp() ORDER BY o.id
"""
# What an account holds, of contracts and products in which it need not have orders.
_HOLDINGS_ONLY = f"""
SELECT o.user_id, o.symbol, o.product, {_HELD_COLUMNS} FROM (
    SELECT %(user_id)s::bigint AS user_id, symbol, product
    FROM unnest(%(symbols)s::text[], %(products)s::text[]) AS t (symbol, product)
) o {_OF_ACCOUNT}
"""
_RELEASE = """
UPDATE orders SET held = false, ring_at = clock_timestamp() + interval '2 seconds'
WHERE id = ANY(%(order_ids)s) AND held AND status = 'received' AND slices = 0
"""
_EXISTING = "SELECT id FROM orders WHERE id = ANY(%(order_ids)s)"
_LANES = [priority.value for priority in Priority]


class BookUnit:
    """The open transaction.  Leaving it without :meth:`commit` keeps nothing."""

    def __init__(self, connection: Connection, *, lease_seconds: float, risks: Risks) -> None:
        self._connection = connection
        self._lease_seconds = lease_seconds
        self._risks = risks

    def claim(self, order_ids: Sequence[int], limit: int) -> tuple[list[Order], Book]:
        """Lock the accounts that own those orders and return the oldest that wait there.

        What comes back waits in the lanes of those orders, lane by lane, whatever has become of the
        orders themselves.
        """
        return self._read(_CLAIM, order_ids=list(order_ids), lanes=_LANES, limit=limit)

    def abandoned(self, order_ids: Sequence[int]) -> tuple[list[Order], Book]:
        """Lock the accounts that own those orders; return those on their way with no lease left."""
        return self._read(_ABANDONED, order_ids=list(order_ids))

    def orders(
        self, order_ids: Sequence[int], statuses: Collection[OrderStatus]
    ) -> tuple[list[Order], Book]:
        """Lock the accounts that own those orders; return those in one of the statuses, by age."""
        wanted = sorted(status.value for status in statuses)
        return self._read(_BY_ID, order_ids=list(order_ids), statuses=wanted)

    def family(self, order_id: int) -> Family:
        """Lock the account that owns an order; return the order with its slices."""
        orders, book = self._read(_FAMILY, order_ids=[order_id])
        return Family(orders[0] if orders else None, tuple(orders[1:]), book)

    def holdings(self, user_id: int, contracts: Collection[tuple[str, Product]]) -> Book:
        """Return what an account has, and holds of these contracts; nothing is locked."""
        parameters = {
            "user_id": user_id,
            "symbols": array(symbol for symbol, _ in contracts),
            "products": array(product.value for _, product in contracts),
        }
        rows = self._connection.exec_driver_sql(_HOLDINGS_ONLY, parameters).fetchall()
        places = ((user, symbol, Product(product), row) for user, symbol, product, *row in rows)
        return _book(places, self._risks)

    def duplicates(self, windows: Mapping[int, Decimal]) -> set[int]:
        """Return those orders that repeat an earlier one; ``windows`` are seconds by order id."""
        return find_duplicates(self._connection, windows)

    def unknown(self, order_ids: Sequence[int]) -> set[int]:
        """Return those ids that no order has."""
        parameters = {"order_ids": list(order_ids)}
        known = self._connection.exec_driver_sql(_EXISTING, parameters).scalars()
        return set(order_ids) - set(known)

    def release(self, order_ids: Sequence[int]) -> None:
        """Let orders be decided that were held; the relay rings for them if nobody does."""
        self._connection.exec_driver_sql(_RELEASE, {"order_ids": list(order_ids)})

    def record(self, book: Book, actor: str) -> None:
        """Write everything that the orders of the book did."""
        write_book(self._connection, book, actor, lease_seconds=self._lease_seconds)

    def commit(self) -> None:
        self._connection.commit()

    def _read(self, statement: str, **parameters: object) -> tuple[list[Order], Book]:
        rows = self._connection.exec_driver_sql(statement, parameters).fetchall()
        orders = [_order(row[_ORDER]) for row in rows]
        places = zip(orders, rows, strict=True)
        held = ((o.user_id, o.symbol, o.product, row[_HELD]) for o, row in places)
        return orders, _book(held, self._risks)


class BookUnits:
    """Makes transactions."""

    def __init__(
        self,
        engine: Engine,
        *,
        lease_seconds: float,
        risks: Risks = no_risks,
        at: Passing = unhindered,
    ) -> None:
        self._engine = engine
        self.at = at
        self._risks = risks
        #: How long an order that is on its way to a venue belongs to the process that sent it.
        self._lease_seconds = lease_seconds

    @contextmanager
    def begin(self) -> Iterator[BookUnit]:
        """Open a transaction that is rolled back unless it is committed."""
        with self._engine.connect() as connection:
            yield BookUnit(connection, lease_seconds=self._lease_seconds, risks=self._risks)


def _book(rows: Iterable[tuple[int, str, Product, Sequence[Any]]], risks: Risks) -> Book:
    """Return the book of what is held by account, contract and product."""
    book = Book({}, {}, {}, margins=MarginPools({}, risks))
    once: Sequence[Any] = (None,) * 4
    for user_id, symbol, product, held in rows:
        if user_id not in book.accounts:
            book.accounts[user_id] = Account(user_id, *held[_ACCOUNT])
        book.margins.symbols.add(symbol)
        extras = held[_ONCE]
        if any(extras):
            once = extras
        position_id, quantity, cost, realised, entered = held[_POSITION]
        place = user_id, symbol, product
        if position_id is not None and place not in book.positions:
            book.positions[place] = Position(*place, quantity, cost, realised, position_id, entered)
    controls, limits, exposures, margins = (found or () for found in once)
    book.rules = TradingRules.from_rows(controls, limits)
    for user_id, symbol, *quantities in exposures:
        book.exposures[user_id, symbol] = Exposure(user_id, symbol, *quantities)
        book.margins.symbols.add(symbol)
    book.margins.stored = {(user, name): Decimal(margin) for user, name, margin in margins}
    return book


def _order(row: Sequence[Any]) -> Order:
    (order_id, user_id, symbol, side, quantity, filled, order_type, limit, validity, priority,
     status, until, client_id, attempt, reserved, traded, product, trigger, parent_id, rank,
     age, whole) = row  # fmt: skip
    return Order(
        order_id, user_id, symbol, Side(side), quantity, filled, OrderType(order_type), limit,
        Validity(validity), Priority(priority), OrderStatus(status), until, client_id, attempt,
        reserved, traded, Product(product), trigger, parent_id, rank, age, whole,
    )  # fmt: skip
