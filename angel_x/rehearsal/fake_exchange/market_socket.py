"""The market data socket of the fake exchange: binary ticks of the quotes of its maker."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from decimal import Decimal
from itertools import count

import msgspec
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.rehearsal.fake_exchange.matching import Quote
from angel_x.rehearsal.fake_exchange.sessions import Refusal

PATH = "/smart-stream"
_NAME = "tick"
_PAUSE_SECONDS = 0.1
_MOST_CONNECTIONS = 3
_EXCHANGES = {"NFO": 2, "BFO": 4}
_HEAD = struct.Struct("<BB25sqqq")
_DAY = struct.Struct("<qqqddqqqq")
_INTEREST = struct.Struct("<qqd")
_LEVEL = struct.Struct("<HqqH")
_BOUNDS = struct.Struct("<qqqq")
_QUOTE_MODE, _SNAP_MODE = 2, 3

#: A subscription: mode, exchange segment and token.
_Key = tuple[int, int, str]


class _TokenList(msgspec.Struct):
    exchangeType: int  # noqa: N815 - the broker's name
    tokens: list[str]


class _Params(msgspec.Struct):
    mode: int
    tokenList: list[_TokenList]  # noqa: N815 - the broker's name


class _Request(msgspec.Struct):
    action: int
    params: _Params
    correlationID: str = ""  # noqa: N815 - the broker's name


class MarketTicks:
    """Sends a frame for every subscription whenever the quote of its contract has changed."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._connected = 0
        self._sequence = count(1)

    def routes(self) -> list[WebSocketRoute]:
        """Return the route of the socket."""
        return [WebSocketRoute(PATH, self._serve)]

    async def _serve(self, socket: WebSocket) -> None:
        token = socket.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            login = self._exchange.sessions.of(token)
        except Refusal as refusal:
            await _deny(socket, 401, refusal.message)
            return
        if socket.headers.get("x-feed-token") != login.feed:
            await _deny(socket, 401, "Invalid feed token")
            return
        if self._connected >= _MOST_CONNECTIONS:
            await _deny(socket, 429, "Too many connections")
            return
        await socket.accept()
        self._connected += 1
        subscribed: dict[_Key, Quote | None] = {}
        sending = asyncio.create_task(self._send(socket, subscribed))
        try:
            await self._take_requests(socket, subscribed, sending)
        finally:
            self._connected -= 1
            sending.cancel()

    async def _take_requests(
        self, socket: WebSocket, subscribed: dict[_Key, Quote | None], sending: asyncio.Task[None]
    ) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while not sending.done():
                text = await socket.receive_text()
                if text == "ping":
                    await socket.send_text("pong")
                elif error := self._change(subscribed, text):
                    await socket.send_text(error)

    def _change(self, subscribed: dict[_Key, Quote | None], text: str) -> str | None:
        """Subscribe or unsubscribe; return the error frame of a request that is refused."""
        try:
            request = msgspec.json.decode(text, type=_Request)
        except msgspec.MsgspecError:
            return _error("", "E1001", "Invalid Request Payload.")
        wanted = [
            (request.params.mode, listed.exchangeType, token)
            for listed in request.params.tokenList
            for token in listed.tokens
        ]
        if request.action == 0:
            for key in wanted:
                subscribed.pop(key, None)
            return None
        new = dict.fromkeys(key for key in wanted if key not in subscribed)
        if len(subscribed) + len(new) > self._exchange.faults.subscriptions:
            return _error(request.correlationID, "E1002", "Subscription limit exceeded")
        subscribed.update(new)
        return None

    async def _send(self, socket: WebSocket, subscribed: dict[_Key, Quote | None]) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                for key in list(subscribed):
                    quote = self._quote(key[2])
                    if key in subscribed and quote is not None and quote is not subscribed[key]:
                        subscribed[key] = quote
                        await socket.send_bytes(self._spoiled(self._frame(key, quote)))
                if self._exchange.faults.befalls(Fault.HANG_UP, _NAME):
                    await socket.close()
                    return
                await asyncio.sleep(_PAUSE_SECONDS)

    def _quote(self, token: str) -> Quote | None:
        return self._exchange.matching.quotes.get(token) or self._exchange.indices.get(token)

    def _spoiled(self, frame: bytes) -> bytes:
        return frame[:-9] if self._exchange.faults.befalls(Fault.MALFORMED, _NAME) else frame

    def _frame(self, key: _Key, quote: Quote) -> bytes:
        mode, segment, token = key
        now_ms = int(self._exchange.now().timestamp() * 1000)
        last = _paise(quote.last)
        frame = _HEAD.pack(mode, segment, token.encode(), next(self._sequence), now_ms, last)
        if mode >= _QUOTE_MODE:
            frame += _DAY.pack(quote.size, last, 0, quote.size, quote.size, last, last, last, last)
        if mode == _SNAP_MODE:
            frame += _INTEREST.pack(now_ms // 1000, 0, 0.0)
            frame += _levels(quote) + _BOUNDS.pack(2 * last, 5, 2 * last, 5)
        return frame


def _levels(quote: Quote) -> bytes:
    empty = _LEVEL.pack(0, 0, 0, 0) * 4
    bid = _LEVEL.pack(1, quote.size, _paise(quote.bid), 1)
    ask = _LEVEL.pack(0, quote.size, _paise(quote.ask), 1)
    return bid + empty + ask + empty


def _paise(price: Decimal) -> int:
    return int(price * 100)


def _error(correlation: str, code: str, message: str) -> str:
    content = {"correlationID": correlation, "errorCode": code, "errorMessage": message}
    return msgspec.json.encode(content).decode()


async def _deny(socket: WebSocket, status: int, message: str) -> None:
    await socket.send_denial_response(
        Response(status_code=status, headers={"x-error-message": message})
    )
