from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import pytest

from angel_x.domain.records.access import KeyHolder, Scope
from angel_x.entrypoints.desk.account import WatchedAccount
from angel_x.entrypoints.desk.sessions import LoginSession, LoginSessions
from tests.builders.timers import Timer


@dataclass
class Held:
    """An account that reads nothing."""

    holder: KeyHolder
    is_refused: bool = False
    sessions: int = 0

    def enter(self) -> None:
        self.sessions += 1

    def leave(self) -> None:
        self.sessions -= 1


def account(*scopes: Scope) -> WatchedAccount:
    holder = KeyHolder(user="demo", user_id=1, key_prefix="0" * 12, scopes=scopes)
    return cast("WatchedAccount", Held(holder))


@pytest.fixture
def timer() -> Timer:
    return Timer()


@pytest.fixture
def sessions(timer: Timer) -> LoginSessions:
    return LoginSessions(3600, timer)


@pytest.fixture
def session(sessions: LoginSessions) -> LoginSession:
    return sessions.open(account(Scope.TRADE))


def test_a_cookie_finds_its_session(sessions: LoginSessions, session: LoginSession) -> None:
    assert sessions.of_cookie(sessions.cookie(session)) is session


def test_a_forged_cookie_finds_nothing(sessions: LoginSessions, session: LoginSession) -> None:
    cookie = sessions.cookie(session)

    for forged in (None, "", session.id, f"{session.id}.x", cookie[:-1], f"x{cookie}", "é.é"):
        assert sessions.of_cookie(forged) is None
    assert LoginSessions(3600, Timer()).of_cookie(cookie) is None


def test_every_login_has_an_id_of_its_own(sessions: LoginSessions, session: LoginSession) -> None:
    other = sessions.open(account(Scope.READ))

    assert other.id != session.id
    assert len(other.id) >= 43


def test_a_session_ends_with_its_lifetime(
    sessions: LoginSessions, session: LoginSession, timer: Timer
) -> None:
    timer.now += 3599
    assert sessions.is_open(session)

    timer.now += 1

    assert not sessions.is_open(session)
    assert sessions.of_cookie(sessions.cookie(session)) is None


def test_a_session_ends_with_its_key(sessions: LoginSessions, session: LoginSession) -> None:
    session.account.is_refused = True

    assert not sessions.is_open(session)


def test_a_session_that_was_closed_does_not_come_back(
    sessions: LoginSessions, session: LoginSession
) -> None:
    sessions.close(session)
    sessions.close(session)

    assert not sessions.is_open(session)
    assert cast("Held", session.account).sessions == 0


@pytest.mark.parametrize(
    ("scopes", "trades", "halts"),
    [
        ((Scope.READ,), False, False),
        ((Scope.TRADE,), True, True),
        ((Scope.ADMIN,), False, True),
    ],
)
def test_the_scopes_of_the_key_decide(
    sessions: LoginSessions, scopes: tuple[Scope, ...], *, trades: bool, halts: bool
) -> None:
    session = sessions.open(account(*scopes))

    assert (session.may_trade, session.may_halt) == (trades, halts)
