"""The same storm over Angel-X and over plain ``apply_async``: what each of them loses and doubles.

``python -m benchmarks.faults [--orders N] [--minutes M] [--seed S] [--json FILE]``.  Kinds of faults
whose target the plain backend does not have (relay, Beat, emergency worker) fall away there.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from random import Random
from typing import TypeVar
from urllib.parse import urlsplit

import redis
import structlog
from rich.console import Console
from sqlalchemy import Engine

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.evidence import Evidence
from angel_x.adapters.servers import RunningServers, erase, start_servers
from angel_x.adapters.slowness import slowness
from angel_x.bootstrap import TRANSIENT
from angel_x.client import OrderFields
from angel_x.entrypoints.supervisor import Program, Supervisor, ready_when_it_answers
from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.addresses import free_ports
from angel_x.rehearsal import history
from angel_x.rehearsal.chaos.environment import Environment, Passage, Role
from angel_x.rehearsal.chaos.passages import Passages, open_passages
from angel_x.rehearsal.chaos.storm import Storm, schedule
from angel_x.rehearsal.check import check_history
from angel_x.rehearsal.clients import HttpAnswer
from angel_x.rehearsal.history import ClientHistory, Outcome
from angel_x.rehearsal.orders import Request
from angel_x.rehearsal.trader import TraderSetup, traders
from benchmarks.machine import described, write
from config.addresses import kombu_address

_Found = TypeVar("_Found")

_ACCOUNTS = tuple(f"u{number}" for number in range(8))
_SYMBOLS = tuple(f"NIFTY_C{number}" for number in range(16))
_CASH = 10**12
#: Verified faults a minute.
_FAULTS_A_MINUTE = 20
#: Scheduled for each that is asked for.
_SPARE = 1.15
#: Seconds; several times the time after which Celery sends an unacknowledged message again.
_PATIENCE = 150.0
_QUEUE = "celery"
_SHARE_OF_REPEATS = 0.1


def main() -> None:
    """Measure and print."""
    options = _options()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    result: dict[str, object] = {"machine": described()}
    if not options.plain_only:
        result["angel_x"] = angel_x(options)
    for name, checks in (("apply_async", False), ("apply_async_with_status_check", True)):
        with _home() as home:
            result[name] = asyncio.run(plain(home, options, checks=checks))
    print(json.dumps(result, indent=2))
    write(options.json, result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=6_000)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--plain-only", action="store_true", help="leave Angel-X out")
    return parser.parse_args()


def angel_x(options: argparse.Namespace) -> dict[str, object]:
    """Run ``angel-x chaos`` and return the figures that the plain backend has too."""
    command = [sys.executable, "-m", "angel_x.entrypoints.cli", "chaos", "--json"]
    for name in ("orders", "minutes", "seed"):
        command += [f"--{name}", str(getattr(options, name))]
    printed = subprocess.run(command, check=False, capture_output=True, text=True)
    report = json.loads(printed.stdout)
    return {
        "holds": report["holds"],
        "sent": report["history"]["sent"],
        "accepted": report["history"]["accepted"],
        "lost": len(report["history"]["lost"]),
        "doubled": len(report["history"]["doubled"]),
        "drained_seconds": report["drained_seconds"],
        "faults": report["faults"],
    }


@dataclass(frozen=True, slots=True)
class Place:
    """Where the plain backend runs."""

    url: str
    engine: Engine
    servers: RunningServers
    passages: Passages
    supervisor: Supervisor
    home: Path


async def plain(home: Path, options: argparse.Namespace, *, checks: bool) -> dict[str, object]:
    """Run the storm over the plain backend."""
    with ExitStack() as stack:
        servers = stack.enter_context(start_servers(home, database_url=None, redis_url=None))
        engine = make_engine(servers.urls.database_url, pool_size=4, max_pool_size=20)
        stack.callback(engine.dispose)
        _prepare(engine)
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="angel-x-chaos-")))
        passages = open_passages(
            servers.urls.database_url, servers.urls.broker_redis_url, sockets, stack
        )
        (port,) = free_ports("127.0.0.1", 1)
        url = f"http://127.0.0.1:{port}"
        supervisor = Supervisor(
            _stages(url, port, passages, checks=checks),
            home / "logs",
            Terminal(Console(quiet=True)),
        )
        async with supervisor:
            await supervisor.start()
            place = Place(url, engine, servers, passages, supervisor, home)
            return await asyncio.to_thread(_run_in_thread, place, options)


def _prepare(engine: Engine) -> None:
    schema.upgrade(engine)
    with engine.begin() as connection:
        for name in _ACCOUNTS:
            connection.exec_driver_sql(
                "INSERT INTO users (name, cash) VALUES (%(name)s, %(cash)s)",
                {"name": name, "cash": _CASH},
            )
        for strike, symbol in enumerate(_SYMBOLS, 1):
            connection.exec_driver_sql(
                "INSERT INTO contracts VALUES (%(symbol)s, 'NIFTY', '2030-01-01', %(strike)s, 'CE', "
                "65, 0.05, 1800, '2030-01-01')",
                {"symbol": symbol, "strike": strike},
            )


def _stages(
    url: str, port: int, passages: Passages, *, checks: bool
) -> tuple[tuple[Program, ...], ...]:
    def environ(database: Passage, broker: Passage) -> dict[str, str]:
        return {
            **os.environ,
            "NAIVE_DATABASE_URL": passages.addresses[database],
            "NAIVE_BROKER_URL": kombu_address(passages.addresses[broker]),
            "NAIVE_CHECKS": str(int(checks)),
        }

    def worker(name: str) -> Program:
        command = ("-m", "celery", "-A", "benchmarks.naive.storm", "worker", "-l", "info")
        return Program(
            name=name,
            argv=(sys.executable, *command, "-c", "2", "-n", f"{name}@%h"),
            environ=environ(Passage.WORKERS_TO_DATABASE, Passage.WORKERS_TO_BROKER),
            ready_words=" ready.",
            stop_seconds=10,
        )

    served = ("-m", "uvicorn", "benchmarks.naive.storm:web", "--port", str(port))
    web = Program(
        name="web",
        argv=(sys.executable, *served, "--log-level", "warning"),
        environ=environ(Passage.API_TO_DATABASE, Passage.SENDERS_TO_BROKER),
        answers=ready_when_it_answers(f"{url}/livez"),
        stop_seconds=5,
    )
    return ((worker("worker-1"), worker("worker-2")), (web,))


def _run_in_thread(place: Place, options: argparse.Namespace) -> dict[str, object]:
    stop, evidence = threading.Event(), Evidence(place.engine)
    environment = _environment(place, stop)
    faults = round(options.minutes * _FAULTS_A_MINUTE)
    seconds = options.minutes * 60
    storm = Storm(
        environment, schedule(environment, options.seed, round(faults * _SPARE) + 1, seconds * 0.97)
    )
    storming = threading.Thread(target=storm.run)
    storming.start()
    with ExitStack() as stack:
        setups = [_setup(place, name, evidence, stop, options.seed, stack) for name in _ACCOUNTS]
        each = options.orders // len(setups)
        work = [(s, _requests(s.user, each, seconds, s.random)) for s in setups]
        with traders(work):
            pass
    storming.join()
    left = _settle(evidence, environment)
    check = check_history(
        history.read(place.home / "history"),
        evidence.orders(),
        twice=evidence.doubled_executions(),
    )
    verified = [fault.kind for fault in storm.faults if fault.is_verified]
    return {
        "sent": check.sent,
        "accepted": check.accepted,
        # Stored, and never executed: nobody knows of them any more.
        "lost": len(check.lost) + left,
        "doubled": len(check.doubled),
        "unresolved": len(check.unresolved),
        "waited_seconds_after_the_storm": _PATIENCE if left else None,
        "faults": {
            "verified": len(verified),
            "unverified": len(storm.faults) - len(verified),
            "kinds": {kind: verified.count(kind) for kind in sorted(set(verified))},
        },
    }


def _environment(place: Place, stop: threading.Event) -> Environment:
    return Environment(
        pids=place.supervisor.pids,
        server_pids=place.servers.pids,
        roles={Role.API: ("web",), Role.ORDER_WORKER: ("worker-1", "worker-2")},
        passages=place.passages.proxies,
        broker_url=place.servers.urls.broker_redis_url,
        database_url=place.servers.urls.database_url,
        broker_folder=place.home / "servers" / "broker",
        queues=(_QUEUE,),
        logs=place.home / "logs",
        api_answers=ready_when_it_answers(f"{place.url}/livez"),
        lease_seconds=3,
        patience=lambda seconds: seconds * slowness(),
        stop=stop,
    )


def _setup(
    place: Place,
    name: str,
    evidence: Evidence,
    stop: threading.Event,
    seed: int,
    stack: ExitStack,
) -> TraderSetup:
    return TraderSetup(
        user=name,
        client=PlainClient(place.url, name),
        history=stack.enter_context(ClientHistory(place.home / "history" / f"{name}.jsonl")),
        find_missing=lambda order_ids: _retry(lambda: evidence.missing(order_ids)),
        cancel=None,
        share_of_cancels=0,
        random=Random(f"{seed}-{name}"),
        stop=stop,
        advance=lambda _orders: None,
    )


def _requests(user: str, count: int, seconds: float, random: Random) -> list[Request]:
    """Spread single orders over some seconds; one in ten is sent once more."""
    return [
        Request(
            at=seconds * number / count,
            orders=[
                {
                    "client_order_id": f"{user}-{number}",
                    "symbol": random.choice(_SYMBOLS),
                    "side": random.choice(("BUY", "SELL")),
                    "quantity": 65,
                }
            ],
            is_repeated=random.random() < _SHARE_OF_REPEATS,
        )
        for number in range(count)
    ]


class PlainClient:
    """``POST /orders`` of the plain backend."""

    name = "http"

    def __init__(self, url: str, user: str) -> None:
        self._address = urlsplit(url)
        self._user = user

    def submit(self, orders: Sequence[OrderFields]) -> HttpAnswer:
        (order,) = orders
        connection = http.client.HTTPConnection(
            self._address.hostname or "", self._address.port, timeout=30
        )
        try:
            body = json.dumps({**order, "user": self._user})
            connection.request("POST", "/orders", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            return HttpAnswer(Outcome.UNKNOWN, detail=repr(error))
        finally:
            connection.close()
        if response.status not in {HTTPStatus.OK, HTTPStatus.ACCEPTED}:
            return HttpAnswer(Outcome.UNKNOWN, detail=str(response.status))
        return HttpAnswer(
            Outcome.ACCEPTED, {str(order["client_order_id"]): json.loads(content)["order_id"]}
        )


def _settle(evidence: Evidence, environment: Environment) -> int:
    """Wait until all is decided, or for long enough; return how many orders are not."""
    deadline = time.monotonic() + _PATIENCE
    while left := _retry(evidence.undecided):
        if time.monotonic() > deadline:
            with environment.broker() as broker:
                _report_left(broker, left)
            break
        time.sleep(0.2)
    return left


def _report_left(broker: redis.Redis, left: int) -> None:
    waiting, unacked = broker.llen(_QUEUE), broker.hlen("unacked")
    print(f"{left} orders undecided, {waiting} messages, {unacked} unacked", file=sys.stderr)


def _retry(ask: Callable[[], _Found]) -> _Found:
    while True:
        try:
            return ask()
        except TRANSIENT:
            time.sleep(0.05)


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        # Root's database is run by somebody else, who has to get there.
        home.chmod(0o755)
        yield home
        if (home / "servers").is_dir():
            erase(home)


if __name__ == "__main__":
    main()
