"""The keys that are logged in: one :class:`WatchedAccount` for each, however many browsers use it."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from threading import Lock

from angel_x.client import Client
from angel_x.entrypoints.desk.account import WatchedAccount


class WatchedAccounts:
    """Belongs to one API."""

    def __init__(self, connect: Callable[[str], Client]) -> None:
        self._connect = connect
        self._accounts: dict[bytes, WatchedAccount] = {}
        self._lock = Lock()

    def of_key(self, key: str) -> WatchedAccount:
        """Return the account of a key, which the API has to accept.  Blocks.

        Raises:
            Unauthorized: The key is not valid.
            ApiError: There is no answer, or another refusal.
        """
        client = self._connect(key)
        holder = client.holder()
        digest = sha256(key.encode()).digest()
        with self._lock:
            self._forget_left()
            account = self._accounts.get(digest)
            if account is None or account.is_refused:
                account = self._accounts[digest] = WatchedAccount(client, holder)
        return account

    def _forget_left(self) -> None:
        for digest, account in list(self._accounts.items()):
            if account.was_left:
                del self._accounts[digest]
