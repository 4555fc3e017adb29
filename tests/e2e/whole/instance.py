"""One whole system as a user starts it, and the commands that a user gives it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from angel_x.entrypoints.up.addresses import free_ports
from tests.e2e.processes import ROOT, eventually

#: Seconds until a system is ready on a machine that is busy with other things too.
START_PATIENCE = 900
_CLI = (sys.executable, "-m", "angel_x.entrypoints.cli")


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    code: int
    out: str
    error: str

    @property
    def document(self) -> Any:
        assert self.code == 0, self.error
        return json.loads(self.out)


@dataclass
class Instance:
    """A system in a home of its own."""

    home: Path
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None

    def cli(self, *arguments: str, stdin: str = "") -> Answer:
        return command(self.environment, *arguments, stdin=stdin)

    def cli_many(self, *commands: Sequence[str]) -> list[Answer]:
        """Give several commands at once, since most of a command's time is its start."""
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(lambda arguments: self.cli(*arguments), commands))

    @property
    def run_file(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.home / "run.json").read_text())
        return content

    @property
    def pids(self) -> dict[str, int]:
        pids: dict[str, int] = self.run_file["pids"]
        return pids

    @property
    def screen(self) -> str:
        return self._screen.read_text()

    @property
    def _screen(self) -> Path:
        return self.home.parent / "screen.log"

    def family(self) -> list[psutil.Process]:
        """Return every process that this system consists of, whatever its parent is."""
        mark = str(self.home)
        return [p for p in psutil.process_iter() if mark in _environment(p)]

    def start(self) -> None:
        """Start the system, unless it runs, and return once it says that it is ready."""
        if self.process is None or self.process.poll() is not None:
            self.process = launch(self.home, self.environment)
        eventually(self._is_ready, "the system is ready", START_PATIENCE)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.screen
        return "Angel-X is ready" in self.screen

    def stop(self) -> int | None:
        """Ask the system to stop and return its exit code; None where it does not run."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(300)

    def kill(self) -> None:
        """Kill the supervisor, and return when nothing of the system runs any more."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        eventually(lambda: not self.family(), "all processes of the system are gone", 300)


def command(environment: Mapping[str, str], *arguments: str, stdin: str = "") -> Answer:
    done = subprocess.run(
        [*_CLI, *arguments],
        cwd=ROOT,
        env=dict(environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=START_PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return Answer(done.returncode, done.stdout, done.stderr)


def environment_of(home: Path) -> dict[str, str]:
    """Return variables under which nothing collides with another system of this machine."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANGEL_X_")}
    api, flower, metrics, desk = map(str, free_ports("127.0.0.1", 4))
    return {
        **inherited,
        "ANGEL_X_ENV": "testing",
        "ANGEL_X_HOME": str(home),
        "ANGEL_X_API_PORT": api,
        "ANGEL_X_FLOWER_PORT": flower,
        "ANGEL_X_METRICS_PORT": metrics,
        "ANGEL_X_DESK_PORT": desk,
    }


def launch(home: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Run ``angel-x up``; what it shows goes into a file beside the home."""
    with (home.parent / "screen.log").open("wb") as screen:
        return subprocess.Popen(
            [*_CLI, "up"],
            cwd=ROOT,
            env=dict(environment),
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _environment(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return process.environ().get("ANGEL_X_HOME", "") + " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
