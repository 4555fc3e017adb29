"""Getting out: the kill switch, canceling everything, and squaring off."""

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
    """What stops an account, or all of them."""

    def cancel_all(
        self,
        *,
        symbol: str | None = None,
        underlying: str | None = None,
        product: Product | str | None = None,
    ) -> list[CancellationRecord]:
        """Cancel everything that is open and return what became of each order."""
        wanted = {"symbol": symbol, "underlying": underlying, "product": product}
        path = with_query("/v1/orders", wanted)
        # Again, it would say nothing of what the first attempt has canceled.
        return list(self._call("DELETE", path, CancellationList, retries=0).orders)

    def square_off(
        self,
        *,
        symbol: str | None = None,
        underlying: str | None = None,
        product: Product | str | None = None,
        key: str | None = None,
    ) -> SquareOffRecord:
        """Cancel what is open and close what is held; ask :meth:`square_off_standing` how far it is.

        Raises:
            Conflict: The key stands for a square-off of something else.
        """
        body = stated(key=key or uuid4().hex, symbol=symbol, underlying=underlying, product=product)
        return self._call("POST", "/v1/square-off", SquareOffRecord, body=body)

    def square_off_standing(self, square_off_id: str) -> SquareOffRecord:
        """Return how far a square-off has come."""
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

        Once the answer is settled, no order is being decided any more under the state before.
        """
        body = stated(state=state, scope=scope, name=name, reason=reason)
        return self._call("PUT", "/v1/kill-switch", ControlReceipt, body=body)

    def controls(self) -> ControlList:
        """Return the trading states that were set, and which one holds for the account."""
        return self._call("GET", "/v1/kill-switch", ControlList)
