"""A running system for a benchmark, as its clients and its operator see it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import psutil
import psycopg2

from angel_x.adapters.servers import erase
from angel_x.adapters.servers.urls import libpq_url
from angel_x.entrypoints.up.addresses import free_ports
from benchmarks.cpu import cpu_seconds, role_of
from benchmarks.load import wait_until

#: Rupees that every account of a benchmark begins with.
CASH = "1000000000"
_LAST_LINES = 30
_PORTS = ("API", "FLOWER", "METRICS", "DESK")


class System:
    """A running ``angel-x up``, as its clients and its operator see it."""

    def __init__(self, home: Path, python: str, pid: int) -> None:
        self.home = home
        self._python = python
        self._pid = pid
        run: Mapping[str, str] = json.loads((home / "run.json").read_text(encoding="utf-8"))
        self.url, self.database_url = run["api_url"], run["database_url"]
        self.database = psycopg2.connect(libpq_url(self.database_url))
        self.database.autocommit = True

    def angel_x(self, *arguments: str) -> dict[str, object]:
        """Run a command of the CLI and return its JSON output."""
        return angel_x(self._python, self.home, *arguments, ANGEL_X_HOME=str(self.home))

    def account(self, name: str) -> str:
        """Open an account and return a key for it."""
        self.angel_x("users", "create", name, "--cash", CASH)
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
        with self.database.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def waiting(self) -> bool:
        """Say whether any order waits to be decided."""
        return bool(
            self.query("SELECT 1 FROM orders WHERE status = 'received' AND NOT held LIMIT 1")
        )

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds of every process, the servers' included, by role."""
        return cpu_seconds([self._pid])

    def processes(self) -> Iterator[tuple[str, psutil.Process]]:
        """Yield every Python process of the system with its role."""
        for process in psutil.process_iter(["pid", "cmdline", "environ"]):
            environ = process.info["environ"] or {}
            if environ.get("ANGEL_X_HOME") == str(self.home) and process.info["cmdline"]:
                yield role_of(" ".join(process.info["cmdline"])), process

    def resident_mb(self) -> dict[str, float]:
        """Return the resident memory of every Python process of the system, by role and id."""
        found = {
            f"{role} {process.pid}": round(process.memory_info().rss / 1e6, 1)
            for role, process in self.processes()
        }
        return dict(sorted(found.items()))


def angel_x(python: str, folder: Path, *arguments: str, **environ: str) -> dict[str, object]:
    """Run a command of the CLI of an interpreter's Angel-X and return its JSON output.

    It runs in ``folder``: a module of the working directory comes before an installed one.
    """
    command = [python, "-m", "angel_x.entrypoints.cli", *arguments, "--json"]
    printed = subprocess.run(
        command, env={**os.environ, **environ}, cwd=folder, check=True, stdout=subprocess.PIPE
    )
    found: dict[str, object] = json.loads(printed.stdout)
    return found


def submit_one(
    system: System, key: str, client_order_id: str, symbol: str, side: str, priority: str = "normal"
) -> None:
    """POST one order from this process."""
    body = {
        "client_order_id": client_order_id,
        "symbol": symbol,
        "side": side,
        "quantity": 65,
        "priority": priority,
    }
    request = urllib.request.Request(
        f"{system.url}/v1/orders", json.dumps(body).encode(), {"Authorization": f"Bearer {key}"}
    )
    urllib.request.urlopen(request).read()


@contextmanager
def running_system(home: Path, python: str = sys.executable, **settings: str) -> Iterator[System]:
    """Run the ``angel-x up`` of an interpreter in a home, with settings by their names in capitals."""
    # Two benchmarks at a time must not take each other's system for their own.
    ports = dict(zip(_PORTS, free_ports("127.0.0.1", len(_PORTS)), strict=True))
    environ = {
        **os.environ,
        "ANGEL_X_HOME": str(home),
        **{f"ANGEL_X_{name}_PORT": str(port) for name, port in ports.items()},
        **{f"ANGEL_X_{name}": value for name, value in settings.items()},
    }
    command = [python, "-m", "angel_x.entrypoints.cli", "up"]
    with (home / "up.log").open("w") as log:
        process = subprocess.Popen(command, env=environ, cwd=home, stdout=log, stderr=log)
    try:
        _await_start(home, ports["API"])
        yield System(home, python, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)


def _await_start(home: Path, port: int) -> None:
    """Wait for a system; show its last lines where it does not start."""
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), 300, "starting")
    except TimeoutError:
        lines = (home / "up.log").read_text(encoding="utf-8").splitlines()
        print(*lines[-_LAST_LINES:], sep="\n", file=sys.stderr)
        raise


@contextmanager
def temporary_home() -> Iterator[Path]:
    """Make a folder for systems, in it or one level below, and leave nothing of them behind."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        yield home
        for servers in (home, *home.iterdir()):
            if (servers / "servers").is_dir():
                erase(servers)


def answers(url: str) -> bool:
    """Say whether a URL answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
