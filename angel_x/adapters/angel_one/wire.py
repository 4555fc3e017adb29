"""Requests to SmartAPI over pooled connections, within the budget, and repeated where that is safe."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx

from angel_x.adapters.angel_one.budget import Budget, see_nothing
from angel_x.adapters.angel_one.calls import Call
from angel_x.adapters.angel_one.envelope import unwrap
from angel_x.adapters.angel_one.limits import Limits
from angel_x.adapters.angel_one.shared_reads import ReadElsewhere, SharedRead, SharedReads
from angel_x.domain.exchange.request_budget import RequestAsk
from angel_x.errors import BrokerError, BrokerThrottled, BrokerUnavailable

_CONNECTIONS = 100
_PATIENCE_SECONDS = 30.0
#: Bounds of the time until a request has left; with the timeout of the answer they are its whole time.
_POOL_SECONDS, _CONNECT_SECONDS, _WRITE_SECONDS = 1.0, 2.0, 2.0
LEAVING_SECONDS = _POOL_SECONDS + _CONNECT_SECONDS + _WRITE_SECONDS
#: The event of httpcore between the headers of a request and its content.
_CONTENT_LEAVES = "http11.send_request_body.started"
_RETRIES, _BACKOFF_SECONDS = 3, 0.5
_REPEATED = (BrokerThrottled, BrokerUnavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The address of the API, and the machine that calls it."""

    url: str = "https://apiconnect.angelone.in"
    timeout_seconds: float = 7.0
    #: The local address that requests leave from; None for any.
    source_address: str | None = None
    #: The registered static address, as the broker sees it.
    public_address: str = "127.0.0.1"
    mac_address: str = "00:00:00:00:00:00"


@dataclass(frozen=True, slots=True)
class Turn:
    """The place of a request in the budget."""

    user_id: int = 0
    is_urgent: bool = False
    #: The moment of the monotonic clock before which it has to be sent; None for a usual wait.
    until: float | None = None


_SYSTEM = Turn()


@dataclass(frozen=True, slots=True)
class _Request:
    call: Call
    path: str
    content: Mapping[str, object] | None
    #: Not shown where a request is printed.
    token: str | None = field(repr=False)
    turn: Turn
    shared: SharedRead | None


class Wire:
    """Sends requests and unwraps their answers.  Threads may share it."""

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        client_code: str,
        api_key: str,
        budget: Budget,
        limits: Limits,
        sleep: Callable[[float], None],
        reads: SharedReads | None = None,
    ) -> None:
        self._client_code = client_code
        self._budget = budget
        self._limits = limits
        self._sleep = sleep
        self._reads = reads
        self._http = httpx.Client(
            base_url=endpoint.url,
            headers=_headers(endpoint, api_key),
            timeout=httpx.Timeout(
                endpoint.timeout_seconds,
                pool=_POOL_SECONDS,
                connect=_CONNECT_SECONDS,
                write=_WRITE_SECONDS,
            ),
            transport=_transport(endpoint),
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(
        self,
        call: Call,
        content: Mapping[str, object] | None = None,
        *,
        token: str | None = None,
        name: str = "",
        turn: Turn = _SYSTEM,
    ) -> object:
        """Send a request and return the data of its answer; ``name`` is the end of its path.

        A read is repeated up to three times, but not after its moment; anything else is sent once.  A
        shared one ends as soon as another process has the answer of one that began later.

        Raises:
            BrokerError: It failed, or there was no permit for it.
        """
        shared = self._reads.ask(self._budget_of(call)) if self._reads and call.is_shared else None
        request = _Request(call, call.path + name, content, token, turn, shared)
        try:
            return self._repeated(request)
        except ReadElsewhere as other:
            return unwrap(HTTPStatus.OK, other.answer)

    def _repeated(self, request: _Request) -> object:
        for attempt in range(_RETRIES):
            try:
                return self._once(request)
            except _REPEATED:
                pause = _BACKOFF_SECONDS * 2**attempt
                if not request.call.is_read or self._is_late(pause, request.turn):
                    raise
            self._sleep(pause)
        return self._once(request)

    def _is_late(self, pause: float, turn: Turn) -> bool:
        return turn.until is not None and self._budget.deadline(pause) > turn.until

    def _once(self, request: _Request) -> object:
        shared, turn = request.shared, request.turn
        until = self._budget.deadline(_PATIENCE_SECONDS) if turn.until is None else turn.until
        with self._permit(request, until):
            if shared:
                shared.begin()
            answer = self._answer(request, until)
        data = unwrap(answer.status_code, answer.content)
        if shared:
            shared.give(answer.content)
        return data

    def _permit(self, request: _Request, until: float) -> AbstractContextManager[None]:
        call, turn = request.call, request.turn
        ask = RequestAsk(
            self._budget_of(call), self._limits(call.rate), turn.user_id, turn.is_urgent
        )
        look = request.shared.look if request.shared else see_nothing
        return self._budget.permit(ask, until=until, look=look)

    def _answer(self, request: _Request, until: float) -> httpx.Response:
        headers = {"Authorization": f"Bearer {request.token}"} if request.token else {}

        def check(event: str, _info: object) -> None:
            # A process may be stopped anywhere, so its time is checked just before the content leaves:
            # without it the broker cannot carry the request out.
            if event == _CONTENT_LEAVES and not request.call.is_read:
                self._budget.check(until)

        try:
            return self._http.request(
                request.call.method,
                request.path,
                json=request.content,
                headers=headers,
                extensions={"trace": check},
            )
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise _unavailable(error) from None

    def _budget_of(self, call: Call) -> str:
        return f"{self._client_code}:{call.rate}"


def _unavailable(error: Exception) -> BrokerError:
    # The request of the error holds the token, so the error itself goes no further.
    return BrokerUnavailable(f"no answer: {type(error).__name__}")


def _transport(endpoint: Endpoint) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(
        verify=_tls(endpoint.url),
        local_address=endpoint.source_address,
        limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
    )


def _tls(url: str) -> ssl.SSLContext:
    """Return a context that verifies servers; one for plain addresses trusts nobody."""
    is_plain = url.startswith("http://")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if is_plain else ssl.create_default_context()
    tls.minimum_version = ssl.TLSVersion.TLSv1_2
    return tls


def _headers(endpoint: Endpoint, api_key: str) -> dict[str, str]:
    return {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "User-Agent": "angel-x",
        "X-UserType": "USER",
        "X-SourceID": "WEB",
        "X-ClientLocalIP": endpoint.source_address or "127.0.0.1",
        "X-ClientPublicIP": endpoint.public_address,
        "X-MACAddress": endpoint.mac_address,
        "X-PrivateKey": api_key,
    }
