"""The process that ends and removes what a killed test run leaves behind.

It is run by path with ``python -I -S``, so it starts in milliseconds and imports the standard library
only.  Standard input brings one line of JSON, the plan; its end means that the run is over.  A process
belongs to the run when its environment names the run's directory.  PostgreSQL and Valkey write their
titles over their environments, so they are known by where they work.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

#: Seconds between two looks at what is left, and at the parent's process id.
GLANCE = 0.05
TICK = 1.0
#: Seconds in which guardians stop their servers in order, so that no shared memory is left.
PATIENCE = 90.0
#: Seconds after which what cannot be ended is left alone.
END = 150.0

GUARDIAN = b"children.guardian"
SERVERS = frozenset({"postgres", "valkey-server", "redis-server"})
#: The files in which a home notes that its database lies elsewhere, and where that may be.
MEMO = "postgres.path"
OUTSIDE = ("/var/lib/angel-x-", "/var/tmp/angel-x-")


class Plan(TypedDict):
    parent: int
    #: All have the same name, which no other run has.
    directories: list[str]


@dataclass(frozen=True)
class Process:
    pid: int
    is_guardian: bool
    is_server: bool


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    plan = read_plan()
    await_end(plan["parent"])
    directories = [Path(each) for each in plan["directories"]]
    end_processes(directories[0].name.encode())
    for directory in directories:
        remove(directory)


def read_plan() -> Plan:
    text = b""
    while not text.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            raise SystemExit(0)
        text += piece
    plan: Plan = json.loads(text)
    return plan


def await_end(parent: int) -> None:
    """Return when the pipe is closed, or its only lawful owner is gone."""
    while os.getppid() == parent:
        readable, _, _ = select.select([0], [], [], TICK)
        if readable and not os.read(0, 4096):
            return


def end_processes(mark: bytes) -> None:
    """End every process of the run; guardians get the time to stop their servers in order."""
    began = time.monotonic()
    while left := list(processes_of(mark)):
        waited = time.monotonic() - began
        if waited > END:
            return
        is_orderly = waited < PATIENCE and any(process.is_guardian for process in left)
        for process in left:
            if not (is_orderly and (process.is_guardian or process.is_server)):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(process.pid, signal.SIGKILL)
        time.sleep(GLANCE)


def processes_of(mark: bytes) -> Iterator[Process]:
    """Yield the living processes of the run."""
    for entry in Path("/proc").glob("[0-9]*"):
        # Most are somebody else's, and any may end meanwhile.
        with contextlib.suppress(OSError):
            name = (entry / "comm").read_text().strip()
            command = (entry / "cmdline").read_bytes()
            is_server = name in SERVERS
            if mark in (entry / "environ").read_bytes() or (
                is_server and mark in command + os.fsencode((entry / "cwd").readlink())
            ):
                yield Process(int(entry.name), GUARDIAN in command, is_server)


def remove(directory: Path) -> None:
    """Remove a directory, and the databases of its homes that lie elsewhere."""
    for memo in directory.rglob(MEMO):
        outside = memo.read_text(errors="replace")
        if outside.startswith(OUTSIDE) and ".." not in outside:
            shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    if sys.platform == "linux":
        main()
