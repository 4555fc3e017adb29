"""A host of order workers: its processes, which know the servers by their addresses alone."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from angel_x.adapters.children.lineage import dying_with_parent, kill_group, signal_process
from angel_x.adapters.installation import python
from benchmarks.hosts.network import Network
from benchmarks.hosts.relays import Urls
from benchmarks.load import wait_until
from config.settings import PREFIX

#: By the text that each writes once it runs.
_PROGRAMS = {
    ("worker", "orders"): " ready.",
    ("worker", "emergency"): " ready.",
    ("relay",): "relay.started",
}
_START_SECONDS = 300.0
#: Longer than a task may take.
_STOP_SECONDS = 60.0


class WorkerHost:
    """Workers of orders and emergencies, and a relay, on one host of a network."""

    def __init__(
        self, network: Network, name: str, folder: Path, urls: Urls, processes: int
    ) -> None:
        self.name = name
        self._network = network
        self._folder = folder / name
        self._folder.mkdir(parents=True)
        ours = {
            "HOME": str(self._folder),
            "NODE": name,
            "DATABASE_URL": urls.database,
            "BROKER_URL": urls.broker,
            "CACHE_URL": urls.cache,
            "ORDER_PROCESSING_WORKERS": str(processes),
            "LOG_LEVEL": "info",
        }
        foreign = {name: value for name, value in os.environ.items() if name[:8] != PREFIX}
        self._environ = {**foreign, **{PREFIX + name: value for name, value in ours.items()}}
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start every process, and return when each has said that it runs.

        Raises:
            TimeoutError: One has not.
        """
        logs = {self._spawn(*words): says for words, says in _PROGRAMS.items()}
        for log, says in logs.items():
            wait_until(
                lambda log=log, says=says: says in log.read_text(errors="replace"),  # type: ignore[misc]
                _START_SECONDS,
                f"{self.name}: {log.stem}",
            )

    def lose(self) -> None:
        """Lose the host: its cable first, so that no connection is closed, then every process."""
        self._network.pull(self.name)
        for process in self._processes:
            kill_group(process.pid)
        self._await_end()

    def stop(self) -> None:
        """End every process as an operator does, or by force where that takes too long."""
        running = [each for each in self._processes if each.poll() is None]
        for process in running:
            signal_process(process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._await_end()
        for process in running:
            kill_group(process.pid)

    def _await_end(self) -> None:
        for process in self._processes:
            process.wait(_STOP_SECONDS)

    def _spawn(self, *words: str) -> Path:
        log = self._folder / f"{'-'.join(words)}.log"
        command = python("angel_x.entrypoints.cli", *words)
        with log.open("wb") as output:
            self._processes.append(
                subprocess.Popen(
                    self._network.inside(self.name, *command),
                    env=self._environ,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    preexec_fn=dying_with_parent(),  # noqa: PLW1509 - one call into the kernel
                )
            )
        return log
