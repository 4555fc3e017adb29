"""The socket of order updates of the fake exchange."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from starlette.responses import Response
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from angel_x.rehearsal.fake_exchange.exchange import Exchange, row_of
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.rehearsal.fake_exchange.matching import ExchangeOrder, Status
from angel_x.rehearsal.fake_exchange.sessions import Refusal

PATH = "/smart-order-update"
_NAME = "update"
_MOST_CONNECTIONS = 3
_CODES = {
    Status.RECEIVED: "AB09",
    Status.OPEN: "AB01",
    Status.CANCELLED: "AB02",
    Status.REJECTED: "AB03",
    Status.COMPLETE: "AB05",
    Status.TRIGGER_PENDING: "AB10",
}


class UpdatesSocket:
    """Sends every change of an order to the sockets of its client."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._connected: dict[asyncio.Queue[bytes | None], str] = {}
        self._held_back: dict[str, bytes] = {}
        exchange.watchers.append(self._changed)

    def routes(self) -> list[WebSocketRoute]:
        """Return the route of the socket."""
        return [WebSocketRoute(PATH, self._serve)]

    async def _serve(self, socket: WebSocket) -> None:
        token = socket.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            client_code = self._exchange.sessions.of(token).client_code
        except Refusal as refusal:
            status = 403 if refusal.code == "AG8002" else 401
            await socket.send_denial_response(Response(status_code=status))
            return
        if list(self._connected.values()).count(client_code) >= _MOST_CONNECTIONS:
            await socket.send_denial_response(Response(status_code=429))
            return
        await socket.accept()
        frames: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._connected[frames] = client_code
        frames.put_nowait(_frame(client_code, "AB00", {}))
        sending = asyncio.create_task(self._send(socket, frames))
        try:
            await self._answer_pings(socket, sending)
        finally:
            self._connected.pop(frames, None)
            sending.cancel()

    async def _answer_pings(self, socket: WebSocket, sending: asyncio.Task[None]) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while not sending.done():
                if await socket.receive_text() == "ping":
                    await socket.send_text("pong")

    async def _send(self, socket: WebSocket, frames: asyncio.Queue[bytes | None]) -> None:
        with suppress(WebSocketDisconnect, RuntimeError):
            while (frame := await frames.get()) is not None:
                await socket.send_text(frame.decode())
            await socket.close()

    def _changed(self, order: ExchangeOrder) -> None:
        row = {name: value for name, value in row_of(order).items() if name != "uniqueorderid"}
        frame = _frame(order.client_code, _CODES[order.status], row)
        faults = self._exchange.faults
        if order.client_code not in self._held_back and faults.befalls(Fault.REORDER, _NAME):
            self._held_back[order.client_code] = frame
            return
        copies = 1 + faults.befalls(Fault.DUPLICATE, _NAME)
        late = self._held_back.pop(order.client_code, None)
        self._publish(order.client_code, [frame] * copies + ([late] if late else []))
        if faults.befalls(Fault.HANG_UP, _NAME):
            self._publish(order.client_code, [None])

    def _publish(self, client_code: str, frames: Sequence[bytes | None]) -> None:
        for queue, owner in self._connected.items():
            if owner == client_code:
                for frame in frames:
                    queue.put_nowait(frame)


def _frame(client_code: str, code: str, order: dict[str, object]) -> bytes:
    return msgspec.json.encode(
        {
            "user-id": client_code,
            "status-code": "200",
            "order-status": code,
            "error-message": "",
            "orderData": order,
        }
    )
