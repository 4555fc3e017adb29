"""The session of a client that all processes use, sealed; one process at a time begins or renews it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Protocol, TypeVar

import structlog

from angel_x.adapters.angel_one.credentials import Credentials, Now, Tokens
from angel_x.adapters.sealing import SecretSeal
from angel_x.domain.calendar.session import IST

log = structlog.get_logger()

_PAUSE_SECONDS = 0.05
_PURPOSE = "session of the broker"

T = TypeVar("T")


class SessionStore(Protocol):
    """Keeps the sealed session of each client, and the turn of the process that begins or renews it."""

    def read(self, client_code: str) -> bytes | None:
        """Return the sealed session; None where there is none."""

    def write(self, client_code: str, sealed: bytes, seconds: float) -> None:
        """Keep a sealed session for so many seconds, in place of the one before."""

    def remove(self, client_code: str) -> None:
        """Keep no session."""

    def take_turn(self, client_code: str, owner: str, seconds: float) -> bool:
        """Take the turn, for so many seconds at most; return whether it was free."""

    def end_turn(self, client_code: str, owner: str) -> None:
        """End the turn of an owner; that of another one stays."""


class FleetSession:
    """The session of one client.  While the store is away, every process logs in for itself."""

    def __init__(
        self,
        store: SessionStore,
        credentials: Credentials,
        address: str,
        *,
        unreachable: tuple[type[Exception], ...],
        now: Now,
        sleep: Callable[[float], None],
        monotonic: Callable[[], float],
        turn_seconds: float,
    ) -> None:
        """Take the store, and the broker's address: a session of another one does not open."""
        secrets = (credentials.totp_secret, credentials.pin, credentials.api_key)
        self._store = store
        self._code = credentials.client_code
        self._seal = SecretSeal(secrets, f"{_PURPOSE}: {self._code} at {address}")
        self._unreachable = unreachable
        self._now = now
        self._sleep = sleep
        self._monotonic = monotonic
        self._turn_seconds = turn_seconds

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other process begins or renews the session.

        A process that dies in its turn holds the others up for no longer than a turn lasts; a second
        login beside the first one costs a request.
        """
        owner = token_hex(8)
        ends_at = self._monotonic() + self._turn_seconds
        while self._take(owner) is False and self._monotonic() < ends_at:
            self._sleep(_PAUSE_SECONDS)
        try:
            yield
        finally:
            self._tried(lambda store: store.end_turn(self._code, owner))

    def read(self) -> Tokens | None:
        """Return the session of the fleet; None where there is none that opens."""
        sealed = self._tried(lambda store: store.read(self._code))
        text = None if sealed is None else self._seal.open(sealed)
        return None if text is None else Tokens(*json.loads(text))

    def keep(self, tokens: Tokens) -> None:
        """Let the other processes use a session, until midnight in India."""
        sealed = self._seal.seal(json.dumps([tokens.access, tokens.refresh, tokens.feed]))
        seconds = _seconds_of_the_day(self._now())
        self._tried(lambda store: store.write(self._code, sealed, seconds))

    def drop(self, tokens: Tokens) -> None:
        """Keep a session no longer; a newer one stays."""
        if self.read() == tokens:
            self._tried(lambda store: store.remove(self._code))

    def _take(self, owner: str) -> bool | None:
        return self._tried(lambda store: store.take_turn(self._code, owner, self._turn_seconds))

    def _tried(self, use: Callable[[SessionStore], T]) -> T | None:
        try:
            return use(self._store)
        except self._unreachable as error:
            log.warning("fleet_session.away", error=repr(error)[:200])
            return None


def _seconds_of_the_day(now: datetime) -> float:
    """Return the seconds until midnight in India, when the broker ends every session."""
    local = now.astimezone(IST)
    tomorrow = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), IST)
    return (tomorrow - local).total_seconds()
