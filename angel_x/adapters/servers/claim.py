"""The claim on the servers of a home, held by one instance at a time.

Two locks distinguish two cases: the starting process holds one, so a second instance is refused at
once; the guardian and every server hold the other, so the servers of a dead owner are waited for.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from angel_x.errors import ServerUnavailable

#: The wait for the servers of a dead owner to stop, in seconds.
PATIENCE = 45.0


class HomeClaim:
    """Both locks.  Opening it again, in this or another process, is refused until it is closed."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._owner = _open(root / "owner.lock")
        self._servers = -1
        try:
            self._lock_owner()
            self._lock_servers()
        except BaseException:
            self.close()
            raise

    @property
    def servers_lock(self) -> int:
        """The file descriptor that the guardian and the servers inherit."""
        return self._servers

    def hand_over(self) -> None:
        """Leave the lock of the servers to the guardian and its children."""
        if self._servers >= 0:
            os.close(self._servers)
            self._servers = -1

    def close(self) -> None:
        self.hand_over()
        if self._owner >= 0:
            os.close(self._owner)
            self._owner = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def take_back(self) -> None:
        """Wait until no server of this home runs, and hold their lock again.

        Raises:
            ServerUnavailable: They have not stopped in time.
        """
        self._lock_servers()

    def await_servers(self) -> None:
        """Return when no server of this home runs any more."""
        self.hand_over()
        self._lock_servers()
        self.hand_over()

    def _lock_owner(self) -> None:
        if not _lock(self._owner):
            owner = (
                os.pread(self._owner, 32, 0).decode(errors="replace").strip("\0\n ")
                or "of unknown id"
            )
            raise ServerUnavailable(f"process {owner} runs the servers of this home: {self._home}")
        os.ftruncate(self._owner, 0)
        os.pwrite(self._owner, f"{os.getpid()}\n".encode(), 0)

    @property
    def _home(self) -> Path:
        return self._root.parent

    def _lock_servers(self) -> None:
        self._servers = _open(self._root / "servers.lock")
        deadline = time.monotonic() + PATIENCE
        while not _lock(self._servers):
            if time.monotonic() > deadline:
                raise ServerUnavailable(
                    f"servers of an earlier run have not stopped in {PATIENCE:g} s: {self._home}"
                )
            time.sleep(0.02)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
