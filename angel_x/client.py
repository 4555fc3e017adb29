"""The Python client of the API: typed, pooled, and safe to retry.

Every order carries a client order id, made here where the caller gives none, so sending it again
can never trade it twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec
import urllib3

from angel_x.domain.basket import BasketRecord, OnRefusal
from angel_x.domain.control import (
    CancellationList,
    CancellationRecord,
    ControlList,
    ControlReceipt,
    ControlScope,
)
from angel_x.domain.limits import LimitSheet
from angel_x.domain.order import OrderStatus, Product
from angel_x.domain.portfolio import Portfolio
from angel_x.domain.risk import TradingState
from angel_x.domain.square_off import SquareOffRecord
from angel_x.domain.statement import (
    Balance,
    MarginEstimate,
    OrderHistory,
    OrderPage,
    OrderReceipt,
    OrderReceipts,
    OrderRecord,
    PositionList,
    PositionRecord,
    StreamEvent,
    TradeList,
    TradeRecord,
)
from angel_x.errors import (
    ApiError,
    Conflict,
    Fault,
    InvalidRequest,
    NotFound,
    Overloaded,
    Unauthorized,
    Unavailable,
)

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

    from angel_x.domain.option_chain import ContractGreeks, OptionChain

_Record = TypeVar("_Record")

#: The fields of one order as the API reads them, such as ``{"symbol": …, "side": "BUY", …}``.
OrderFields = Mapping[str, object]
#: Rupees.
Price = Decimal | str | float

_BACKOFF_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
#: Three keep-alives of the stream.
_SILENCE_SECONDS = 45.0
_FIRST_ERROR = 400
_WORTH_ANOTHER_ATTEMPT = frozenset({429, 500, 502, 503, 504})
_ERRORS: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    429: Overloaded,
}


class Client:
    """One account's view of a running system.  Threads may share it."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout_seconds: float = 30.0,
        retries: int = 3,
        connections: int = 10,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url.rstrip("/")
        self._retries = retries
        self._pause = pause
        self._timeout = urllib3.Timeout(connect=min(5.0, timeout_seconds), read=timeout_seconds)
        self._headers = {
            "Authorization": f"Bearer {api_key}",
            "Accept-Encoding": "gzip",
            "User-Agent": "angel-x",
        }
        self._pool = urllib3.PoolManager(
            num_pools=1, maxsize=connections, retries=False, timeout=self._timeout
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def submit(self, orders: OrderFields | Iterable[OrderFields]) -> list[OrderReceipt]:
        """Hand in one order, or several of which all are accepted or none is.

        Raises:
            InvalidRequest: With the index, field and value of each fault.
            Conflict: An order of other content has one of the client order ids.
            Overloaded: Too many orders wait, even after the retries.
            Unavailable: There was no answer; the same orders may be handed in again.
        """
        given = [orders] if isinstance(orders, Mapping) else list(orders)
        named = [_named(order) for order in given]
        body = msgspec.json.encode({"orders": named})
        return list(self._call("POST", "/v1/orders", OrderReceipts, body=body).orders)

    def order(self, order_id: str) -> OrderHistory:
        """Return an order with its events and fills."""
        return self._call("GET", f"/v1/orders/{quote(order_id, safe='')}", OrderHistory)

    def submission(self, client_order_id: str) -> OrderHistory:
        """Return what became of an order that was sent through the API or the message broker.

        Raises:
            InvalidRequest: It was refused; the error says why.
            NotFound: Nothing is known under this id (yet).
        """
        path = f"/v1/submissions/{quote(client_order_id, safe='')}"
        return self._call("GET", path, OrderHistory)

    def orders(
        self,
        *,
        status: OrderStatus | str | None = None,
        symbol: str | None = None,
        parent_id: str | None = None,
        basket_id: str | None = None,
        since: datetime | None = None,
        page_size: int = 100,
    ) -> Iterator[OrderRecord]:
        """Yield orders, the newest first, reading page after page.

        Slices are left out, unless those of one ``parent_id`` are asked for.
        """
        wanted: dict[str, object] = {"status": status, "symbol": symbol, "limit": page_size}
        wanted |= {"parent_id": parent_id, "basket_id": basket_id}
        wanted["since"] = None if since is None else since.isoformat()
        while True:
            page = self._call("GET", _with_query("/v1/orders", wanted), OrderPage)
            yield from page.orders
            if page.next is None:
                return
            wanted["cursor"] = page.next

    def basket(
        self,
        orders: Iterable[OrderFields],
        *,
        basket_id: str | None = None,
        on_refusal: OnRefusal | str = OnRefusal.KEEP,
    ) -> BasketRecord:
        """Hand in orders that are checked together and hedged first; they have no client order id.

        Raises:
            InvalidRequest: With the index, field and value of each fault.
            Conflict: A basket of other content has this id.
            Overloaded: Too many orders wait, even after the retries.
            Unavailable: There was no answer; the same basket may be handed in again.
        """
        content = {
            "basket_id": basket_id or uuid4().hex,
            "orders": list(orders),
            "on_refusal": on_refusal,
        }
        return self._call("POST", "/v1/baskets", BasketRecord, body=msgspec.json.encode(content))

    def read_basket(self, basket_id: str) -> BasketRecord:
        """Return a basket with its orders."""
        return self._call("GET", f"/v1/baskets/{quote(basket_id, safe='')}", BasketRecord)

    def modify(
        self,
        order_id: str,
        *,
        price: Price | None = None,
        trigger_price: Price | None = None,
        quantity: int | None = None,
    ) -> OrderHistory:
        """Change an open order and return it as it stands then; what is None stays as it is.

        Raises:
            InvalidRequest: With the field and value of each fault.
            Conflict: It is closed already, on its way to the venue, or refused as amended.
        """
        changes = {"price": price, "trigger_price": trigger_price, "quantity": quantity}
        body = msgspec.json.encode({f: v for f, v in changes.items() if v is not None})
        # As for a cancellation: by another attempt it may have traded.
        path = f"/v1/orders/{quote(order_id, safe='')}"
        return self._call("PATCH", path, OrderHistory, body=body, retries=0)

    def cancel(self, order_id: str) -> OrderHistory:
        """Cancel what has not traded and return the order as it stands then.

        Raises:
            Conflict: It is closed already.
        """
        # Not tried again: an attempt whose answer was lost would look like a conflict.
        path = f"/v1/orders/{quote(order_id, safe='')}"
        return self._call("DELETE", path, OrderHistory, retries=0)

    def cancel_all(
        self,
        *,
        symbol: str | None = None,
        underlying: str | None = None,
        product: Product | str | None = None,
    ) -> list[CancellationRecord]:
        """Cancel everything that is open and return what became of each order."""
        wanted = {"symbol": symbol, "underlying": underlying, "product": product}
        path = _with_query("/v1/orders", wanted)
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
        wanted = {"symbol": symbol, "underlying": underlying, "product": product}
        body = msgspec.json.encode(
            {"key": key or uuid4().hex, **{f: v for f, v in wanted.items() if v is not None}}
        )
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
        fields = {"state": state, "scope": scope, "name": name, "reason": reason}
        body = msgspec.json.encode({f: v for f, v in fields.items() if v is not None})
        return self._call("PUT", "/v1/kill-switch", ControlReceipt, body=body)

    def controls(self) -> ControlList:
        """Return the trading states that were set, and which one holds for the account."""
        return self._call("GET", "/v1/kill-switch", ControlList)

    def positions(self) -> list[PositionRecord]:
        """Return the open positions, the newest first."""
        return list(self._call("GET", "/v1/positions", PositionList).positions)

    def trades(self) -> list[TradeRecord]:
        """Return the round trips closed within 24 hours, the newest first, at most 1,000."""
        return list(self._call("GET", "/v1/trades", TradeList).trades)

    def portfolio(self) -> Portfolio:
        return self._call("GET", "/v1/portfolio", Portfolio)

    @overload
    def margin(self) -> Balance: ...

    @overload
    def margin(self, orders: OrderFields | Iterable[OrderFields]) -> MarginEstimate: ...

    def margin(
        self, orders: OrderFields | Iterable[OrderFields] | None = None
    ) -> Balance | MarginEstimate:
        """Return cash and margin, or what orders would do to them; they need no client order id."""
        if orders is None:
            return self._call("GET", "/v1/margin", Balance)
        given = [orders] if isinstance(orders, Mapping) else list(orders)
        body = msgspec.json.encode({"orders": given})
        return self._call("POST", "/v1/margin", MarginEstimate, body=body)

    def limits(self, *, user: str | None = None, everyone: bool = False) -> LimitSheet:
        """Return the account's limits; those of another, or of everyone, need the scope admin."""
        return self._call("GET", _limits_path(user, everyone=everyone), LimitSheet)

    def set_limits(
        self, limits: Mapping[str, object], *, user: str | None = None, everyone: bool = False
    ) -> LimitSheet:
        """Set limits by kind, such as ``{"max_order_quantity": 1800}``; the others stay.

        Raises:
            InvalidRequest: A kind is unknown, or a value out of its bounds.
        """
        path = _limits_path(user, everyone=everyone)
        return self._call("PUT", path, LimitSheet, body=msgspec.json.encode(limits))

    def clear_limits(
        self, *kinds: str, user: str | None = None, everyone: bool = False
    ) -> LimitSheet:
        """Take limits away: those kinds, or all where none is named."""
        path = _limits_path(user, everyone=everyone, kinds=kinds)
        return self._call("DELETE", path, LimitSheet)

    def greeks(self, symbol: str) -> ContractGreeks:
        """Return the quote and the Greeks of a contract."""
        # Brings numpy along, which a client that only trades does not need.
        from angel_x.domain.option_chain import ContractGreeks  # noqa: PLC0415

        return self._call("GET", f"/v1/greeks/{quote(symbol, safe='')}", ContractGreeks)

    def option_chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """Return the chain of an expiry, by default the nearest."""
        from angel_x.domain.option_chain import OptionChain  # noqa: PLC0415 - as above

        path = f"/v1/option-chain/{quote(underlying, safe='')}"
        return self._call("GET", _with_query(path, {"expiry": expiry}), OptionChain)

    def stream(self, after: str | None = None) -> Iterator[StreamEvent]:
        """Yield what happens to the account, from now on or after the event of that id.

        A broken connection is opened again where it broke off.

        Raises:
            Unavailable: It could not be opened again.
        """
        failures = 0
        while True:
            try:
                with self._listening(after) as chunks:
                    for event in _events(chunks):
                        failures = 0
                        after = event.id
                        yield event
            except urllib3.exceptions.HTTPError as error:
                failures += 1
                if failures > self._retries:
                    raise Unavailable(f"the event stream broke off: {error}") from error
            self._pause(_pause_seconds(failures, None))

    @contextmanager
    def _listening(self, after: str | None) -> Iterator[Iterator[bytes]]:
        headers = self._headers | {"Accept-Encoding": "identity"}
        if after is not None:
            headers["Last-Event-ID"] = after
        response = self._pool.request(
            "GET",
            f"{self._url}/v1/stream",
            headers=headers,
            preload_content=False,
            timeout=urllib3.Timeout(connect=5.0, read=_SILENCE_SECONDS),
        )
        try:
            if response.status >= _FIRST_ERROR:
                raise _error(response)
            yield response.stream()
        finally:
            response.close()

    def _call(
        self,
        method: str,
        path: str,
        record: type[_Record],
        *,
        body: bytes | None = None,
        retries: int | None = None,
    ) -> _Record:
        """Call until there is an answer that another attempt would not change."""
        remaining = self._retries if retries is None else retries
        attempt = 0
        while True:
            try:
                return msgspec.json.decode(self._send(method, path, body), type=record)
            except ApiError as error:
                is_final = error.status is not None and error.status not in _WORTH_ANOTHER_ATTEMPT
                if is_final or attempt >= remaining:
                    raise
                self._pause(_pause_seconds(attempt, error.retry_after))
            attempt += 1

    def _send(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = self._headers
        if body is not None:
            headers = headers | {"Content-Type": "application/json"}
        try:
            response = self._pool.request(
                method, f"{self._url}{path}", body=body, headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"the API did not answer: {error}") from error
        if response.status >= _FIRST_ERROR:
            raise _error(response)
        return response.data


class _ProblemFault(msgspec.Struct):
    index: int | None = None
    field: str = ""
    value: str = ""
    detail: str = ""

    def as_fault(self) -> Fault:
        # What concerns no single order has no place in the request.
        return Fault(-1 if self.index is None else self.index, self.field, self.value, self.detail)


class _Problem(msgspec.Struct):
    detail: str = ""
    title: str = ""
    errors: list[_ProblemFault] = []


def _named(order: OrderFields) -> OrderFields:
    if order.get("client_order_id") is not None:
        return order
    return {**order, "client_order_id": uuid4().hex}


def _with_query(path: str, wanted: Mapping[str, object]) -> str:
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    return f"{path}?{query}" if query else path


def _limits_path(user: str | None, *, everyone: bool, kinds: Iterable[str] = ()) -> str:
    scope = "global" if everyone else None
    path = _with_query("/v1/limits", {"user": user, "scope": scope})
    named = urlencode([("kind", kind) for kind in kinds])
    return path + (("&" if "?" in path else "?") + named if named else "")


def _pause_seconds(attempt: int, retry_after: float | None) -> float:
    doubled = _BACKOFF_SECONDS * 2.0**attempt
    return min(_LONGEST_PAUSE_SECONDS, max(doubled, retry_after or 0.0))


def _error(response: BaseHTTPResponse) -> ApiError:
    try:
        problem = msgspec.json.decode(response.data, type=_Problem)
    except msgspec.DecodeError:
        # Something between here and the API has answered.
        problem = _Problem(title=f"HTTP {response.status}")
    status = response.status
    kind = _ERRORS.get(status, Unavailable if status >= 500 else InvalidRequest)  # noqa: PLR2004
    return kind(
        problem.detail or problem.title,
        status=status,
        faults=tuple(fault.as_fault() for fault in problem.errors),
        retry_after=_seconds(response.headers.get("Retry-After")),
    )


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() else None


def _events(chunks: Iterator[bytes]) -> Iterator[StreamEvent]:
    unread = b""
    for chunk in chunks:
        *blocks, unread = (unread + chunk).split(b"\n\n")
        for block in blocks:
            lines = (line.partition(b": ") for line in block.split(b"\n"))
            fields = {name.decode(): value for name, _, value in lines if name}
            if "data" in fields:
                body: dict[str, Any] = msgspec.json.decode(fields["data"])
                yield StreamEvent(fields["id"].decode(), fields["event"].decode(), body)
