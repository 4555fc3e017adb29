"""The HTTP under the client: pooled connections, attempts, and problems as errors."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlencode

import msgspec
import urllib3

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

_Record = TypeVar("_Record")

#: The fields of one order as the API reads them, such as ``{"symbol": …, "side": "BUY", …}``.
OrderFields = Mapping[str, object]
#: Rupees.
Price = Decimal | str | float

_BACKOFF_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
FIRST_ERROR = 400
_RETRIED = frozenset({429, 500, 502, 503, 504})
_ERRORS: Mapping[int, type[ApiError]] = {
    401: Unauthorized,
    403: Unauthorized,
    404: NotFound,
    409: Conflict,
    429: Overloaded,
}


class Connection:
    """A connection pool to the API with the key of one account.  Threads may share it."""

    def __init__(
        self,
        url: str,
        api_key: str,
        *,
        timeout_seconds: float = 30.0,
        retries: int = 3,
        connections: int = 10,
        pause: Callable[[float], object] = time.sleep,
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
        self._is_closed = False
        #: Answers that are read as they come.
        self._listening_to: set[BaseHTTPResponse] = set()

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
        """Close the connections; streams under way end, also those of other threads."""
        self._is_closed = True
        for response in tuple(self._listening_to):
            # One that is at its end cannot be shut down any more.
            with suppress(RuntimeError, ValueError):
                response.shutdown()
        self._pool.clear()

    def _has_closed(self) -> bool:
        """Return whether it was closed, perhaps by another thread meanwhile."""
        return self._is_closed

    def _call(
        self,
        method: str,
        path: str,
        record: type[_Record],
        *,
        body: bytes | None = None,
        retries: int | None = None,
    ) -> _Record:
        """Send a request, retry answers that may be temporary, and decode the last one."""
        remaining = self._retries if retries is None else retries
        attempt = 0
        while True:
            try:
                return msgspec.json.decode(self._send(method, path, body), type=record)
            except ApiError as error:
                is_final = error.status is not None and error.status not in _RETRIED
                if is_final or attempt >= remaining:
                    raise
                self._pause(pause_seconds(attempt, error.retry_after))
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
        if response.status >= FIRST_ERROR:
            raise error_of(response)
        return response.data


class _ProblemFault(msgspec.Struct):
    index: int | None = None
    field: str = ""
    value: str = ""
    detail: str = ""

    def as_fault(self) -> Fault:
        # A fault of the whole request has no index.
        return Fault(-1 if self.index is None else self.index, self.field, self.value, self.detail)


class _Problem(msgspec.Struct):
    detail: str = ""
    title: str = ""
    type: str = ""
    message_id: str = ""
    errors: list[_ProblemFault] = []


def with_query(path: str, wanted: Mapping[str, object]) -> str:
    query = urlencode({name: value for name, value in wanted.items() if value is not None})
    return f"{path}?{query}" if query else path


def pause_seconds(attempt: int, retry_after: float | None) -> float:
    doubled = _BACKOFF_SECONDS * 2.0**attempt
    return min(_LONGEST_PAUSE_SECONDS, max(doubled, retry_after or 0.0))


def error_of(response: BaseHTTPResponse) -> ApiError:
    try:
        problem = msgspec.json.decode(response.data, type=_Problem)
    except msgspec.DecodeError:
        # A proxy before the API answered.
        problem = _Problem(title=f"HTTP {response.status}")
    status = response.status
    kind = _ERRORS.get(status, Unavailable if status >= 500 else InvalidRequest)  # noqa: PLR2004
    return kind(
        problem.detail or problem.title,
        status=status,
        faults=tuple(fault.as_fault() for fault in problem.errors),
        retry_after=_seconds(response.headers.get("Retry-After")),
        kind=problem.type,
        message_id=problem.message_id,
    )


def _seconds(header: str | None) -> float | None:
    return float(header) if header is not None and header.isdecimal() else None


def listed(orders: OrderFields | Iterable[OrderFields]) -> list[OrderFields]:
    """Return one order, or several, as a list."""
    return [orders] if isinstance(orders, Mapping) else list(orders)


def stated(**fields: object) -> bytes:
    """Encode the fields that are not None as a JSON object."""
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None})
