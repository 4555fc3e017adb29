"""Logged-in browsers.  API keys stay in the memory of this process; the browser holds an id only."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

from itsdangerous import BadSignature, Signer

from angel_x.domain.records.access import KeyHolder, Scope
from angel_x.entrypoints.desk.account import WatchedAccount
from angel_x.entrypoints.desk.views.legs import ChosenLeg

#: The name of the cookie.
COOKIE = "angel_x_desk"
_MOST_SESSIONS = 10_000


@dataclass(slots=True, kw_only=True)
class LoginSession:
    """One login of a browser."""

    id: str
    account: WatchedAccount
    ends_at: float
    #: The legs that each account has chosen and not sent, by its id: they outlive a session.
    drafts: dict[int, tuple[ChosenLeg, ...]] = field(default_factory=dict)

    @property
    def legs(self) -> tuple[ChosenLeg, ...]:
        """The legs of the basket that is being built."""
        return self.drafts.get(self.holder.user_id, ())

    @legs.setter
    def legs(self, legs: tuple[ChosenLeg, ...]) -> None:
        self.drafts[self.holder.user_id] = legs

    @property
    def holder(self) -> KeyHolder:
        return self.account.holder

    @property
    def may_trade(self) -> bool:
        return Scope.TRADE in self.holder.scopes

    @property
    def is_admin(self) -> bool:
        return Scope.ADMIN in self.holder.scopes

    @property
    def may_halt(self) -> bool:
        return self.may_trade or self.is_admin


class LoginSessions:
    """The sessions of this process."""

    def __init__(
        self,
        lifetime_seconds: float,
        clock: Callable[[], float],
        *,
        secret: str | None = None,
    ) -> None:
        self.lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._signer = Signer(secret or secrets.token_hex(32), salt=COOKIE)
        self._open: dict[str, LoginSession] = {}
        self._drafts: dict[int, tuple[ChosenLeg, ...]] = {}

    def open(self, account: WatchedAccount) -> LoginSession:
        """Return a new session; its id was never in use."""
        self._end_late_ones()
        if len(self._open) >= _MOST_SESSIONS:
            self.close(next(iter(self._open.values())))
        session = LoginSession(
            id=secrets.token_urlsafe(32),
            account=account,
            ends_at=self._clock() + self.lifetime_seconds,
            drafts=self._drafts,
        )
        self._open[session.id] = session
        account.enter()
        return session

    def cookie(self, session: LoginSession) -> str:
        """Return the signed value of the cookie."""
        return self._signer.sign(session.id).decode()

    def of_cookie(self, value: str | None) -> LoginSession | None:
        """Return the open session of a cookie; None for a forged, ended or missing one."""
        if not value:
            return None
        try:
            session = self._open.get(self._signer.unsign(value).decode())
        except (BadSignature, UnicodeDecodeError):
            return None
        return session if session is not None and self.is_open(session) else None

    def is_open(self, session: LoginSession) -> bool:
        """Return whether the session has neither ended nor outlived its key."""
        if session.id not in self._open:
            return False
        if self._clock() < session.ends_at and not session.account.is_refused:
            return True
        self.close(session)
        return False

    def close(self, session: LoginSession) -> None:
        """End a session; a second call changes nothing."""
        if self._open.pop(session.id, None) is not None:
            session.account.leave()

    def close_all(self) -> None:
        for session in list(self._open.values()):
            self.close(session)

    def _end_late_ones(self) -> None:
        for session in list(self._open.values()):
            self.is_open(session)
