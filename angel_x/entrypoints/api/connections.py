"""The open connections of one API process: admitted up to a number in all and by address.

A connection that has never sent a whole header block gives way to a new one, the oldest first, so
half-sent requests exclude no client.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol


class ClientConnection(Protocol):
    """One connection of a client."""

    @property
    def address(self) -> str:
        """The address of the client, without its port."""
        ...

    def give_way(self) -> None:
        """Close, because another connection needs the place."""


class Connections:
    """The places of connections.  It belongs to the event loop's thread."""

    def __init__(self, *, most: int, most_by_address: int) -> None:
        self._most = most
        self._most_by_address = most_by_address
        self._count = 0
        self._by_address: Counter[str] = Counter()
        #: Connections without a whole header block so far, the oldest first.
        self._silent: dict[str, dict[ClientConnection, None]] = {}

    def admit(self, connection: ClientConnection) -> bool:
        """Take a place; return False where there is none, and no silent connection has one."""
        if not self._has_place(connection.address):
            return False
        self._count += 1
        self._by_address[connection.address] += 1
        self._silent.setdefault(connection.address, {})[connection] = None
        return True

    def heard(self, connection: ClientConnection) -> None:
        """Note the first whole header block: from now on it keeps its place."""
        silent = self._silent.get(connection.address, {})
        silent.pop(connection, None)
        if not silent:
            self._silent.pop(connection.address, None)

    def leave(self, connection: ClientConnection) -> None:
        """Give up the place of a connection that was admitted."""
        self.heard(connection)
        self._count -= 1
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    def _has_place(self, address: str) -> bool:
        if self._by_address[address] >= self._most_by_address:
            return self._free_one_of(address)
        if self._count < self._most:
            return True
        # The address with the most silent connections gives way.
        crowded = max(self._silent, key=lambda each: len(self._silent[each]), default=None)
        return crowded is not None and self._free_one_of(crowded)

    def _free_one_of(self, address: str) -> bool:
        oldest = next(iter(self._silent.get(address, ())), None)
        if oldest is None:
            return False
        self.leave(oldest)
        oldest.give_way()
        return True
