"""The session of a client: one login for all threads, renewed once when it ends."""

from __future__ import annotations

from threading import Lock

import structlog

from angel_x.adapters.angel_one.calls import LOGIN, LOGOUT, RENEWAL
from angel_x.adapters.angel_one.credentials import Credentials, Now, Tokens
from angel_x.adapters.angel_one.records import fields, text
from angel_x.adapters.angel_one.wire import Wire
from angel_x.errors import BrokerError, BrokerUnavailable

log = structlog.get_logger()


class Session:
    """Holds the tokens.  Of many threads whose token has ended, one renews it and the others wait."""

    def __init__(self, wire: Wire, credentials: Credentials, *, now: Now) -> None:
        self._wire = wire
        self._credentials = credentials
        self._now = now
        self._lock = Lock()
        self._tokens: Tokens | None = None

    def tokens(self) -> Tokens:
        """Return the tokens, after a login where there are none.

        Raises:
            BrokerError: The login failed.
        """
        with self._lock:
            if self._tokens is None:
                self._tokens = self._login()
            return self._tokens

    def renewed(self, ended: Tokens) -> Tokens:
        """Return tokens newer than those that have ended.

        A second thread with the same ones gets the tokens that the first one has brought.

        Raises:
            BrokerError: Renewal and login failed.
        """
        with self._lock:
            if self._tokens is None or self._tokens is ended:
                self._tokens = None
                self._tokens = self._renewal(ended)
            return self._tokens

    def end(self) -> None:
        """Log out; without a session nothing is sent.

        Raises:
            BrokerError: The broker did not confirm it.
        """
        with self._lock:
            tokens, self._tokens = self._tokens, None
            if tokens is not None:
                content = {"clientcode": self._credentials.client_code}
                self._wire.send(LOGOUT, content, token=tokens.access)

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
