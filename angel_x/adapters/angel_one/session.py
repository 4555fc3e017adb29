"""The session of a client: one login for all threads and processes, renewed once when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Lock
from typing import Protocol

import structlog

from angel_x.adapters.angel_one.calls import LOGIN, LOGOUT, RENEWAL
from angel_x.adapters.angel_one.credentials import Credentials, Now, Tokens
from angel_x.adapters.angel_one.records import fields, text
from angel_x.adapters.angel_one.wire import Wire
from angel_x.errors import BrokerError, BrokerUnavailable

log = structlog.get_logger()


class Fleet(Protocol):
    """The session that the processes of a client share."""

    def turn(self) -> AbstractContextManager[None]:
        """Wait until no other process begins or renews it."""

    def read(self) -> Tokens | None:
        """Return its tokens; None where there is none."""

    def keep(self, tokens: Tokens) -> None:
        """Share tokens."""

    def drop(self, tokens: Tokens) -> None:
        """Share tokens no longer; newer ones stay."""


class NoFleet:
    """A process with a session of its own."""

    @contextmanager
    def turn(self) -> Iterator[None]:
        yield

    def read(self) -> Tokens | None:
        return None

    def keep(self, tokens: Tokens) -> None:
        """Share nothing."""

    drop = keep


class Session:
    """Holds the tokens.  Of many threads whose token has ended, one renews it and the others wait.

    In a fleet the same holds of its processes.
    """

    def __init__(
        self, wire: Wire, credentials: Credentials, *, now: Now, fleet: Fleet | None = None
    ) -> None:
        self._wire = wire
        self._credentials = credentials
        self._now = now
        self._fleet = fleet or NoFleet()
        self._lock = Lock()
        self._tokens: Tokens | None = None

    def tokens(self) -> Tokens:
        """Return the tokens, after a login where neither this process nor the fleet has some.

        Raises:
            BrokerError: The login failed.
        """
        with self._lock:
            if self._tokens is None:
                self._tokens = self._fleet.read() or self._begun()
            return self._tokens

    def renewed(self, ended: Tokens) -> Tokens:
        """Return tokens newer than those that have ended.

        A second thread or process with the same ones gets the tokens that the first one has brought.
        Those of another process may have ended as well.

        Raises:
            BrokerError: Renewal and login failed.
        """
        with self._lock:
            if self._tokens is None or self._tokens == ended:
                self._tokens = None
                self._tokens = self._newer(ended)
            return self._tokens

    def end(self) -> None:
        """Log out, the fleet as well; without a session nothing is sent.

        Raises:
            BrokerError: The broker did not confirm it.
        """
        with self._lock:
            tokens, self._tokens = self._tokens, None
            if tokens is not None:
                self._fleet.drop(tokens)
                content = {"clientcode": self._credentials.client_code}
                self._wire.send(LOGOUT, content, token=tokens.access)

    def _begun(self) -> Tokens:
        with self._fleet.turn():
            found = self._fleet.read()
            if found is None:
                found = self._login()
                self._fleet.keep(found)
            return found

    def _newer(self, ended: Tokens) -> Tokens:
        with self._fleet.turn():
            found = self._fleet.read()
            if found is None or found == ended:
                found = self._renewal(ended)
                self._fleet.keep(found)
            return found

    def _login(self) -> Tokens:
        credentials = self._credentials
        content = {
            "clientcode": credentials.client_code,
            "password": credentials.pin,
            "totp": credentials.totp(self._now()),
        }
        tokens = _tokens(self._wire.send(LOGIN, content))
        log.info("broker_session.started", client_code=credentials.client_code)
        return tokens

    def _renewal(self, ended: Tokens) -> Tokens:
        try:
            content = {"refreshToken": ended.refresh}
            tokens = _tokens(self._wire.send(RENEWAL, content, token=ended.access))
        except BrokerError as error:
            log.info("broker_session.renewal_refused", code=error.code)
            return self._login()
        log.info("broker_session.renewed", client_code=self._credentials.client_code)
        return tokens


def _tokens(data: object) -> Tokens:
    row = fields(data)
    names = ("jwtToken", "refreshToken", "feedToken")
    access, refresh, feed = (text(row, name).removeprefix("Bearer ") for name in names)
    if not access:
        raise BrokerUnavailable("the answer to a login has no token")
    return Tokens(access, refresh, feed)
