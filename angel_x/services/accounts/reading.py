"""What an account may read about itself; nothing here changes anything."""

from __future__ import annotations

import re
from typing import Protocol

from angel_x.domain.records import cursor
from angel_x.domain.records.statement import (
    Balance,
    OrderFilter,
    OrderHistory,
    OrderPage,
    OrderRecord,
    PositionRecord,
    TradeRecord,
)
from angel_x.errors import OrderNotFound, UnknownAccount, WorkflowNotFound

_ORDER_ID = re.compile(r"[1-9]\d{0,17}")
#: Where the newest page starts: above every id.
_NEWEST = 2**63 - 1


class Statements(Protocol):
    """Where the read models come from: one statement each."""

    def orders(
        self, user_id: int, wanted: OrderFilter, before_id: int, limit: int
    ) -> list[OrderRecord]: ...
    def order(self, user_id: int, order_id: int) -> OrderHistory | None: ...
    def order_of_client(self, user_id: int, client_order_id: str) -> OrderHistory | None: ...
    def positions(self, user_id: int) -> list[PositionRecord]: ...
    def trades(self, user_id: int) -> list[TradeRecord]: ...
    def balance(self, user_id: int) -> Balance | None: ...


class Reading:
    """The questions that an account may ask."""

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    def orders(
        self, user_id: int, wanted: OrderFilter, *, after: str | None, limit: int
    ) -> OrderPage:
        """Return a page of orders, newest first.

        Raises:
            InvalidCursor: ``after`` is not the cursor of an earlier page.
        """
        before_id = _NEWEST if after is None else cursor.decode(after)
        # One more than was asked for says whether there is a page after this one.
        found = self._statements.orders(user_id, wanted, before_id, limit + 1)
        page = tuple(found[:limit])
        more = len(found) > limit
        return OrderPage(orders=page, next=cursor.encode(int(page[-1].order_id)) if more else None)

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
        """Return the order that the account submitted under this id, None where there is none."""
        return self._statements.order_of_client(user_id, client_order_id)

    def positions(self, user_id: int) -> list[PositionRecord]:
        """Return the open positions, the newest first."""
        return self._statements.positions(user_id)

    def trades(self, user_id: int) -> list[TradeRecord]:
        """Return the round trips closed within 24 hours, newest first, at most 1,000."""
        return self._statements.trades(user_id)

    def balance(self, user_id: int) -> Balance:
        """Return cash and margin.

        Raises:
            UnknownAccount: There is no such account.
        """
        balance = self._statements.balance(user_id)
        if balance is None:
            raise UnknownAccount(f"no account has the id {user_id}")
        return balance


def parse_row_id(kind: str, text: str) -> int:
    """Return the id of a basket or a square-off that a caller wrote.

    Raises:
        WorkflowNotFound: None can have it.
    """
    if _ORDER_ID.fullmatch(text) is None:
        raise WorkflowNotFound(kind, text[:40])
    return int(text)


def parse_order_id(text: str) -> int:
    """Return the order id that a caller wrote.

    Raises:
        OrderNotFound: No order can have it.
    """
    if _ORDER_ID.fullmatch(text) is None:
        raise OrderNotFound(text[:40])
    return int(text)
