"""Live trading for operators: its state, its confirmation for a day, and the runs of the system."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.live_trading import LiveRecords, LiveTerms, TradingMode, blocked
from angel_x.domain.orders.denial import DenialReason
from angel_x.errors import InvalidInput
from angel_x.services.ports import Clock

log = structlog.get_logger()


class LiveStore(Protocol):
    """The records of live trading; the newest confirmation and the newest run are in force."""

    def records(self, users: Sequence[str]) -> LiveRecords: ...
    def confirm(self, terms: LiveTerms, expires_at: datetime, actor: str) -> None: ...
    def withdraw(self, terms: LiveTerms, actor: str) -> None: ...
    def begin_run(
        self, mode: TradingMode, client_code: str | None, node: str
    ) -> tuple[int, bool]: ...
    def end_run(self, number: int) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStatus:
    """The trading mode, and the reason why no order passes."""

    mode: TradingMode
    #: The client at the broker and the broker's address; None on paper.
    client_code: str | None = None
    address: str | None = None
    #: The accounts that trade live.
    users: tuple[str, ...] = ()
    confirmed_by: str | None = None
    #: None where no confirmation of these terms is in force.
    confirmed_until: datetime | None = None
    #: Why no order goes to the exchange; None on paper, and where orders do.
    blocked: DenialReason | None = None
    #: The opening of the next session, or now in a session, where no confirmation covers it.
    unconfirmed_session: datetime | None = None


@dataclass(slots=True, kw_only=True)
class LiveTrading:
    """Shows and confirms live trading.  Without terms, orders trade on paper."""

    terms: LiveTerms | None
    store: LiveStore
    clock: Clock
    #: Returns a time in a session as it is, and for any other one the next opening.
    next_open: Callable[[datetime], datetime]

    def status(self) -> LiveStatus:
        """Return the trading mode by the newest records."""
        if self.terms is None:
            return LiveStatus(mode="paper")
        records, now = self.store.records(self.terms.users), self.clock()
        given, reason = records.confirmation, blocked(records, self.terms, now)
        is_given = given is not None and reason is not DenialReason.LIVE_UNCONFIRMED
        until, opens_at = given.expires_at if given and is_given else None, self.next_open(now)
        return LiveStatus(
            mode="live",
            client_code=self.terms.client_code,
            address=self.terms.address,
            users=self.terms.users,
            confirmed_by=given.actor if given is not None and is_given else None,
            confirmed_until=until,
            blocked=reason,
            unconfirmed_session=opens_at if until is None or until <= opens_at else None,
        )

    def seconds_to_unconfirmed_session(self) -> float | None:
        """Return the seconds to the session that no confirmation covers, 0 in it; None for no such one."""
        opens_at = self.status().unconfirmed_session
        return None if opens_at is None else max(0.0, (opens_at - self.clock()).total_seconds())

    def phrase(self) -> str:
        """Return the words by which live trading is confirmed today.

        Raises:
            InvalidInput: Orders trade on paper.
        """
        return self._needed().phrase(self.clock().astimezone(IST).date())

    def confirm(self, phrase: str, actor: str) -> LiveStatus:
        """Let the accounts of the list trade live until midnight in India.

        A second call confirms again, with an audit entry of its own.

        Raises:
            InvalidInput: Orders trade on paper, or the words are other ones; nothing is confirmed.
        """
        terms, expected = self._needed(), self.phrase()
        if phrase.strip() != expected:
            raise InvalidInput(
                f"the words must be exactly: {expected}", field="phrase", value=phrase[:40]
            )
        self.store.confirm(terms, _midnight(self.clock()), actor)
        log.warning("live_trading.confirmed", actor=actor, client_code=terms.client_code)
        return self.status()

    def withdraw(self, actor: str) -> LiveStatus:
        """Let no further order go to the exchange; orders that rest there stay.

        A second call changes nothing but the audit.

        Raises:
            InvalidInput: Orders trade on paper.
        """
        terms = self._needed()
        self.store.withdraw(terms, actor)
        log.warning("live_trading.withdrawn", actor=actor, client_code=terms.client_code)
        return self.status()

    def _needed(self) -> LiveTerms:
        if self.terms is None:
            raise InvalidInput("ANGEL_X_TRADING_MODE must be live, was paper")
        return self.terms


class TradingRuns:
    """Records when this process began and stopped, so that the next start knows how it ended."""

    def __init__(self, store: LiveStore, terms: LiveTerms | None, node: str) -> None:
        self._store = store
        self._terms = terms
        self._node = node
        self._number: int | None = None

    def begin(self) -> None:
        """Record the start, once.

        After a run that was not stopped in order, and where orders are on their way to the broker, no
        order goes to the exchange before a reconciliation has found no difference.
        """
        if self._number is not None:
            return
        mode: TradingMode = "paper" if self._terms is None else "live"
        code = None if self._terms is None else self._terms.client_code
        self._number, is_clean = self._store.begin_run(mode, code, self._node)
        if mode == "live":
            log.warning(
                "live_trading.started", client_code=code, awaits_reconciliation=not is_clean
            )

    def end(self) -> None:
        """Record the stop; without a start nothing is recorded."""
        if self._number is not None:
            self._store.end_run(self._number)
            self._number = None


def _midnight(now: datetime) -> datetime:
    """Return the end of the day in India, when the broker ends all sessions."""
    tomorrow = now.astimezone(IST).date() + timedelta(days=1)
    return datetime.combine(tomorrow, datetime.min.time(), IST).astimezone(now.tzinfo)
