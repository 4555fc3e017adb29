"""The process that owns the servers: it starts them, restarts those that die, and stops them when its parent ends.

It starts in milliseconds, without site packages.
Standard input brings one line of JSON, the plan, and later the word ``ready``; its end means that the parent is gone.
Until ``ready`` each exit is reported on standard output and nothing is restarted.  The exception, before and after: a
server that ends by itself without its files being usable starts again without them, if they can be made again.

Three layers keep servers from outliving their purpose: the pipe, the parent's process id for the case that
a forked relative still holds the pipe, and on Linux a signal that the kernel sends when this process is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TypedDict

from angel_x.adapters.children.aside import clear_for_file, put_aside
from angel_x.adapters.children.backoff import Backoff
from angel_x.adapters.children.lineage import dying_with_parent
from angel_x.adapters.children.logs import LogBounds, cut_log

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

#: Seconds between two looks at the parent's process id; everything else wakes us.
TICK = 1.0


class Preparation(TypedDict):
    """A command that makes a directory, which takes its final name only when the command succeeded."""

    argv: list[str]
    made: str
    final: str


class ServerPlan(TypedDict):
    name: str
    argv: list[str]
    preparation: Preparation | None
    #: User and group to run as; None is our own.
    account: tuple[int, int] | None
    log: str
    #: Files and directories without which the server starts empty, at no loss.
    expendable: list[str]
    #: Sent by the kernel when the guardian is killed.
    death_signal: int
    #: Signals to send in turn, each with the seconds to wait for it to work.
    stop: list[tuple[int, float]]


class GuardianPlan(TypedDict):
    parent: int
    #: Inherited by every server, so the lock is free only when all of them are gone.
    lock: int
    #: Where the process ids are kept for people and for tests that kill.
    state: str
    #: Directories to remove at the end if they are empty.
    discard: list[str]
    #: The bounds of each server's log.
    log_bytes: int
    log_files: int
    #: In the order in which they start; they stop in the reverse order.
    servers: list[ServerPlan]


class Parent:
    """The far end of standard input."""

    def __init__(self, pid: int, wake: socket.socket) -> None:
        self.is_ready = False
        self._is_gone = False
        self._pid = pid
        self._wake = wake

    def is_gone(self, timeout: float) -> bool:
        """Wait until something happens, at most ``timeout`` seconds."""
        readable, _, _ = select.select([0, self._wake.fileno()], [], [], timeout)
        if self._wake.fileno() in readable and set(self._wake.recv(4096)) & set(STOP_SIGNALS):
            self._is_gone = True
        if 0 in readable:
            said = os.read(0, 4096)
            self.is_ready = self.is_ready or bool(said)
            self._is_gone = self._is_gone or not said
        return self._is_gone or os.getppid() != self._pid

    def tell(self, **event: object) -> None:
        """Report an event to the parent, if it reads: its death is noticed on standard input."""
        with contextlib.suppress(BrokenPipeError, BlockingIOError):
            os.write(1, json.dumps(event).encode() + b"\n")


class ServerChild:
    """One server process, again and again."""

    def __init__(self, plan: ServerPlan, lock: int) -> None:
        self.plan = plan
        self.process: subprocess.Popen[bytes] | None = None
        self._lock = lock
        self._born = 0.0
        self._due = 0.0
        self._backoff = Backoff(shortest=0.1, longest=5.0, healthy_after=5.0)

    def spawn(self, argv: list[str]) -> subprocess.Popen[bytes]:
        user, group = self.plan["account"] or (None, None)
        log = os.open(self.plan["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603 - the command is our own plan
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                pass_fds=[self._lock],
                umask=0o077,
                user=user,
                group=group,
                extra_groups=None if user is None else [],
                preexec_fn=dying_with_parent(self.plan["death_signal"]),  # noqa: PLW1509 - one thread only
            )
        finally:
            os.close(log)

    def start(self) -> int:
        self._born = time.monotonic()
        self.process = self.spawn(self.plan["argv"])
        return self.process.pid

    def exit_code(self) -> int | None:
        """Report once the exit of the process and the time of its restart."""
        code = self.process.poll() if self.process else None
        if code is not None:
            self.process = None
            now = time.monotonic()
            self._due = now + self._backoff.pause(now - self._born)
        return code

    def put_aside(self) -> list[str]:
        """Rename the files that the server may have ended for; return their new names."""
        found = [path for path in map(Path, self.plan["expendable"]) if path.exists()]
        try:
            names = [str(put_aside(path)) for path in found]
        except OSError as error:
            note(f"files of {self.plan['name']} cannot be put aside: {error}")
            return []
        for name in names:
            note(f"{self.plan['name']} did not start with this, it starts without: {name}")
        return names

    def seconds_until_due(self) -> float:
        return TICK if self.process else max(0.0, self._due - time.monotonic())

    def stop(self) -> None:
        if self.process is None:
            return
        for signum, grace in self.plan["stop"]:
            self.process.send_signal(signum)
            with contextlib.suppress(subprocess.TimeoutExpired):  # the next signal is a harder one
                self.process.wait(grace)
                return


class Guardian:
    """All servers of one home."""

    def __init__(self, plan: GuardianPlan, parent: Parent) -> None:
        self._plan = plan
        self._parent = parent
        self._children = [ServerChild(server, plan["lock"]) for server in plan["servers"]]

    def run(self) -> None:
        try:
            if all(self._prepare(child) and self._start(child) for child in self._children):
                self._watch()
            else:
                self._await_parent()
        finally:
            self._stop()

    def _prepare(self, child: ServerChild) -> bool:
        preparation = child.plan["preparation"]
        if preparation is None:
            return True
        process = child.spawn(preparation["argv"])
        while process.poll() is None:
            if self._parent.is_gone(TICK):
                process.kill()
                process.wait()
                return False
        if process.returncode:
            self._parent.tell(server=child.plan["name"], code=process.returncode)
            return False
        Path(preparation["made"]).rename(preparation["final"])
        return True

    def _start(self, child: ServerChild) -> bool:
        try:
            child.start()
        except (OSError, subprocess.SubprocessError) as error:
            self._parent.tell(server=child.plan["name"], code=str(error))
            return False
        self._write_state()
        return True

    def _watch(self) -> None:
        while not self._parent.is_gone(min(child.seconds_until_due() for child in self._children)):
            for child in self._children:
                self._look_after(child)

    def _cut_log(self, child: ServerChild) -> None:
        bounds = LogBounds(self._plan["log_bytes"], self._plan["log_files"])
        with contextlib.suppress(OSError):  # a full disk; the next look tries again
            cut_log(Path(child.plan["log"]), bounds)

    def _look_after(self, child: ServerChild) -> None:
        self._cut_log(child)
        code = child.exit_code()
        # A server that runs is ended by signals only, so one that ended by itself has not started.
        aside = child.put_aside() if code is not None and code > 0 else []
        if aside:
            self._parent.tell(server=child.plan["name"], put_aside=aside)
        elif code is not None and not self._parent.is_ready:
            self._parent.tell(server=child.plan["name"], code=code)
        is_due = self._parent.is_ready and not child.seconds_until_due()
        if child.process is None and (aside or is_due):
            self._start(child)

    def _await_parent(self) -> None:
        while not self._parent.is_gone(TICK):
            pass

    def _write_state(self) -> None:
        pids = {c.plan["name"]: c.process.pid for c in self._children if c.process}
        state = Path(self._plan["state"])
        draft = state.with_suffix(".new")
        try:
            clear_for_file(state)
            clear_for_file(draft)
            draft.write_text(json.dumps({"guardian": os.getpid(), **pids}), encoding="ascii")
            draft.replace(state)
        except OSError as error:
            # The servers run without it; a full disk is no reason to end them.
            note(f"{state} cannot be written: {error}")

    def _stop(self) -> None:
        for child in reversed(self._children):
            child.stop()
        Path(self._plan["state"]).unlink(missing_ok=True)
        for directory in self._plan["discard"]:
            # A directory that is not empty contains a socket of a killed server, which the next start replaces.
            with contextlib.suppress(OSError):
                Path(directory).rmdir()


def note(text: str) -> None:
    """Write a line to the guardian's log, if there is room for it."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    with contextlib.suppress(OSError):
        os.write(2, f"{now} {text}\n".encode())


def wake_on_signals() -> tuple[socket.socket, socket.socket]:
    """Make signals readable, so that one select sees all there is to see; both ends must be kept."""
    reader, writer = socket.socketpair()
    writer.settimeout(0)
    signal.set_wakeup_fd(writer.fileno())
    for signum in (*STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(signum, lambda _signum, _frame: None)
    return reader, writer


def read_plan() -> GuardianPlan:
    text = b""
    while not text.endswith(b"\n"):
        piece = os.read(0, 65536)
        if not piece:
            raise SystemExit(0)
        text += piece
    plan: GuardianPlan = json.loads(text)
    return plan


def main() -> None:
    """Keep the servers of the plan until the parent is gone."""
    plan = read_plan()
    # A parent that does not read its events must not hold up the servers.
    os.set_blocking(1, False)
    reader, writer = wake_on_signals()
    with reader, writer:
        Guardian(plan, Parent(plan["parent"], reader)).run()
