"""The rows that a batch is decided against: orders, accounts, positions, and their common rules."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import msgspec

from angel_x.adapters.postgres.ladders import IS_STOPPED, LEVEL, RESTS
from angel_x.domain.book.account import Account, Exposure, Mark
from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.book.position import Position
from angel_x.domain.book.risk import TradingRules, TradingState
from angel_x.domain.orders.order import (
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Product,
    Side,
    Validity,
)
from angel_x.domain.values.money import ZERO

# One row an order, with its account and its position in the contract.  The sort makes the search for
# others that rest go through the index of ladders, whatever the statistics say; stops come last in it.
ORDER_COLUMNS = f"""
    o.id, o.user_id, o.symbol, o.side, o.quantity, o.filled_quantity, o.order_type, o.limit_price,
    o.validity, o.priority, o.status, o.valid_until, o.client_order_id, o.attempt, o.reserved,
    o.traded_value, o.product, o.trigger_price, o.parent_id, o.time_priority,
    EXTRACT(EPOCH FROM clock_timestamp() - o.accepted_at)::float8 AS age_seconds,
    CASE WHEN o.parent_id IS NOT NULL THEN (SELECT quantity FROM orders WHERE id = o.parent_id) END
        AS parent_quantity, o.reason,
    (SELECT {IS_STOPPED} FROM orders WHERE symbol = o.symbol AND side = o.side AND {RESTS}
        ORDER BY {IS_STOPPED}, {LEVEL}, time_priority LIMIT 1) IS FALSE AS others_rest,
"""
HELD_COLUMNS = """
    u.cash, u.collateral, u.margin_used, u.realised_pnl AS account_pnl, u.open_orders, u.pnl_day,
    u.day_pnl, p.id AS position_id, p.quantity AS position_quantity, p.cost AS position_cost,
    p.realised_pnl AS position_pnl, p.entry_time,
    CASE WHEN row_number() OVER () = 1 THEN common.rows END AS common
"""


class OrderRow(NamedTuple):
    """An order with its account and position: ``ORDER_COLUMNS`` and ``HELD_COLUMNS``."""

    id: int
    user_id: int
    symbol: str
    side: str
    quantity: int
    filled_quantity: int
    order_type: str
    limit_price: Decimal | None
    validity: str
    priority: str
    status: str
    valid_until: datetime
    client_order_id: str
    attempt: int
    reserved: Decimal
    traded_value: Decimal
    product: str
    trigger_price: Decimal | None
    parent_id: int | None
    time_priority: int
    age_seconds: float
    parent_quantity: int | None
    reason: str | None
    others_rest: bool
    cash: Decimal
    collateral: Decimal
    margin_used: Decimal
    account_pnl: Decimal
    open_orders: int
    pnl_day: date | None
    day_pnl: Decimal
    position_id: int | None
    position_quantity: int
    position_cost: Decimal
    position_pnl: Decimal
    entry_time: datetime | None
    common: str | None


class HoldingRow(NamedTuple):
    """The position of an account in a contract and product: ``HELD_COLUMNS``.

    Symbol and product are None where no contract is asked about.
    """

    user_id: int
    symbol: str | None
    product: str | None
    cash: Decimal
    collateral: Decimal
    margin_used: Decimal
    account_pnl: Decimal
    open_orders: int
    pnl_day: date | None
    day_pnl: Decimal
    position_id: int | None
    position_quantity: int
    position_cost: Decimal
    position_pnl: Decimal
    entry_time: datetime | None
    common: str | None


class _ControlRow(NamedTuple):
    scope: str
    name: str
    state: str


class _LimitRow(NamedTuple):
    scope: str
    name: str
    kind: str
    value: str


class _ExposureRow(NamedTuple):
    user_id: int
    symbol: str
    net_quantity: int
    open_buy_quantity: int
    open_sell_quantity: int


class _MarginRow(NamedTuple):
    user_id: int
    underlying: str
    margin: Decimal


class _CostRow(NamedTuple):
    user_id: int
    symbol: str
    cost: Decimal


class _MarkRow(NamedTuple):
    user_id: int
    market_day: date
    opening_pnl: Decimal
    unrealised_pnl: Decimal


class _Common(msgspec.Struct):
    """The rows of other tables that all orders of a batch share, as the first row carries them."""

    controls: list[_ControlRow] = []
    limits: list[_LimitRow] = []
    exposures: list[_ExposureRow] = []
    margins: list[_MarginRow] = []
    costs: list[_CostRow] = []
    marks: list[_MarkRow] = []


_common = msgspec.json.Decoder(_Common)

# Controls and limits, which mostly are not there at all, are those of every account, and margin
# depends on every open contract of an underlying.  These rows come as one document with the first
# order, so that a claim stays one round trip.
HOLDINGS = f"""
JOIN users u ON u.id = o.user_id
LEFT JOIN positions p ON p.user_id = o.user_id AND p.symbol = o.symbol AND p.product = o.product
    AND p.status = 'OPEN'
CROSS JOIN (SELECT json_strip_nulls(json_build_object(
    'controls', (SELECT json_agg(json_build_array(scope, name, state)) FROM trading_controls
        WHERE state <> '{TradingState.ACTIVE}'),
    'limits', (SELECT json_agg(json_build_array(scope, name, kind, value::text))
        FROM risk_limits),
    'exposures', (SELECT json_agg(json_build_array(
            user_id, symbol, net_quantity, open_buy_quantity, open_sell_quantity))
        FROM exposures WHERE is_open AND user_id = {{owners}}),
    'margins', (SELECT json_agg(json_build_array(user_id, underlying, margin::text))
        FROM margins WHERE margin > 0 AND user_id = {{owners}}),
    'costs', (SELECT json_agg(json_build_array(user_id, symbol, cost::text))
        FROM positions WHERE status = 'OPEN' AND user_id = {{owners}}),
    'marks', (SELECT json_agg(json_build_array(
            user_id, market_day, opening_pnl::text, unrealised_pnl::text))
        FROM margin_marks WHERE user_id = {{owners}})
    ))::text AS rows OFFSET 0) AS common
"""


def to_book(rows: Iterable[OrderRow | HoldingRow]) -> Book:
    """Return the book from rows of orders and positions."""
    book = Book({}, {}, {}, margins=MarginPools())
    for row in rows:
        if row.user_id not in book.accounts:
            book.accounts[row.user_id] = _account(row)
        if row.symbol is not None and row.product is not None:
            book.margins.symbols.add(row.symbol)
            _add_position(book, row, (row.user_id, row.symbol, Product(row.product)))
        if row.common is not None:
            _share(book, _common.decode(row.common))
    return book


def _add_position(book: Book, row: OrderRow | HoldingRow, place: tuple[int, str, Product]) -> None:
    if row.position_id is not None and place not in book.positions:
        book.positions[place] = Position(
            *place, row.position_quantity, row.position_cost, row.position_pnl,
            row.position_id, row.entry_time,
        )  # fmt: skip


def _account(row: OrderRow | HoldingRow) -> Account:
    return Account(
        row.user_id, row.cash, row.collateral, row.margin_used, row.account_pnl,
        row.open_orders, row.pnl_day, row.day_pnl,
    )  # fmt: skip


def _share(book: Book, common: _Common) -> None:
    """Put the rows into a book that all of its orders share."""
    book.rules = TradingRules.from_rows(common.controls, common.limits)
    for row in common.exposures:
        book.exposures[row.user_id, row.symbol] = Exposure(*row)
        book.margins.symbols.add(row.symbol)
    book.margins.stored = {(m.user_id, m.underlying): m.margin for m in common.margins}
    book.marks = {m.user_id: Mark(*m[1:]) for m in common.marks}
    # A contract may be held in several products.
    costs = book.open_pnl.costs
    for user_id, symbol, cost in common.costs:
        costs[user_id, symbol] = costs.get((user_id, symbol), ZERO) + cost


def to_order(row: OrderRow) -> Order:
    return Order(
        row.id, row.user_id, row.symbol, Side(row.side), row.quantity, row.filled_quantity,
        OrderType(row.order_type), row.limit_price, Validity(row.validity),
        Priority(row.priority), OrderStatus(row.status), row.valid_until, row.client_order_id,
        row.attempt, row.reserved, row.traded_value, Product(row.product), row.trigger_price,
        row.parent_id, row.time_priority, row.age_seconds, row.parent_quantity,
        row.reason, row.others_rest,
    )  # fmt: skip
