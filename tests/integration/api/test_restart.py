"""A restart of the API under clients that keep their connections."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from threading import Event

from rich.console import Console
from sqlalchemy import text

from angel_x.adapters.installation import python
from angel_x.bootstrap import Application, build
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.supervisor import Program, Supervisor, ready_when_it_answers
from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.addresses import free_ports
from config.loading import load
from tests.builders.deadlines import DEADLINE_SECONDS

CLIENTS = 4
RESTARTS = 2


class Trader:
    """Submits single orders on one connection, which it opens again only after `Connection: close`."""

    def __init__(self, port: int, key: str, name: str, order: dict[str, object]) -> None:
        self.port = port
        self.headers = {"Authorization": f"Bearer {key}"}
        self.name = name
        self.order = order
        self.accepted: list[str] = []
        self.connections = 0

    def trade(self, stop: Event) -> None:
        """Raise any error of a connection."""
        while not stop.is_set():
            self.connections += 1
            connection = HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_SECONDS)
            with closing(connection):
                connection.connect()
                while not stop.is_set() and self._submits(connection):
                    pass

    def _submits(self, connection: HTTPConnection) -> bool:
        """Submit an order and return whether the connection stays open."""
        name = f"{self.name}-{len(self.accepted)}"
        body = json.dumps(self.order | {"client_order_id": name})
        connection.request("POST", "/v1/orders", body, self.headers)
        response = connection.getresponse()
        assert response.status == 202, response.read()
        response.read()
        self.accepted.append(name)
        return not response.will_close


def api_program(environment: dict[str, str], port: int, home: Path) -> Program:
    variables = {"ANGEL_X_API_PORT": str(port), "ANGEL_X_HOME": str(home)}
    return Program(
        name="api",
        argv=python("angel_x.entrypoints.cli", "api"),
        environ={**os.environ, **environment, **variables},
        answers=ready_when_it_answers(f"http://127.0.0.1:{port}/livez"),
        listens_at=("127.0.0.1", port),
    )


@contextmanager
def trading(traders: list[Trader]) -> Iterator[list[Future[None]]]:
    stop = Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        try:
            yield [pool.submit(trader.trade, stop) for trader in traders]
        finally:
            stop.set()


async def restart_under(supervisor: Supervisor, traders: list[Trader]) -> None:
    """Restart the API again and again while all traders get answers in between."""
    async with supervisor:
        await supervisor.start()
        with trading(traders) as running:
            for restart in range(RESTARTS):
                await _answered(traders, running)
                os.kill(supervisor.pids()["api"], signal.SIGTERM)
                async with asyncio.timeout(DEADLINE_SECONDS):
                    while supervisor.starts()["api"] < restart + 2:
                        await asyncio.sleep(0.02)
            await _answered(traders, running)
        for each in running:
            each.result()


async def _answered(traders: list[Trader], running: list[Future[None]]) -> None:
    before = [len(trader.accepted) for trader in traders]
    async with asyncio.timeout(DEADLINE_SECONDS):
        while any(
            len(trader.accepted) < count + 5 for trader, count in zip(traders, before, strict=True)
        ):
            assert not any(each.done() for each in running), [e.exception() for e in running]
            await asyncio.sleep(0.02)


def stored(application: Application) -> list[str]:
    with application.base.engine.connect() as connection:
        return list(connection.execute(text("SELECT client_order_id FROM orders")).scalars())


def test_a_restart_resets_nobody_and_loses_and_doubles_nothing(
    environment: dict[str, str], tmp_path: Path
) -> None:
    [port] = free_ports("127.0.0.1", 1)
    with closing(build(load(environment), role="cli")) as application:
        application.market.contracts.load_generated()
        account = application.people.accounts.open("trader", Decimal(10_000_000))
        key = application.people.access.issue(account.id, [Scope.TRADE])
        contract = application.market.universes.current().contracts[0]
        order = {"symbol": contract.symbol, "side": "BUY", "quantity": contract.lot_size}
        traders = [Trader(port, key, f"t{number}", order) for number in range(CLIENTS)]
        terminal = Terminal(Console(file=io.StringIO()))
        program = api_program({**environment, "ANGEL_X_MAX_QUEUE_SIZE": "1000000"}, port, tmp_path)
        supervisor = Supervisor([[program]], tmp_path / "logs", terminal)

        asyncio.run(restart_under(supervisor, traders))

        accepted = [name for trader in traders for name in trader.accepted]
        assert sorted(stored(application)) == sorted(accepted)
    assert all(trader.connections == 1 + RESTARTS for trader in traders)
