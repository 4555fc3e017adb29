"""Bounds the look-ups of keys that are not valid, by the sender's address and by the key's prefix.

A key that was valid within the last hour is never refused here, so that a flood of bad keys, even from
its own address or with its own prefix, does not shut it out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from time import monotonic

from angel_x.errors import BadKeysExceeded
from angel_x.services.accounts.access import digest_of, prefix_of

#: Seconds of the allowed rate that may come at once.
_BURST_SECONDS = 5.0
#: Seconds for which a valid key is trusted.
_TRUSTED_SECONDS = 3600.0
#: Keys, and senders, that are remembered at most.
_MOST = 10_000


class BadKeys:
    """Counts failed look-ups in leaky buckets of one process."""

    def __init__(self, per_second: float, *, timer: Callable[[], float] = monotonic) -> None:
        #: Seconds after which one bad key is forgotten, and those that a full bucket needs.
        self._each = 1 / per_second
        self._full = max(_BURST_SECONDS, self._each)
        self._timer = timer
        #: The time at which the bucket of an address or a prefix is empty again.
        self._empty_at: dict[str, float] = {}
        self._trusted: dict[bytes, float] = {}

    def admit(self, address: str, key: str) -> None:
        """Let a key be looked up, and count it as bad until :meth:`trust`.

        Raises:
            BadKeysExceeded: Too many bad keys came from this address, or with this prefix.
        """
        now = self._timer()
        if self._is_trusted(digest_of(key), now):
            return
        waits = [self._wait(name, now) for name in _names(address, key)]
        if max(waits) > 0:
            raise BadKeysExceeded(retry_after=max(1, math.ceil(max(waits))))
        self._forget(now)
        for name in _names(address, key):
            self._empty_at[name] = max(now, self._empty_at.get(name, now)) + self._each

    def trust(self, address: str, key: str) -> None:
        """Note that a key is valid; it does not count as bad."""
        self.excuse(address, key)
        self._trusted[digest_of(key)] = self._timer() + _TRUSTED_SECONDS

    def excuse(self, address: str, key: str) -> None:
        """Take back the count of a key whose look-up had no outcome."""
        if digest_of(key) not in self._trusted:
            for name in _names(address, key):
                self._empty_at[name] = self._empty_at.get(name, self._timer()) - self._each

    def distrust(self, key: str) -> None:
        """Note that a key is not valid any more; from the next look-up on it counts."""
        self._trusted.pop(digest_of(key), None)

    def _is_trusted(self, digest: bytes, now: float) -> bool:
        if self._trusted.get(digest, now) > now:
            return True
        self._trusted.pop(digest, None)
        return False

    def _wait(self, name: str, now: float) -> float:
        """Return the seconds until one more bad key is allowed."""
        return max(0.0, self._empty_at.get(name, now) - now) + self._each - self._full

    def _forget(self, now: float) -> None:
        if len(self._empty_at) >= _MOST:
            self._empty_at = {n: at for n, at in self._empty_at.items() if at > now}
        if len(self._empty_at) >= _MOST:
            # Each is of another sender: the oldest go.
            self._empty_at = dict(sorted(self._empty_at.items(), key=lambda b: b[1])[_MOST // 2 :])
        if len(self._trusted) >= _MOST:
            self._trusted = {d: until for d, until in self._trusted.items() if until > now}


def _names(address: str, key: str) -> Iterator[str]:
    yield f"address {address}"
    if (prefix := prefix_of(key)) is not None:
        yield f"prefix {prefix}"
