"""A way to a Redis server that can be shut, so that the server is away for one client only."""

from __future__ import annotations

from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


class Door:
    """A second name of the server's socket; ``client`` goes through it."""

    def __init__(self, server: redis.Redis, folder: Path) -> None:
        address = server.connection_pool.connection_kwargs
        self._server = server
        self._socket = Path(address["path"])
        self._door = folder / "door"
        self.client = redis.Redis(
            unix_socket_path=str(self._door), db=address["db"], retry=Retry(NoBackoff(), 0)
        )
        self.open()

    def open(self) -> None:
        self._door.symlink_to(self._socket)

    def shut(self) -> None:
        """Let nobody in any more and end every other connection than the server's own client."""
        self._door.unlink()
        self._server.client_kill_filter(skipme=True)
