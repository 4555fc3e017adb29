"""The started servers with their guardian, which is replaced when it dies."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from threading import Lock
from typing import Protocol

from angel_x.adapters.children.guardian import GuardianPlan, ServerPlan
from angel_x.adapters.children.logs import LogBounds, begin_log, with_tail
from angel_x.adapters.servers.claim import HomeClaim
from angel_x.adapters.servers.places import Places
from angel_x.adapters.servers.tether import Tether
from angel_x.errors import ServerUnavailable

#: Seconds that local servers get to start, crash recovery included.
START_PATIENCE = 60.0


class LocalServer(Protocol):
    @property
    def name(self) -> str: ...

    def plan(self) -> ServerPlan: ...

    def refusal(self) -> str | None:
        """Return the reason why the server is not ready, None if it is."""
        ...


class GuardedServers:
    """Servers that run from :meth:`launch` to :meth:`stop`.

    A guardian that is killed takes the servers with it; their stored data is recovered by their
    next start.
    """

    def __init__(
        self, servers: Sequence[LocalServer], places: Places, claim: HomeClaim, logs: LogBounds
    ) -> None:
        self._servers = servers
        self._places = places
        self._claim = claim
        self._logs = logs
        self._tether: Tether | None = None
        # A stop waits for a start that is under way in another thread.
        self._moving = Lock()
        self._is_stopped = False

    @property
    def are_guarded(self) -> bool:
        return self._tether is not None and self._tether.is_alive

    def pids(self) -> dict[str, int]:
        return self._tether.pids() if self._tether else {}

    def hear(self) -> None:
        if self._tether:
            self._tether.hear()

    def launch(self) -> None:
        """Start the servers under a guardian, and wait until they are ready.

        Raises:
            ServerUnavailable: One of them did not start; :meth:`stop` ends the others.
        """
        for name in ("guardian", *(server.name for server in self._servers)):
            begin_log(self._places.log(name), self._logs.files)
        plan = self._plan()
        self._tether = tether = Tether(plan, self._places.log("guardian"))
        self._claim.hand_over()
        tether.send(plan)
        self._await_all(tether)
        tether.say_ready()

    def relaunch(self) -> None:
        """Start the servers under a new guardian once those of the dead one have ended.

        Nothing happens after a stop, or while the guardian lives.

        Raises:
            ServerUnavailable: They did not end, or did not start.
        """
        with self._moving:
            if self._is_stopped or self.are_guarded:
                return
            if self._tether:
                self._tether.cut()
            self._claim.take_back()
            self.launch()

    def stop(self) -> None:
        """Stop the servers and wait for their end; a second call does nothing."""
        with self._moving:
            if self._is_stopped:
                return
            self._is_stopped = True
            if self._tether:
                self._tether.cut()
            self._claim.await_servers()

    def _plan(self) -> GuardianPlan:
        return GuardianPlan(
            parent=os.getpid(),
            lock=self._claim.servers_lock,
            state=str(self._places.root / "running.json"),
            discard=[str(directory) for directory in self._places.discard],
            servers=[server.plan() for server in self._servers],
            log_bytes=self._logs.bytes,
            log_files=self._logs.files,
        )

    def _await_all(self, tether: Tether) -> None:
        deadline = time.monotonic() + START_PATIENCE
        for server in self._servers:
            while (refusal := server.refusal()) is not None:
                failure = tether.await_exit(0.01)
                if failure:
                    reason = f"{failure['server']} did not start, it ended with {failure['code']}"
                    raise ServerUnavailable(with_tail(reason, self._places.log(failure["server"])))
                if time.monotonic() > deadline:
                    reason = f"{server.name} did not answer in {START_PATIENCE:g} s: {refusal}"
                    raise ServerUnavailable(with_tail(reason, self._places.log(server.name)))
