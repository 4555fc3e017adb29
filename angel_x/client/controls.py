"""The kill switch, cancel-all and square-off."""

from __future__ import annotations

from urllib.parse import quote
from uuid import uuid4

from angel_x.client.connection import Connection, stated, with_query
from angel_x.domain.book.control import (
    CancellationList,
    CancellationRecord,
    ControlList,
    ControlReceipt,
    ControlScope,
)
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import Product
from angel_x.domain.workflows.square_off import SquareOffRecord


class ControlCalls(Connection):
    """Controls that stop the trading of an account, or of all accounts."""

    def cancel_all(
        self,
        *,
        symbol: str | None = None,
        underlying: str | None = None,
        product: Product | str | None = None,
    ) -> list[CancellationRecord]:
        """Cancel all open orders and return the outcome of each."""
        wanted = {"symbol": symbol, "underlying": underlying, "product": product}
        path = with_query("/v1/orders", wanted)
        # A retry would not report the orders that the first attempt has canceled.
        return list(self._call("DELETE", path, CancellationList, retries=0).orders)

    def square_off(
        self,
        *,
        symbol: str | None = None,
        underlying: str | None = None,
        product: Product | str | None = None,
        key: str | None = None,
    ) -> SquareOffRecord:
        """Cancel open orders and close positions; :meth:`square_off_standing` returns its progress.

        A second call with the same ``key`` returns the same square-off.

        Raises:
            Conflict: The key belongs to a square-off of other positions.
        """
        body = stated(key=key or uuid4().hex, symbol=symbol, underlying=underlying, product=product)
        return self._call("POST", "/v1/square-off", SquareOffRecord, body=body)

    def square_off_standing(self, square_off_id: str) -> SquareOffRecord:
        """Return a square-off with its progress."""
        path = f"/v1/square-off/{quote(square_off_id, safe='')}"
        return self._call("GET", path, SquareOffRecord)

    def kill_switch(
        self,
        state: TradingState | str,
        *,
        scope: ControlScope | str = ControlScope.USER,
        name: str | None = None,
        reason: str | None = None,
    ) -> ControlReceipt:
        """Set a trading state, ``on`` for halted: the account's own, or any with the scope admin.

        Once the receipt is ``settled``, no order is decided under the former state any more.
        """
        body = stated(state=state, scope=scope, name=name, reason=reason)
        return self._call("PUT", "/v1/kill-switch", ControlReceipt, body=body)

    def controls(self) -> ControlList:
        """Return the trading states that are set, and the state in force for the account."""
        return self._call("GET", "/v1/kill-switch", ControlList)
