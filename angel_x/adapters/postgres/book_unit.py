"""One transaction over accounts, orders and all rows that their status changes affect.

A transaction locks the account before it changes the status of an order, so that execution,
cancellation and expiry are serialized for each account.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from angel_x.adapters.postgres.arrays import array
from angel_x.adapters.postgres.book_reading import (
    HELD_COLUMNS,
    HOLDINGS,
    ORDER_COLUMNS,
    HoldingRow,
    OrderRow,
    to_book,
    to_order,
)
from angel_x.adapters.postgres.book_writing import write_book
from angel_x.adapters.postgres.duplicates import find_duplicates
from angel_x.adapters.postgres.literals import literals
from angel_x.adapters.postgres.prepared import Statement, execute
from angel_x.adapters.postgres.rows import named
from angel_x.domain.book.book import Book
from angel_x.domain.book.claim import Claim, share_of
from angel_x.domain.book.moves import ParentOrder
from angel_x.domain.book.order_with_slices import OrderWithSlices
from angel_x.domain.book.settlement import Expiry
from angel_x.domain.orders.denial import MoveReason
from angel_x.domain.orders.order import (
    ASKED,
    OrderStatus,
    Priority,
    Product,
)
from angel_x.domain.orders.step import Passing, unhindered

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

# The setting, which ends with the transaction, tells the statements after a lock which accounts it holds.
_LOCKED = "nullif(current_setting('angel_x.locked', true), '')::bigint[]"
_OF_OWNERS = HOLDINGS.format(owners=f"ANY({_LOCKED})")
_OF_ACCOUNT = HOLDINGS.format(owners="%(user_id)s::bigint")

#: Held by every transaction that decides orders; setting a trading state waits for all of them.
LONGEST_SILENCE_SECONDS = 15
CONTROLS_LOCK = 0x416E67656C58
# The lock and the read go out as one message and run one after the other, so the read sees all that
# the holder of the lock before has done.  Not FOR UPDATE: that would hold up the acceptance of new
# orders, whose foreign key only needs the account to stay where it is.
#
# The accounts come first: a transaction that waits for one has not read the controls yet, and is not
# waited for by a kill switch.
_LOCK_ACCOUNTS_OF = """
SELECT set_config('angel_x.locked', coalesce(array_agg(id)::text, '{}'), true) FROM (
    SELECT id FROM users WHERE id IN (SELECT user_id FROM orders WHERE id = ANY(%(order_ids)s::bigint[]))
    ORDER BY id FOR NO KEY UPDATE"""
_LOCK_ACCOUNTS = Statement("lock_accounts", f"{_LOCK_ACCOUNTS_OF}) AS locked")
_LOCK_FREE_ACCOUNTS = Statement("lock_free_accounts", f"{_LOCK_ACCOUNTS_OF} SKIP LOCKED) AS locked")
_LOCK_CONTROLS = Statement("lock_controls", f"SELECT pg_advisory_xact_lock_shared({CONTROLS_LOCK})")
# The index serves each lane of each account in order, so a deep backlog costs no more than a batch.
# Accounts take turns: one with a deep backlog must not use up the claim of the others.
_CLAIM = Statement(
    "claim",
    f"""
WITH rung AS (
    SELECT DISTINCT user_id, priority, array_position(%(lanes)s::text[], priority) AS lane
    FROM orders WHERE id = ANY(%(order_ids)s::bigint[]) AND user_id = ANY({_LOCKED})
), claimed AS (
    SELECT w.id, r.lane FROM rung r CROSS JOIN LATERAL (
        SELECT id, row_number() OVER (ORDER BY id) AS place FROM orders
        WHERE status = '{OrderStatus.RECEIVED}' AND NOT held AND priority = r.priority AND user_id = r.user_id
        ORDER BY id LIMIT (%(shares)s::integer[])[r.lane]
    ) AS w ORDER BY r.lane, w.place, w.id LIMIT %(limit)s
)
SELECT {ORDER_COLUMNS} {HELD_COLUMNS} FROM claimed c JOIN orders o ON o.id = c.id {_OF_OWNERS} ORDER BY c.lane, o.id
""",
)
_BY_ID = Statement(
    "orders",
    f"""
SELECT {ORDER_COLUMNS} {HELD_COLUMNS} FROM orders o {_OF_OWNERS}
WHERE o.id = ANY(%(order_ids)s::bigint[]) AND o.status = ANY(%(statuses)s::text[]) AND o.slices = 0 ORDER BY o.id
""",
)
# A parent order comes before its slices, which are stored after it.
_WITH_SLICES = Statement(
    "order_with_slices",
    f"""
SELECT {ORDER_COLUMNS} {HELD_COLUMNS} FROM orders o {_OF_OWNERS}
WHERE o.id = ANY(%(order_ids)s::bigint[] || ARRAY(
    SELECT id FROM orders WHERE parent_id = ANY(%(order_ids)s::bigint[]))) ORDER BY o.id
""",
)
# Orders with a valid lease belong to the process that placed them.
_ABANDONED = Statement(
    "abandoned",
    f"""
SELECT {ORDER_COLUMNS} {HELD_COLUMNS} FROM orders o {_OF_OWNERS}
WHERE o.id = ANY(%(order_ids)s::bigint[]) AND o.status IN {literals(ASKED)}
    AND o.lease_until <= clock_timestamp() ORDER BY o.id
""",
)
# The positions of an account, also in contracts and products without orders.  Without a contract one
# row is the account alone.
_HOLDINGS_ONLY = Statement(
    "holdings",
    f"""
SELECT o.user_id, o.symbol, o.product, {HELD_COLUMNS} FROM (
    SELECT %(user_id)s::bigint AS user_id, t.symbol, t.product
    FROM (SELECT) AS account
    LEFT JOIN unnest(%(symbols)s::text[], %(products)s::text[]) AS t (symbol, product) ON true
) o {_OF_ACCOUNT}
""",
)
# Of a contract in which an order is still open the positions may change.
_EXPIRED = Statement(
    "expired",
    f"""
SELECT o.user_id, o.symbol, o.product, {HELD_COLUMNS} FROM (
    SELECT h.user_id, h.symbol, h.product FROM positions h JOIN contracts c ON c.symbol = h.symbol
    WHERE h.user_id = %(user_id)s::bigint AND h.status = 'OPEN'
        AND c.underlying = %(underlying)s::text AND c.expiry = %(day)s::date
        AND NOT EXISTS (SELECT FROM exposures e WHERE e.user_id = h.user_id AND e.symbol = h.symbol
            AND (e.open_buy_quantity <> 0 OR e.open_sell_quantity <> 0))
) o {_OF_ACCOUNT}
""",
)
_LOCK_ACCOUNT = Statement(
    "lock_account", "SELECT 1 FROM users WHERE id = %(user_id)s::bigint FOR NO KEY UPDATE"
)
_RELEASE = f"""
UPDATE orders SET held = false, ring_at = clock_timestamp() + interval '2 seconds'
WHERE id = ANY(%(order_ids)s::bigint[]) AND held AND status = '{OrderStatus.RECEIVED}' AND slices = 0
"""
_AWAIT_OPENING = f"""
WITH held AS (
    UPDATE orders SET held = true, awaits_opening = true, reason = '{MoveReason.AWAITS_OPENING}',
        updated_at = clock_timestamp()
    WHERE id = ANY(%(order_ids)s::bigint[]) AND status = '{OrderStatus.RECEIVED}' RETURNING id, attempt
)
INSERT INTO order_events (order_id, status, actor, reason, attempt)
SELECT id, '{OrderStatus.RECEIVED}', 'execution', '{MoveReason.AWAITS_OPENING}', attempt FROM held
"""
# No order is to blame for a venue that has no room or no answer, however long that lasts.  The longer a venue
# has said nothing, the less often it is asked.
_ASK_AGAIN = f"""
UPDATE orders o SET lease_until = LEAST(lease_until, clock_timestamp()), rings = 0,
    ring_at = clock_timestamp() + GREATEST(make_interval(secs => t.pause),
        LEAST((clock_timestamp() - lease_until) / 4, interval '{LONGEST_SILENCE_SECONDS} seconds'))
FROM unnest(%(order_ids)s::bigint[], %(pauses)s::float8[]) AS t (id, pause)
WHERE o.id = t.id AND o.status IN {literals(ASKED)}
"""
_BUSY = Statement(
    "busy",
    f"""
SELECT user_id, array_agg(id ORDER BY id) AS order_ids FROM orders
WHERE id = ANY(%(order_ids)s::bigint[]) AND status = '{OrderStatus.RECEIVED}' AND NOT held
    AND user_id <> ALL({_LOCKED}) GROUP BY user_id
""",
)
# Held for no longer than the wait: whoever takes the lock next reads all orders that were stored before
# another process found the place taken.
_TAKE_PLACE = f"""
SELECT pg_try_advisory_xact_lock(hashint8extended(%(user_id)s::bigint, {CONTROLS_LOCK}))
"""
_WAIT = "SELECT FROM users WHERE id = %(user_id)s::bigint FOR NO KEY UPDATE"
_EXISTING = "SELECT id FROM orders WHERE id = ANY(%(order_ids)s::bigint[])"
_LANES = array(Priority)


class _BusyRow(NamedTuple):
    user_id: int
    order_ids: list[int]


class BookUnit:
    """The open transaction.  Leaving it without :meth:`commit` keeps nothing."""

    def __init__(self, connection: Connection, *, lease_seconds: float) -> None:
        self._connection = connection
        self._lease_seconds = lease_seconds

    def claim(self, order_ids: Sequence[int], limit: int, *, waits: bool = False) -> Claim:
        """Lock the free accounts of orders and return the oldest waiting orders of their lanes.

        The result is independent of the present state of the named orders.  ``waits`` locks the
        accounts that another transaction holds too, in turn.
        """
        shares = array(share_of(lane, limit) for lane in Priority)
        return self._read(
            _CLAIM,
            _LOCK_ACCOUNTS if waits else _LOCK_FREE_ACCOUNTS,
            order_ids=array(order_ids),
            lanes=_LANES,
            shares=shares,
            limit=limit,
        )

    def busy(self, order_ids: Collection[int]) -> dict[int, list[int]]:
        """Return the waiting orders of accounts that this transaction did not lock, by account."""
        found = execute(self._connection, {"order_ids": array(order_ids)}, _BUSY)
        return {row.user_id: row.order_ids for row in named(found, _BusyRow)}

    def abandoned(self, order_ids: Sequence[int]) -> Claim:
        return self._read(_ABANDONED, order_ids=array(order_ids))

    def orders(self, order_ids: Sequence[int], statuses: Collection[OrderStatus]) -> Claim:
        wanted = array(sorted(statuses))
        return self._read(_BY_ID, order_ids=array(order_ids), statuses=wanted)

    def with_slices(self, order_id: int) -> OrderWithSlices:
        orders, book = self._read(_WITH_SLICES, order_ids=array([order_id]))
        return OrderWithSlices(orders[0] if orders else None, tuple(orders[1:]), book)

    def holdings(self, user_id: int, contracts: Collection[tuple[str, Product]]) -> Book:
        parameters = {
            "user_id": user_id,
            "symbols": array(symbol for symbol, _ in contracts),
            "products": array(product.value for _, product in contracts),
        }
        found = execute(self._connection, parameters, _HOLDINGS_ONLY)
        return to_book(named(found, HoldingRow))

    def expired(self, user_id: int, expiry: Expiry) -> Book:
        parameters = {
            "user_id": user_id,
            "underlying": expiry.underlying,
            "day": expiry.day.isoformat(),
        }
        found = execute(self._connection, parameters, _LOCK_ACCOUNT, _LOCK_CONTROLS, _EXPIRED)
        return to_book(named(found, HoldingRow))

    def duplicates(self, windows: Mapping[int, Decimal]) -> set[int]:
        return find_duplicates(self._connection, windows)

    def unknown(self, order_ids: Sequence[int]) -> set[int]:
        parameters = {"order_ids": array(order_ids)}
        known = self._connection.exec_driver_sql(_EXISTING, parameters).scalars()
        return set(order_ids) - set(known)

    def release(self, order_ids: Sequence[int]) -> None:
        """Release held orders for their decision; the relay rings for them otherwise."""
        self._connection.exec_driver_sql(_RELEASE, {"order_ids": array(order_ids)})

    def await_opening(self, order_ids: Sequence[int]) -> None:
        self._connection.exec_driver_sql(_AWAIT_OPENING, {"order_ids": array(order_ids)})

    def ask_again(self, pauses: Mapping[int, float]) -> None:
        parameters = {"order_ids": array(pauses), "pauses": array(pauses.values())}
        self._connection.exec_driver_sql(_ASK_AGAIN, parameters)

    def record(self, book: Book, actor: str) -> Sequence[ParentOrder]:
        return write_book(self._connection, book, actor, lease_seconds=self._lease_seconds)

    def commit(self) -> None:
        self._connection.commit()

    def _read(
        self, statement: Statement, lock: Statement = _LOCK_ACCOUNTS, **parameters: object
    ) -> Claim:
        found = execute(self._connection, parameters, lock, _LOCK_CONTROLS, statement)
        rows = named(found, OrderRow)
        return Claim([to_order(row) for row in rows], to_book(rows))


class BookUnits:
    """Makes transactions."""

    def __init__(
        self,
        engine: Engine,
        *,
        lease_seconds: float,
        at: Passing = unhindered,
    ) -> None:
        self._engine = engine
        self.at = at
        #: The lease of an order on its way to a venue.
        self._lease_seconds = lease_seconds

    @contextmanager
    def begin(self) -> Iterator[BookUnit]:
        with self._engine.connect() as connection:
            yield BookUnit(connection, lease_seconds=self._lease_seconds)

    def wait_for(self, user_id: int) -> bool:
        """Wait until no transaction holds the account's lock.

        Returns False at once where another process waits for it already: its next claim finds all
        orders that are stored now.
        """
        parameters = {"user_id": user_id}
        with self._engine.begin() as connection:
            if not connection.exec_driver_sql(_TAKE_PLACE, parameters).scalar_one():
                return False
            connection.exec_driver_sql(_WAIT, parameters)
        return True
