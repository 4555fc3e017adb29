"""A book is written column by column: every number and every word lands where it belongs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from angel_x.adapters.postgres.book_unit import BookUnits
from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.ledger import LedgerAccount, LedgerEntry
from angel_x.domain.book.moves import Fill, Move
from angel_x.domain.orders.order import ASKED, Order, OrderStatus
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.stored import (
    UNIVERSE,
    A,
    B,
    C,
    empty_book,
    insert,
    insert_order,
    select,
    stored_order,
)

if TYPE_CHECKING:
    from sqlalchemy import Engine

S = OrderStatus


@dataclass
class Desk:
    """A database with three accounts, of which the first has no order."""

    engine: Engine
    bystander: int
    first: int
    second: int

    def record(self, book: Book, *, lease_seconds: float = 500.0) -> None:
        with BookUnits(self.engine, lease_seconds=lease_seconds).begin() as unit:
            unit.record(book, "the actor")
            unit.commit()

    def order(self, name: str, user_id: int | None = None, **columns: object) -> Order:
        owner = self.first if user_id is None else user_id
        return stored_order(self.engine, insert_order(self.engine, owner, name, **columns))

    def moved(self, order: Order, *statuses: OrderStatus, reason: str | None = None) -> Book:
        """Return a book in which an order has made moves and nothing else has happened."""
        book = empty_book()
        for status in statuses:
            order.status = status
            book.moves.append(Move(order, status, reason))
        return book


@pytest.fixture
def desk(engine: Engine) -> Desk:
    list_contracts(engine, UNIVERSE)
    return Desk(engine, *open_accounts(engine, 3))


def test_an_order_is_written_as_it_stands_after_its_last_move(desk: Desk) -> None:
    untouched = desk.order("untouched")
    part, gone = desk.order("part", symbol=B), desk.order("gone", desk.second, quantity=130)
    part.status, part.filled_quantity, part.traded_value = (
        S.PARTIALLY_FILLED,
        195,
        Decimal("7001.10"),
    )
    part.reserved, part.limit_price, part.attempt = Decimal("4321.09"), Decimal("37.65"), 4
    gone.status, gone.filled_quantity, gone.traded_value = S.CANCELED, 65, Decimal("300.05")
    gone.limit_price, gone.attempt = Decimal("8.15"), 2
    book = empty_book()
    book.moves += [
        Move(part, S.WORKING, "TRIGGERED"),
        Move(gone, S.CANCELED, "REQUESTED", "by hand"),
        Move(part, S.PARTIALLY_FILLED, None),
    ]
    [(before,)] = select(desk.engine, "SELECT clock_timestamp()")

    desk.record(book)

    assert select(
        desk.engine,
        "SELECT id, status, reason, filled_quantity, traded_value::text, average_price::text, "
        "reserved::text, limit_price::text, attempt, quantity, trigger_price, symbol, lease_until, "
        f"updated_at > '{before}', closed_at > '{before}' FROM orders ORDER BY id",
    ) == [
        (untouched.id, "received", None, 0, "0.00", None, "0.00", "50.00", 0, 650, None, A, None,
         False, None),
        (part.id, "partially_filled", None, 195, "7001.10", "35.9031", "4321.09", "37.65", 4, 650,
         None, B, None, True, None),
        (gone.id, "canceled", "REQUESTED", 65, "300.05", "4.6162", "0.00", "8.15", 2, 130, None, A,
         None, True, True),
    ]  # fmt: skip
    assert select(
        desk.engine,
        "SELECT order_id, status, actor, reason, attempt, detail FROM order_events ORDER BY id",
    ) == [
        (part.id, "working", "the actor", "TRIGGERED", 4, None),
        (gone.id, "canceled", "the actor", "REQUESTED", 2, "by hand"),
        (part.id, "partially_filled", "the actor", None, 4, None),
    ]


@pytest.mark.parametrize("status", [s for s in S if s is not S.RECEIVED])
def test_a_status_closes_an_order_or_leases_it_or_neither(desk: Desk, status: OrderStatus) -> None:
    pending = {S.PENDING_CANCEL, S.PENDING_AMEND}
    before = S.WORKING if status in pending else S.RECEIVED
    one = desk.order("one", lease_until="2026-01-01T00:00:00Z", status=before.value)
    one.filled_quantity = {S.FILLED: 650, S.PARTIALLY_FILLED: 65}.get(status, 0)

    desk.record(desk.moved(one, status, reason="WHY"))

    [(stored, lease, is_closed)] = select(
        desk.engine,
        "SELECT status, round(extract(epoch FROM lease_until - updated_at)), closed_at IS NOT NULL "
        "FROM orders",
    )
    assert stored == status.value
    assert lease == (500 if status in ASKED else None)
    assert is_closed is (status in {"denied", "rejected", "filled", "canceled", "expired"})


def test_an_amendment_is_written_to_its_order_alone(desk: Desk) -> None:
    first, second, third = (
        desk.order(name, status="working", order_type="SL", trigger_price="49.00")
        for name in ("first", "second", "third")
    )
    first.quantity, first.limit_price, first.trigger_price = 260, Decimal("61.00"), Decimal("60.00")
    second.quantity, second.trigger_price = 325, None
    book = empty_book()
    book.moves += [Move(order, S.WORKING, "AMENDED") for order in (first, second, third)]
    book.amended += [(first, True), (second, False)]

    desk.record(book)

    assert select(
        desk.engine,
        "SELECT id, quantity, limit_price::text, trigger_price::text, time_priority FROM orders "
        "ORDER BY id",
    ) == [
        (first.id, 260, "61.00", "60.00", third.time_priority + 1),
        (second.id, 325, "50.00", None, second.time_priority),
        (third.id, 650, "50.00", "49.00", third.time_priority),
    ]


def test_a_fill_and_a_ledger_entry_are_written_field_by_field(desk: Desk) -> None:
    bought = desk.order("bought", symbol=B)
    sold = desk.order("sold", desk.second, symbol=C, side="SELL")
    book = desk.moved(bought, S.WORKING)
    days = {desk.first: date(2026, 8, 19), desk.second: date(2026, 8, 18)}
    book.fills += [
        Fill(bought, 65, Decimal("12.35"), "x-1", days[desk.first]),
        Fill(sold, 130, Decimal("98.70"), "x-2", days[desk.second]),
    ]
    book.entries += [
        LedgerEntry(desk.first, bought.id, LedgerAccount.CASH, Decimal("-830.11")),
        LedgerEntry(desk.second, sold.id, LedgerAccount.CHARGES, Decimal("27.36")),
        LedgerEntry(desk.second, None, LedgerAccount.DEPOSIT, Decimal("-5.00")),
    ]

    desk.record(book)

    assert select(
        desk.engine,
        "SELECT execution_id, order_id, user_id, symbol, side, quantity, price::text, trade_date "
        "FROM fills ORDER BY id",
    ) == [
        ("x-1", bought.id, desk.first, B, "BUY", 65, "12.35", days[desk.first]),
        ("x-2", sold.id, desk.second, C, "SELL", 130, "98.70", days[desk.second]),
    ]
    assert select(
        desk.engine,
        "SELECT user_id, order_id, account, amount::text FROM ledger_entries "
        "ORDER BY ledger_entries.amount",
    ) == [
        (desk.first, bought.id, "cash", "-830.11"),
        (desk.second, None, "deposit", "-5.00"),
        (desk.second, sold.id, "charges", "27.36"),
    ]


def test_an_account_is_written_field_by_field_and_no_other_one(desk: Desk) -> None:
    day, other = date(2026, 8, 19), date(2026, 8, 18)
    columns = (
        "SELECT cash::text, collateral::text, margin_used::text, realised_pnl::text, open_orders, "
        "pnl_day, day_pnl::text FROM users WHERE id = "
    )
    before = select(desk.engine, f"{columns}{desk.bystander}")
    book = desk.moved(desk.order("one"), S.WORKING)
    book.accounts = {
        desk.second: Account(
            desk.second, Decimal("90.01"), Decimal(1), Decimal("80.02"), Decimal("-70.03"), 6, day,
            Decimal("-50.04"),
        ),
        desk.first: Account(
            desk.first, Decimal("91.01"), Decimal(1), Decimal("81.02"), Decimal("-71.03"), 7, other,
            Decimal("-51.04"),
        ),
    }  # fmt: skip

    desk.record(book)

    assert select(desk.engine, f"{columns}{desk.first}") == [
        ("91.01", "5000.00", "81.02", "-71.03", 7, other, "-51.04")
    ]
    assert select(desk.engine, f"{columns}{desk.second}") == [
        ("90.01", "5000.00", "80.02", "-70.03", 6, day, "-50.04")
    ]
    assert select(desk.engine, f"{columns}{desk.bystander}") == before


def test_what_is_held_and_offered_is_inserted_or_replaced(desk: Desk) -> None:
    insert(desk.engine, "exposures", user_id=desk.first, symbol=A, net_quantity=1,
           open_buy_quantity=2, open_sell_quantity=3)  # fmt: skip
    insert(desk.engine, "exposures", user_id=desk.bystander, symbol=A, net_quantity=4,
           open_buy_quantity=5, open_sell_quantity=6)  # fmt: skip
    insert(desk.engine, "margins", user_id=desk.first, underlying="NIFTY", margin="1.11")
    insert(desk.engine, "margins", user_id=desk.bystander, underlying="NIFTY", margin="2.22")
    book = desk.moved(desk.order("one"), S.WORKING)
    exposures = [
        Exposure(desk.first, A, -65, 130, 195),
        Exposure(desk.second, B, 260, 325, 390),
        Exposure(desk.second, C, 7, 8, 9),
    ]
    book.exposures = {(e.user_id, e.symbol): e for e in exposures}
    book.exposed = {(desk.second, B), (desk.first, A)}
    book.margins.stored = {(desk.first, "NIFTY"): Decimal("1.11")}
    book.pool(desk.first, "NIFTY").held = Decimal("11.15")
    book.pool(desk.second, "BANKNIFTY").held = Decimal("22.25")

    desk.record(book)

    assert select(
        desk.engine,
        "SELECT user_id, symbol, net_quantity, open_buy_quantity, open_sell_quantity FROM exposures "
        "ORDER BY user_id",
    ) == [
        (desk.bystander, A, 4, 5, 6),
        (desk.first, A, -65, 130, 195),
        (desk.second, B, 260, 325, 390),
    ]
    assert select(
        desk.engine, "SELECT user_id, underlying, margin::text FROM margins ORDER BY user_id"
    ) == [
        (desk.bystander, "NIFTY", "2.22"),
        (desk.first, "NIFTY", "11.15"),
        (desk.second, "BANKNIFTY", "22.25"),
    ]
