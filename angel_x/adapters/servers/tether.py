"""Our end of the pipe to the guardian: while it is open, the servers run."""

from __future__ import annotations

import json
import select
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TypedDict, cast

import structlog

from angel_x.adapters.children import guardian
from angel_x.adapters.children.guardian import GuardianPlan
from angel_x.adapters.children.keeper import Keeper
from angel_x.errors import ServerUnavailable

log = structlog.get_logger()

#: Seconds; more than the longest stop of all servers together.
STOP_PATIENCE = 70.0


class Exit(TypedDict):
    """A server that ended, or could not be started, before all were ready."""

    server: str
    code: int | str


class Aside(TypedDict):
    """Files that a server could not start with, by their new names; it starts without them."""

    server: str
    put_aside: list[str]


class Tether:
    """The guardian's process."""

    def __init__(self, plan: GuardianPlan, log: Path) -> None:
        self._state = Path(plan["state"])
        with log.open("wb") as errors:
            self._keeper = Keeper(
                guardian.__name__,
                stdout=subprocess.PIPE,
                stderr=errors,
                pass_fds=[plan["lock"]],
            )
        assert self._keeper.process.stdout is not None
        self._stdout = self._keeper.process.stdout

    @property
    def is_alive(self) -> bool:
        return self._keeper.is_alive

    def pids(self) -> dict[str, int]:
        """Give the process ids that the guardian wrote down, its own among them."""
        try:
            pids: dict[str, int] = json.loads(self._state.read_bytes())
        except (OSError, ValueError):
            return {}
        return pids if self.is_alive else {}

    def send(self, plan: GuardianPlan) -> None:
        # An early exit is seen, and explained, while the servers are awaited.
        with suppress(BrokenPipeError):
            self._keeper.tell(json.dumps(plan))

    def say_ready(self) -> None:
        """Report readiness to the guardian; from now on it restarts a server that dies.

        Raises:
            ServerUnavailable: The guardian has ended, and the servers with it.
        """
        try:
            self._keeper.tell("ready")
        except BrokenPipeError:
            raise ServerUnavailable(
                f"the guardian of the servers ended with {self._keeper.process.wait()}"
            ) from None

    def await_exit(self, timeout: float) -> Exit | None:
        """Wait for the report that a server ended, at most ``timeout`` seconds."""
        event = self._next_event(timeout)
        if event is None or "code" in event:
            return cast("Exit | None", event)
        _log_aside(event)
        return None

    def hear(self) -> None:
        """Log the files that servers were started without since the last call."""
        while (event := self._next_event(0)) is not None and "code" not in event:
            _log_aside(event)

    def _next_event(self, timeout: float) -> Exit | Aside | None:
        poll = select.poll()
        poll.register(self._stdout, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return None
        line = self._stdout.readline()
        if not line:
            return Exit(server="guardian", code=self._keeper.process.wait())
        event: Exit | Aside = json.loads(line)
        return event

    def cut(self) -> None:
        """Let go and wait until the guardian has stopped everything."""
        self._stdout.close()
        try:
            self._keeper.close(STOP_PATIENCE)
        except subprocess.TimeoutExpired:
            # The kernel then signals the servers.
            self._keeper.process.kill()
            self._keeper.process.wait()


def _log_aside(event: Aside) -> None:
    log.error("server_files.put_aside", server=event["server"], files=event["put_aside"])
