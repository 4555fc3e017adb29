"""Reads of one account: orders, positions, trades.  Nothing here changes state."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Protocol

from angel_x.domain.calendar.session import IST
from angel_x.domain.records import cursor
from angel_x.domain.records.order_record import (
    OrderFilter,
    OrderHistory,
    OrderPage,
    OrderRecord,
    PageFloor,
)
from angel_x.domain.records.statement import (
    FillPage,
    FillRecord,
    LedgerPage,
    LedgerRecord,
    Period,
    PositionRecord,
    TradeList,
    TradeRecord,
)
from angel_x.errors import OrderNotFound, WorkflowNotFound
from angel_x.services.ports import Clock

_ORDER_ID = re.compile(r"[1-9][0-9]{0,17}")
#: The order of a ledger entry in a cursor, zero without one.
_PLACE_ID = re.compile(r"0|[1-9][0-9]{0,17}")
_AMOUNT = re.compile(r"-?[0-9]{1,16}\.[0-9]{2}")
#: Where the newest page starts: above every id.
_NEWEST = 2**63 - 1


class Statements(Protocol):
    """The read models of accounts; every method is one SQL statement."""

    def floor(self, user_id: int, wanted: OrderFilter, before_id: int) -> PageFloor: ...
    def orders(
        self, user_id: int, wanted: OrderFilter, before_id: int, limit: int, floor_id: int = 0
    ) -> list[OrderRecord]: ...
    def order(self, user_id: int, order_id: int) -> OrderHistory | None: ...
    def order_of_client(self, user_id: int, client_order_id: str) -> OrderHistory | None: ...
    def positions(self, user_id: int, day: date) -> list[PositionRecord]: ...
    def trades(
        self, user_id: int, period: Period, after: Mapping[str, object], limit: int
    ) -> list[TradeRecord]: ...
    def fills(
        self, user_id: int, period: Period, after: Mapping[str, object], limit: int
    ) -> list[FillRecord]: ...
    def ledger(
        self, user_id: int, period: Period, after: Mapping[str, object], limit: int
    ) -> list[LedgerRecord]: ...


class Reading:
    """Reads one account's records."""

    def __init__(self, statements: Statements, market_clock: Clock) -> None:
        self._statements = statements
        self._market_clock = market_clock

    def orders(
        self, user_id: int, wanted: OrderFilter, *, after: str | None, limit: int
    ) -> OrderPage:
        """Return a page of orders, newest first; it may be short, or empty, and have one after it.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
        """
        before_id = _NEWEST if after is None else cursor.decode(after)
        # First: an order accepted in between is above the floor, and on this page.
        floor = self._statements.floor(user_id, wanted, before_id)
        # One more than the limit shows whether there is another page.
        found = self._statements.orders(user_id, wanted, before_id, limit + 1, floor.id)
        page = tuple(found[:limit])
        if len(found) > limit:
            return OrderPage(orders=page, next=cursor.encode(int(page[-1].order_id)))
        return OrderPage(orders=page, next=None if floor.is_last else cursor.encode(floor.id))

    def order(self, user_id: int, order_id: str) -> OrderHistory:
        """Return an order with its events and fills.

        Raises:
            OrderNotFound: No order of this account has the id.
        """
        order = self._statements.order(user_id, parse_order_id(order_id))
        if order is None:
            raise OrderNotFound(order_id)
        return order

    def order_of_client(self, user_id: int, client_order_id: str) -> OrderHistory | None:
        """Return the order of a client order id, None where the account has none."""
        return self._statements.order_of_client(user_id, client_order_id)

    def positions(self, user_id: int) -> list[PositionRecord]:
        """Return the open positions, the newest first."""
        day = self._market_clock().astimezone(IST).date()
        return self._statements.positions(user_id, day)

    def trades(self, user_id: int, period: Period, *, after: str | None, limit: int) -> TradeList:
        """Return a page of the round trips closed in a period, by default of 24 hours, newest first.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
        """
        found = self._statements.trades(user_id, period, _row_place(after), limit + 1)
        page, more = tuple(found[:limit]), len(found) > limit
        last = cursor.encode_place(page[-1].closed_at, [page[-1].id]) if more else None
        return TradeList(trades=page, next=last)

    def fills(self, user_id: int, period: Period, *, after: str | None, limit: int) -> FillPage:
        """Return a page of the fills of a period, newest first.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
        """
        found = self._statements.fills(user_id, period, _row_place(after), limit + 1)
        page, more = tuple(found[:limit]), len(found) > limit
        last = cursor.encode_place(page[-1].at, [page[-1].id]) if more else None
        return FillPage(fills=page, next=last)

    def ledger(self, user_id: int, period: Period, *, after: str | None, limit: int) -> LedgerPage:
        """Return a page of the ledger entries of a period, newest first.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
        """
        found = self._statements.ledger(user_id, period, _ledger_place(after), limit + 1)
        page, more = tuple(found[:limit]), len(found) > limit
        return LedgerPage(entries=page, next=_ledger_cursor(page[-1]) if more else None)


def _row_place(after: str | None) -> dict[str, object]:
    """Return the place of the last row of a page of trades or fills."""
    if after is None:
        return {}
    at, (row_id,) = cursor.decode_place(after, 1)
    if _ORDER_ID.fullmatch(row_id) is None:
        raise cursor.refusal(after)
    return {"at": at, "id": row_id}


def _ledger_place(after: str | None) -> dict[str, object]:
    if after is None:
        return {}
    at, (order_id, account, amount) = cursor.decode_place(after, 3)
    if _PLACE_ID.fullmatch(order_id) is None or _AMOUNT.fullmatch(amount) is None:
        raise cursor.refusal(after)
    return {"at": at, "order_id": order_id, "account": account, "amount": amount}


def _ledger_cursor(entry: LedgerRecord) -> str:
    rest = [entry.order_id or "0", entry.account.value, f"{entry.amount}"]
    return cursor.encode_place(entry.at, rest)


def parse_row_id(kind: str, text: str) -> int:
    """Parse the id of a basket or a square-off.

    Raises:
        WorkflowNotFound: The text is not a valid id.
    """
    if _ORDER_ID.fullmatch(text) is None:
        raise WorkflowNotFound(kind, text[:40])
    return int(text)


def parse_order_id(text: str) -> int:
    """Parse an order id.

    Raises:
        OrderNotFound: The text is not a valid id.
    """
    if _ORDER_ID.fullmatch(text) is None:
        raise OrderNotFound(text[:40])
    return int(text)
