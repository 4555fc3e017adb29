"""Real processes of the system, started as its users start them and ended with the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

_Found = TypeVar("_Found")
ROOT = Path(__file__).parents[2]


def eventually(look: Callable[[], _Found | None], what: str, seconds: float = 120) -> _Found:
    """Return the first true answer of ``look``, or fail after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


@dataclass
class Processes:
    """Starts processes in one environment, with their output in files."""

    environment: Mapping[str, str]
    logs: Path
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str, *arguments: str, **extra: str) -> subprocess.Popen[bytes]:
        with self.log_file(name).open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env={**self.environment, **extra},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def worker(
        self, name: str, queues: str, processes: int = 1, **extra: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker and wait until it consumes."""
        options = f"-n {name}@test -Q {queues} -c {processes} --without-mingle --without-gossip"
        worker = self.start(
            name, "-m", "celery", "-A", "tasks.app", "worker", *options.split(), **extra
        )
        self.until_logged(name, "ready.")
        assert worker.poll() is None
        return worker

    def log_file(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def log(self, name: str) -> str:
        return self.log_file(name).read_text(encoding="utf-8", errors="replace")

    def tails(self) -> str:
        """Return the end of every log."""
        logs = sorted(self.logs.glob("*.log"))
        return "\n".join(f"== {log.name}\n{self.log(log.stem)[-4000:]}" for log in logs)

    def until_logged(self, name: str, text: str, seconds: float = 240) -> None:
        try:
            eventually(lambda: text in self.log(name), f"{name} logs {text!r}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log(name)[-4000:]}") from None

    def stop(self) -> None:
        for process in self.started:
            _signal(process, signal.SIGTERM)
        for process in self.started:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                _signal(process, signal.SIGKILL)
                process.wait(timeout=120)


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        os.killpg(process.pid, number)


@contextmanager
def processes(environment: Mapping[str, str], logs: Path) -> Iterator[Processes]:
    started = Processes(environment, logs)
    try:
        yield started
    finally:
        started.stop()
