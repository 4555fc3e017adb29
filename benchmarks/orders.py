"""Orders end to end over HTTP: throughput beside the naive backend, latency when idle, memory.

``python -m benchmarks.orders [--orders N] [--json FILE]``.  Everything runs on this machine: the
servers, every process of the system, and the clients.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median, quantiles

import psutil
import psycopg2

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers import RunningServers, erase, start_servers
from angel_x.adapters.servers.urls import libpq_url
from benchmarks.load import Share, submit_all, submit_each, wait_until
from benchmarks.machine import described, write

_ACCOUNTS = 8
_CASH = "1000000000"


def main() -> None:
    """Measure and print."""
    options = _options()
    result: dict[str, object] = {"machine": described()}
    with (
        _home() as home,
        start_servers(home / "naive", database_url=None, redis_url=None) as servers,
    ):
        result["naive"] = naive(servers, options.naive_orders)
    with _home() as home, _system(home) as running:
        result["idle_latency_ms"] = idle_latency(running, options.singles)
        result["angel_x"] = throughput(running, options.orders, options.batch)
    rate, naive_rate = (_rate(result[name]) for name in ("angel_x", "naive"))
    result["ratio"] = round(rate / naive_rate, 1)
    print(json.dumps(result, indent=2))
    write(options.json, result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--naive-orders", type=int, default=1_000)
    parser.add_argument("--singles", type=int, default=200)
    parser.add_argument("--batch", type=int, default=50)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


class System:
    """A running ``angel-x up``, as its clients and its operator see it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.run: Mapping[str, str] = json.loads((home / "run.json").read_text(encoding="utf-8"))
        self.url = self.run["api_url"]
        self._database = psycopg2.connect(libpq_url(self.run["database_url"]))
        self._database.autocommit = True

    def angel_x(self, *arguments: str) -> dict[str, object]:
        """Run a command of the CLI and return what it prints as JSON."""
        command = [sys.executable, "-m", "angel_x.entrypoints.cli", *arguments, "--json"]
        environ = {**os.environ, "ANGEL_X_HOME": str(self.home)}
        printed = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
        found: dict[str, object] = json.loads(printed.stdout)
        return found

    def account(self, name: str) -> str:
        """Open an account and return a key for it."""
        self.angel_x("users", "create", name, "--cash", _CASH)
        return str(
            self.angel_x("keys", "create", "--user", name, "--scope", "trade", "--scope", "read")[
                "key"
            ]
        )

    def symbols(self) -> tuple[str, ...]:
        """Return liquid contracts: those around the money."""
        rows = self.angel_x("chain", "NIFTY")["rows"]
        assert isinstance(rows, list)
        middle = len(rows) // 2
        return tuple(row["symbol"] for row in rows[middle - 8 : middle + 8])

    def query(self, statement: str) -> list[tuple[object, ...]]:
        """Ask the database."""
        with self._database.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def resident_mb(self) -> dict[str, float]:
        """Return the resident memory of every Python process of the system, by role and id."""
        found = {}
        for process in psutil.process_iter(["pid", "cmdline", "environ"]):
            environ = process.info["environ"] or {}
            if environ.get("ANGEL_X_HOME") == str(self.home) and process.info["cmdline"]:
                role = _role(" ".join(process.info["cmdline"]))
                found[f"{role} {process.info['pid']}"] = round(process.memory_info().rss / 1e6, 1)
        return dict(sorted(found.items()))


def _role(command: str) -> str:
    """Name a process by its command line: what ``-n`` or the command of the CLI says."""
    match = re.search(
        r"-n (\w+)@|entrypoints\.cli (\w+)|(flower| beat)$|(guardian|sweeper)", command
    )
    return next(name.strip() for name in match.groups() if name) if match else "other"


def naive(servers: RunningServers, orders: int) -> dict[str, object]:
    """Run the naive backend alone on the machine: nothing else competes with it."""
    engine = make_engine(servers.urls.database_url, pool_size=1, max_pool_size=1)
    schema.upgrade(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO contracts SELECT 'NIFTY_C' || n, 'NIFTY', '2030-01-01', n, 'CE', 65, 0.05, 1800, "
            "'2030-01-01' FROM generate_series(1, 16) n"
        )
        connection.exec_driver_sql(
            f"INSERT INTO users (name, cash) SELECT 'u' || n, {_CASH} FROM generate_series(1, {_ACCOUNTS}) n"
        )
    bodies = [
        json.dumps(
            {
                "user_id": n % _ACCOUNTS + 1,
                "client_order_id": f"n{n}",
                "symbol": f"NIFTY_C{n // 2 % 16 + 1}",
                "side": ("BUY", "SELL")[n % 2],
                "quantity": 65,
            }
        )
        for n in range(orders)
    ]
    with _naive_processes(servers) as url:
        submit_each(url, bodies, connections=8)

        def filled() -> bool:
            with engine.connect() as connection:
                open_ = connection.exec_driver_sql(
                    "SELECT count(*) FROM orders WHERE status <> 'filled'"
                )
                return bool(open_.scalar_one() == 0)

        wait_until(filled, 300, "the naive backend")
    with engine.connect() as connection:
        seconds = connection.exec_driver_sql(
            "SELECT EXTRACT(EPOCH FROM max(closed_at) - min(accepted_at))::float8 FROM orders"
        ).scalar_one()
    engine.dispose()
    return {
        "orders": orders,
        "seconds": round(seconds, 3),
        "orders_per_second": round(orders / seconds, 1),
    }


@contextmanager
def _naive_processes(servers: RunningServers) -> Iterator[str]:
    port = 18_321
    environ = {
        **os.environ,
        "NAIVE_DATABASE_URL": servers.urls.database_url,
        "NAIVE_BROKER_URL": servers.urls.broker_url,
    }
    commands = (
        ["-m", "celery", "-A", "benchmarks.naive.work", "worker", "-c", "2", "-l", "warning"],
        [
            "-m",
            "uvicorn",
            "benchmarks.naive.web:app",
            "--port",
            str(port),
            "--log-level",
            "warning",
        ],
    )
    processes = [
        subprocess.Popen([sys.executable, *command], env=environ, stdout=subprocess.DEVNULL)
        for command in commands
    ]
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _answers(f"{url}/docs"), 60, "the naive web server")
        time.sleep(3)
        yield f"{url}/orders"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def idle_latency(system: System, orders: int) -> dict[str, float]:
    """Submit one order at a time to an idle system; milliseconds from accepted to filled."""
    key, symbols = system.account("idle"), system.symbols()
    for n in range(orders):
        submit_one(system, key, f"idle{n}", symbols[n // 2 % len(symbols)], ("BUY", "SELL")[n % 2])
        wait_until(lambda: not _waiting(system), 10, "one order")
    rows = system.query(
        "SELECT EXTRACT(EPOCH FROM closed_at - accepted_at)::float8 * 1000 FROM orders "
        "WHERE client_order_id LIKE 'idle%' AND status = 'filled' ORDER BY id OFFSET 20"
    )
    values = [float(str(ms)) for (ms,) in rows]
    return {
        "orders": len(values),
        "p50": round(median(values), 2),
        "p99": round(quantiles(values, n=100)[98], 2),
    }


def submit_one(system: System, key: str, client_order_id: str, symbol: str, side: str) -> None:
    """POST one order from this process."""
    body = {"client_order_id": client_order_id, "symbol": symbol, "side": side, "quantity": 65}
    request = urllib.request.Request(
        f"{system.url}/v1/orders", json.dumps(body).encode(), {"Authorization": f"Bearer {key}"}
    )
    urllib.request.urlopen(request).read()


def throughput(system: System, orders: int, batch: int) -> dict[str, object]:
    """Submit from two client processes; orders a second from the first accepted to the last closed."""
    symbols = system.symbols()
    keys = [system.account(f"load{n}") for n in range(_ACCOUNTS)]
    before = system.resident_mb()
    each = orders // _ACCOUNTS
    shares = [
        Share(system.url, key, f"load{n}", symbols, each, batch) for n, key in enumerate(keys)
    ]
    submitting = submit_all(shares, processes=2)
    wait_until(lambda: not _waiting(system), 300, "the backlog")
    ((count, seconds, denied),) = system.query(
        "SELECT count(*), EXTRACT(EPOCH FROM max(closed_at) - min(accepted_at))::float8, "
        "count(*) FILTER (WHERE status <> 'filled') FROM orders WHERE client_order_id LIKE 'load%'"
    )
    taken = float(str(seconds))
    return {
        "orders": count,
        "not_filled": denied,
        "submitting_seconds": round(submitting, 3),
        "seconds": round(taken, 3),
        "orders_per_second": round(int(str(count)) / taken, 1),
        "resident_mb_before": before,
        "resident_mb_after": system.resident_mb(),
    }


def _waiting(system: System) -> bool:
    return bool(system.query("SELECT 1 FROM orders WHERE status = 'received' LIMIT 1"))


@contextmanager
def _system(home: Path) -> Iterator[System]:
    environ = {
        **os.environ,
        "ANGEL_X_HOME": str(home),
        "ANGEL_X_API_PORT": "18322",
        "ANGEL_X_FLOWER_PORT": "18323",
        "ANGEL_X_METRICS_PORT": "18324",
    }
    command = [sys.executable, "-m", "angel_x.entrypoints.cli", "up"]
    with (home / "up.log").open("w") as log:
        process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        wait_until(lambda: _answers("http://127.0.0.1:18322/readyz"), 120, "starting")
        yield System(home)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def _home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        yield home
        for servers in (home, home / "naive"):
            if (servers / "servers").is_dir():
                erase(servers)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False


def _rate(result: object) -> float:
    assert isinstance(result, dict)
    return float(result["orders_per_second"])


if __name__ == "__main__":
    main()
