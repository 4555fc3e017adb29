"""Tiny programs to supervise, and looks at processes from the outside."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
from rich.console import Console

from angel_x.entrypoints.supervisor import Program, Supervisor
from angel_x.entrypoints.supervisor.output import Terminal

DEADLINE = 120.0

#: Says that it is ready, notes in a file when it is told to stop, and obeys.
OBEDIENT = """
import signal, sys, time
def stop(*_):
    with open({notes!r}, "a") as file:
        file.write({name!r} + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True:
    time.sleep(60)
"""

#: Starts a child of its own that ignores to be told, as does it itself.
DEAF = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print("ready", os.getpid(), flush=True)
while True:
    time.sleep(60)
"""

#: Leaves behind a process that keeps what is written to and is nobody's child.
LEAVER = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    print(os.getpid(), "ready", flush=True)
    time.sleep(60)
    os._exit(0)
time.sleep(60)
"""


def program(name: str, code: str, *, stop_seconds: float = 2.0) -> Program:
    return Program(
        name=name,
        argv=(sys.executable, "-I", "-S", "-c", code),
        ready_words="ready",
        stop_seconds=stop_seconds,
    )


def obedient(name: str, notes: Path) -> Program:
    return program(name, OBEDIENT.format(name=name, notes=str(notes)))


def supervisor(*stages: list[Program], logs: Path, screen: io.StringIO | None = None) -> Supervisor:
    return Supervisor(stages, logs, Terminal(Console(file=screen or io.StringIO(), width=200)))


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def group_of(leader: int) -> list[int]:
    """Return the living processes of a group."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == leader and is_running(process.pid):
                found.append(process.pid)
        except ProcessLookupError:
            continue
    return found


def until(condition: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)
