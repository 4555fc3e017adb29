"""Hosts that are network namespaces on a switch of their own, with nothing else that they can reach."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

_CLONE_NEWNET = 0x40000000
_NAMED = Path("/run/netns")
_SUBNET = "10.203.7"
_SWITCH = "switch"
_PATIENCE = 30.0


def refusal() -> str | None:
    """Return why this machine makes no network namespaces, None where it does."""
    if shutil.which("ip") is None:
        return "no command ip (iproute2)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with Network(["probe"]):
            return None
    except (subprocess.SubprocessError, OSError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        return f"no network namespaces: {reason.strip()}"


class Network:
    """Hosts by name on one switch, until it is closed.  Their addresses exist nowhere else."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = tuple(hosts)
        self._made: list[str] = []

    def __enter__(self) -> Self:
        try:
            self._make(_SWITCH)
            switch = self._namespace(_SWITCH)
            _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
            _ip("-n", switch, "link", "set", "bridge", "up")
            for number, host in enumerate(self.hosts):
                self._connect(switch, number, host)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove every namespace; with its last process each is gone."""
        while self._made:
            subprocess.run(
                ["ip", "netns", "delete", self._made.pop()],
                stderr=subprocess.DEVNULL,
                timeout=_PATIENCE,
                check=False,
            )

    def address(self, host: str) -> str:
        return f"{_SUBNET}.{self.hosts.index(host) + 1}"

    def inside(self, host: str, *command: str) -> tuple[str, ...]:
        """Return a command that runs another one on a host; it is replaced by it."""
        return ("ip", "netns", "exec", self._namespace(host), *command)

    def enter(self, host: str) -> None:
        """Move this thread to a host, and the threads and processes that it starts from now on.

        Raises:
            OSError: The kernel refuses.
        """
        libc = ctypes.CDLL(None, use_errno=True)
        with (_NAMED / self._namespace(host)).open("rb") as opened:
            if libc.setns(opened.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"cannot enter the host {host}")

    def pull(self, host: str) -> None:
        """Pull the cable of a host: nothing goes in or out, and no connection is told."""
        _ip("-n", self._namespace(_SWITCH), "link", "set", self._port(host), "down")

    def plug(self, host: str) -> None:
        """Plug the cable in again."""
        _ip("-n", self._namespace(_SWITCH), "link", "set", self._port(host), "up")

    def _connect(self, switch: str, number: int, host: str) -> None:
        self._make(host)
        namespace, port = self._namespace(host), self._port(host)
        _ip("-n", switch, "link", "add", port, "type", "veth", "peer", "eth0", "netns", namespace)
        _ip("-n", switch, "link", "set", port, "master", "bridge", "up")
        _ip("-n", namespace, "address", "add", f"{_SUBNET}.{number + 1}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", namespace, "link", "set", device, "up")

    def _make(self, host: str) -> None:
        _ip("netns", "add", self._namespace(host))
        self._made.append(self._namespace(host))

    def _namespace(self, host: str) -> str:
        return f"angel-x-{os.getpid()}-{host}"

    def _port(self, host: str) -> str:
        return f"port{self.hosts.index(host)}"


def _ip(*arguments: str) -> None:
    subprocess.run(
        ["ip", *arguments], capture_output=True, text=True, timeout=_PATIENCE, check=True
    )
