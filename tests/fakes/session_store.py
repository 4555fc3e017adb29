"""The store of sealed sessions in memory, under the contract of the one in Redis.  Nothing ends by itself."""

from __future__ import annotations

from threading import Lock


class MemorySessionStore:
    def __init__(self) -> None:
        self._lock = Lock()
        self.sealed: dict[str, bytes] = {}
        self._owners: dict[str, str] = {}

    def read(self, client_code: str) -> bytes | None:
        return self.sealed.get(client_code)

    def write(self, client_code: str, sealed: bytes, seconds: float) -> None:
        self.sealed[client_code] = sealed

    def remove(self, client_code: str) -> None:
        self.sealed.pop(client_code, None)

    def take_turn(self, client_code: str, owner: str, seconds: float) -> bool:
        with self._lock:
            return self._owners.setdefault(client_code, owner) == owner

    def end_turn(self, client_code: str, owner: str) -> None:
        with self._lock:
            if self._owners.get(client_code) == owner:
                del self._owners[client_code]
