"""A real API in this process: uvicorn on a port of its own, real servers behind it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import Any

import msgspec
import urllib3
from sqlalchemy import text

from angel_x.bootstrap import Application, build
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.api.application import create_app
from angel_x.entrypoints.api.http_bounds import HttpBounds
from angel_x.entrypoints.api.server import ApiServer
from config.settings import Settings
from tests.builders.deadlines import DEADLINE_SECONDS


@dataclass(frozen=True)
class Answer:
    status: int
    headers: urllib3.HTTPHeaderDict
    raw: bytes

    @property
    def body(self) -> Any:
        return msgspec.json.decode(self.raw)


@dataclass(frozen=True)
class RunningApi:
    """An API that serves, and a plain HTTP client for it."""

    url: str
    application: Application
    http: urllib3.PoolManager
    #: Ends the server and waits for it; a second call does nothing.
    stop: Callable[[], None]

    def call(
        self,
        method: str,
        path: str,
        *,
        key: str | None = None,
        content: object = None,
        body: bytes | None = None,
        **headers: str,
    ) -> Answer:
        if key is not None:
            headers["Authorization"] = f"Bearer {key}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = body if content is None else msgspec.json.encode(content)
        response = self.http.request(
            method, self.url + path, body=sent, headers=named, decode_content=False
        )
        return Answer(response.status, response.headers, response.data)

    def open_account(
        self, name: str, cash: str = "10000000.00", scopes: Iterable[Scope] = (Scope.TRADE,)
    ) -> tuple[int, str]:
        """Open an account; return its id and a key."""
        account = self.application.people.accounts.open(name, Decimal(cash))
        return account.id, self.application.people.access.issue(account.id, scopes)

    def count(self, table: str) -> int:
        with self.application.base.engine.connect() as connection:
            return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())

    def order_fields(self) -> dict[str, object]:
        """Return the fields of an order that is accepted."""
        contract = self.application.market.universes.current().contracts[0]
        return {
            "client_order_id": "first",
            "symbol": contract.symbol,
            "side": "BUY",
            "quantity": contract.lot_size,
            "order_type": "LIMIT",
            "price": "10.05",
        }


@contextmanager
def running(settings: Settings) -> Iterator[RunningApi]:
    """Serve the API of an application of its own on a thread."""
    with closing(build(settings, role="api")) as application, serving(application) as api:
        yield api


@contextmanager
def serving(application: Application) -> Iterator[RunningApi]:
    """Serve the API of an application on a thread."""
    bounds = HttpBounds.of(application.base.settings)
    server = ApiServer(create_app(application), host="127.0.0.1", port=0, bounds=bounds)
    thread = threading.Thread(target=server.run)
    thread.start()

    def stop() -> None:
        server.should_exit = True
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()

    try:
        wait_until(lambda: server.started)
        port = server.servers[0].sockets[0].getsockname()[1]
        http = urllib3.PoolManager(maxsize=30, retries=False, timeout=DEADLINE_SECONDS)
        yield RunningApi(f"http://127.0.0.1:{port}", application, http, stop)
        http.clear()
    finally:
        stop()


def wait_until(condition: Callable[[], bool], seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for a condition, and fail where it does not come true in time."""
    deadline = monotonic() + seconds
    pause = threading.Event()
    while not condition():
        assert monotonic() < deadline, "the condition did not come true in time"
        pause.wait(0.01)
