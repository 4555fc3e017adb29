"""uvicorn's HTTP protocol with bounds on all that a client sends before its key is known.

uvicorn bounds neither the size of a header block nor the time in which a request arrives, and answers
beyond a number of connections only after their headers (ADR 0031).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from enum import Enum, auto
from http import HTTPStatus
from math import inf
from typing import Any, cast

import msgspec
import structlog
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.api.connections import Connections
from angel_x.entrypoints.api.http_bounds import BLOCK_BYTES, LINE_BYTES, HttpBounds
from angel_x.entrypoints.presentation.problem import link_to_type, of_status
from angel_x.services.ports import Meter

log = structlog.get_logger()

#: Seconds in which a client may still send after its refusal; a close would take the answer away from it.
LINGER_SECONDS = 2.0
#: Refused connections that are kept for that long; more are closed at once.
_MOST_LINGERING = 64
#: Seconds that a drained connection stays open for a request that is on its way.
QUIET_SECONDS = 1.0
_SEPARATORS = len(b": \r\n")


class RequestPart(Enum):
    """The part of a request that arrives next."""

    START = auto()
    HEAD = auto()
    BODY = auto()


class BoundedState(ServerState):
    """The state that the connections of one server share."""

    def __init__(self, bounds: HttpBounds, meter: Meter) -> None:
        super().__init__()
        self.bounds = bounds
        self._meter = meter
        self.admitted = Connections(
            most=bounds.connections, most_by_address=bounds.connections_by_address
        )
        #: Connections that are open for the rest of their refused requests.
        self.lingering = 0
        self.is_draining = False
        #: Refusals by status since the last look.
        self.refusals: Counter[int] = Counter()

    def look(self, now: float, *, stalled: float = 0.0) -> None:
        """End connections that are late; count and log the refusals since the last look.

        The seconds for which the server was stalled do not count: a client may have sent meanwhile.
        """
        for connection in list(self.connections):
            assert isinstance(connection, BoundedHttp)
            connection.due += stalled
            if connection.due < now:
                connection.time_out(now)
            if connection.unread_since + self.bounds.unread_seconds < now:
                self.cut_off(connection)
        if self.refusals:
            log.warning("requests.refused_early", statuses=dict(self.refusals))
            for status, refused in self.refusals.items():
                self._meter.add(Metric.HTTP_EARLY_REFUSALS, refused, code=str(status))
            self.refusals.clear()

    def cut_off(self, connection: BoundedHttp) -> None:
        """Abort a connection: a close would wait for the client to read."""
        log.warning("connection.unread", address=connection.address)
        connection.transport.abort()


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._state = cast("BoundedState", server_state)
        #: The time of the loop at which the client is late.
        self.due = inf
        self._part = RequestPart.HEAD
        #: The part that :attr:`due` is set for.
        self._timed = RequestPart.HEAD
        #: The time of the loop since which the client leaves its answer unread.
        self.unread_since = inf
        #: Bytes since the request or the last piece of its body began; no fewer than there are.
        self._received = 0
        self._chunk = 0
        self._is_admitted = False
        self._was_heard = False
        #: The answer is written, and later bytes are discarded.
        self._is_lingering = False

    @property
    def address(self) -> str:
        return self.client[0] if self.client else ""

    @property
    def _unanswered(self) -> RequestResponseCycle | None:
        """The last request, while its answer is not complete."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        return None if cycle is None or cycle.response_complete else cycle

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.due = self.loop.time() + self._state.bounds.header_seconds
        self._is_admitted = self._state.admitted.admit(self)
        if not self._is_admitted:
            self.refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too many connections")

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        if self._is_lingering:
            self._state.lingering -= 1
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_since = self.loop.time()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.unread_since = inf

    def give_way(self) -> None:
        """Close, because another connection needs the place, which is given up already."""
        self._is_admitted = False
        self.refuse(HTTPStatus.REQUEST_TIMEOUT, "the headers did not arrive while others waited")

    def data_received(self, data: bytes) -> None:
        if self._is_lingering:
            return
        self._chunk = len(data)
        self._received += self._chunk
        super().data_received(data)
        if self._part is RequestPart.START:
            self._received = 0
            self.due = inf
        elif not self._is_lingering:
            self._check_part()

    def _check_part(self) -> None:
        """Bound size and time of a part that has not arrived in whole."""
        if self._received > BLOCK_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _too_large("headers"))
        elif self._timed is not self._part:
            self._timed = self._part
            bounds = self._state.bounds
            seconds = (
                bounds.header_seconds if self._part is RequestPart.HEAD else bounds.body_seconds
            )
            self.due = self.loop.time() + seconds

    def on_message_begin(self) -> None:
        self._part = RequestPart.HEAD
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        # Exact sizes are of interest only where that much was received.
        if self._received > LINE_BYTES:
            self._check_head()
        self._part = RequestPart.BODY
        if not self._was_heard:
            self._was_heard = True
            self._state.admitted.heard(self)
        super().on_headers_complete()
        if self._state.is_draining:
            self.cycle.keep_alive = False

    def _check_head(self) -> None:
        """Refuse a target, a line or a block that is too long.

        Raises:
            ValueError: It was refused; the parser ends with that.
        """
        lines = [len(name) + len(value) + _SEPARATORS for name, value in self.headers]
        if len(self.url) > LINE_BYTES:
            self.refuse(HTTPStatus.REQUEST_URI_TOO_LONG, _too_large("target"))
        elif max(lines, default=0) > LINE_BYTES or sum(lines) + len(self.url) > BLOCK_BYTES:
            self.refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, _too_large("headers"))
        else:
            return
        raise ValueError

    def on_body(self, body: bytes) -> None:
        self._received = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._part = self._timed = RequestPart.START
        # The rest of the chunk may belong to the next request.
        self._received = self._chunk
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that the parser does not take."""
        self.refuse(HTTPStatus.BAD_REQUEST, msg.rstrip(".").lower())

    def time_out(self, now: float) -> None:
        """Refuse a request that is late, or end a connection that has had its time."""
        if self._is_lingering:
            self.transport.abort()
        elif self.flow.read_paused:
            # The application has not asked for the rest yet.
            self.due = now + self._state.bounds.body_seconds
        elif self._part is RequestPart.BODY:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT, "the body did not arrive in time")
        elif self._received:
            self.refuse(HTTPStatus.REQUEST_TIMEOUT, "the headers did not arrive in time")
        else:
            self._linger()

    def timeout_keep_alive_handler(self) -> None:
        """End an idle connection, without a reset of a request that is on its way."""
        self._linger()

    def shutdown(self) -> None:
        """Answer requests that run or are on their way, and close after that."""
        if (cycle := self._unanswered) is not None:
            cycle.keep_alive = False
        else:
            self._unset_keepalive_if_required()
            self.due = min(self.due, self.loop.time() + QUIET_SECONDS)

    def refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer the request with a problem, unless an answer has begun, and end the connection.

        A second call does nothing.
        """
        if self._is_lingering:
            return
        self._state.refusals[status.value] += 1
        if self._may_answer():
            self.transport.write(_refusal(status, detail))
        self._linger()

    def _may_answer(self) -> bool:
        """Return whether an answer written now belongs to the request that arrives."""
        if self.pipeline:
            return False
        if self._part is RequestPart.BODY:
            return not self.cycle.response_started
        return self._unanswered is None

    def _linger(self) -> None:
        """Send the end, and discard later bytes for a while: a close would be a reset."""
        self._leave()
        self._unset_keepalive_if_required()
        self._is_lingering = True
        self._state.lingering += 1
        if (cycle := self._unanswered) is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        self.due = self.loop.time() + LINGER_SECONDS
        if self._state.lingering > _MOST_LINGERING:
            self.transport.close()
        else:
            self.transport.write_eof()

    def _leave(self) -> None:
        if self._is_admitted:
            self._is_admitted = False
            self._state.admitted.leave(self)


def _too_large(words: str) -> str:
    return f"the {words} must be at most {LINE_BYTES} bytes a line and {BLOCK_BYTES} in all"


def _refusal(status: HTTPStatus, detail: str) -> bytes:
    """Return the whole answer of a refusal."""
    problem = of_status(status, detail)
    body = msgspec.json.encode(problem)
    head = [
        b"content-type: application/problem+json\r\n",
        b"content-length: %d\r\n" % len(body),
        f"link: {link_to_type(problem)}\r\n".encode(),
        b"cache-control: no-store\r\nconnection: close\r\n",
    ]
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        head.append(b"retry-after: 1\r\n")
    return b"".join([STATUS_LINE[status], *head, b"\r\n", body])
