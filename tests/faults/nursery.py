"""Real processes of the system, forked from one that has imported everything: each starts in a moment."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import MappingProxyType

import psutil

from tests.e2e.processes import eventually

_FORKSERVER = multiprocessing.get_context("forkserver")
_FORKSERVER.set_forkserver_preload(
    [
        "pytest",
        "celery.bin.celery",
        "celery.apps.worker",
        "celery.apps.beat",
        "celery.concurrency.prefork",
        "celery.worker.consumer.consumer",
        "kombu.transport.redis",
        "redbeat",
        "angel_x.bootstrap",
        "angel_x.entrypoints.api.server",
        "angel_x.entrypoints.cli",
        "angel_x.entrypoints.relay",
    ]
)


def _become(arguments: tuple[str, ...], environment: Mapping[str, str], log: str) -> None:
    """Turn this fork into ``python -m`` of the arguments."""
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(arguments)
    runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)


def is_gone(pid: int) -> bool:
    """Say whether a process has ended, whoever is to bury it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@dataclass
class Nursery:
    """Starts ``python -m`` processes in one environment, with their output in files."""

    environment: Mapping[str, str]
    logs: Path
    started: list[BaseProcess] = field(default_factory=list)

    def start(
        self, name: str, command: str, settings: Mapping[str, str] = MappingProxyType({})
    ) -> BaseProcess:
        """Start a module with its arguments; ``settings`` are variables of its own."""
        environment = {**self.environment, **settings}
        process = _FORKSERVER.Process(
            target=_become,
            args=(tuple(command.split()), environment, str(self.log_file(name))),
            name=name,
        )
        process.start()
        self.started.append(process)
        return process

    def worker(
        self,
        name: str,
        queues: str,
        settings: Mapping[str, str] = MappingProxyType({}),
        processes: int = 1,
    ) -> BaseProcess:
        """Start a worker and wait until it consumes."""
        options = f"-n {name}@test -Q {queues} -c {processes} --without-mingle --without-gossip"
        worker = self.start(name, f"celery --quiet -A tasks.app worker {options}", settings)
        self.until_logged(name, "ready.")
        return worker

    def relay(self, name: str, settings: Mapping[str, str] = MappingProxyType({})) -> BaseProcess:
        return self.start(name, "angel_x.entrypoints.cli relay", settings)

    def beat(self, name: str, settings: Mapping[str, str] = MappingProxyType({})) -> BaseProcess:
        return self.start(name, "celery --quiet -A beat_schedule.app beat", settings)

    def log_file(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def log(self, name: str) -> str:
        file = self.log_file(name)
        return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""

    def until_logged(self, name: str, text: str, seconds: float = 240) -> None:
        try:
            eventually(lambda: text in self.log(name), f"{name} logs {text!r}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.log(name)[-4000:]}") from None

    def kill(self, process: BaseProcess) -> None:
        """Kill a process with all its children, and wait for its end."""
        assert process.pid is not None
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(process.pid)
            for child in [*parent.children(recursive=True), parent]:
                with suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGKILL)
        process.join(120)

    def stop(self) -> None:
        for process in self.started:
            self.kill(process)
            process.close()
        self.started.clear()


@contextmanager
def nursery(environment: Mapping[str, str], logs: Path) -> Iterator[Nursery]:
    born = Nursery(environment, logs)
    try:
        yield born
    finally:
        born.stop()
