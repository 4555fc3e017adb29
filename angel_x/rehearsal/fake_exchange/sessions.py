"""Logins at the fake exchange: one-time passwords are checked, tokens end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

import pyotp

from angel_x.domain.calendar.session import IST
from angel_x.rehearsal.fake_exchange.faults import Faults


class Refusal(Exception):
    """A request that is answered with a code and a message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Client:
    """A client of the broker."""

    code: str = "A12345"
    api_key: str = field(default="fake-api-key", repr=False)
    pin: str = field(default="1234", repr=False)
    totp_secret: str = field(default="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", repr=False)


@dataclass(slots=True)
class Login:
    """One session of a client."""

    client_code: str
    access: str
    refresh: str
    feed: str
    ends_at: datetime

    def answer(self) -> dict[str, str]:
        """Return the tokens as the broker sends them."""
        return {"jwtToken": self.access, "refreshToken": self.refresh, "feedToken": self.feed}


class Sessions:
    """The sessions of all clients."""

    def __init__(self, client: Client, faults: Faults, now: Callable[[], datetime]) -> None:
        self.client = client
        self.faults = faults
        self._now = now
        self._numbers = count(1)
        self._logins: dict[str, Login] = {}
        #: Logins and renewals that succeeded.
        self.logins = 0
        self.renewals = 0

    def login(self, client_code: str, pin: str, totp: str, api_key: str) -> Login:
        """Start a session.

        Raises:
            Refusal: The credentials are wrong.
        """
        known = self.client
        if (client_code, pin, api_key) != (known.code, known.pin, known.api_key):
            raise Refusal("AB1007", "Login Id or password is invalid")
        if not pyotp.TOTP(known.totp_secret).verify(totp, for_time=self._now(), valid_window=1):
            raise Refusal("AB1000", "Invalid totp")
        self.logins += 1
        if self.faults.sole_session:
            self._logins.clear()
        return self._start(client_code)

    def renew(self, refresh: str) -> Login:
        """Replace a session by its refresh token, which is good for one renewal.

        Raises:
            Refusal: No session has that token.
        """
        found = next((each for each in self._logins.values() if each.refresh == refresh), None)
        if found is None:
            raise Refusal("AB8050", "Invalid Refresh Token")
        del self._logins[found.access]
        self.renewals += 1
        return self._start(found.client_code)

    def of(self, access: str) -> Login:
        """Return the session of a token.

        Raises:
            Refusal: There is none, or it has ended.
        """
        found = self._logins.get(access)
        if found is None:
            raise Refusal("AG8001", "Invalid Token")
        if found.ends_at <= self._now():
            raise Refusal("AG8002", "Token Expired")
        return found

    def end(self, access: str) -> None:
        """End a session."""
        self._logins.pop(access, None)

    def expire(self, access: str) -> None:
        """Let a session be over now; it can still be renewed."""
        if access in self._logins:
            self._logins[access].ends_at = self._now()

    def _start(self, client_code: str) -> Login:
        number = next(self._numbers)
        now = self._now()
        seconds = self.faults.token_seconds
        ends = _midnight(now) if seconds is None else now + timedelta(seconds=seconds)
        login = Login(
            client_code, f"access-{number:08d}", f"refresh-{number:08d}", f"feed-{number:08d}", ends
        )
        self._logins[login.access] = login
        return login


def _midnight(now: datetime) -> datetime:
    """Return the end of the day in India, at which every session ends."""
    tomorrow = now.astimezone(IST) + timedelta(days=1)
    return tomorrow.replace(hour=0, minute=0, second=0, microsecond=0)
