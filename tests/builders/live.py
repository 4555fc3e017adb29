"""Records of live trading in memory, and the settings of a system that trades at a fake exchange."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from angel_x.domain.exchange.live_trading import (
    LiveConfirmation,
    LiveRecords,
    LiveTerms,
    TradingMode,
    TradingRun,
)
from tests.builders.broker import Broker

NOW = datetime(2026, 11, 30, 4, 0, tzinfo=UTC)
TERMS = LiveTerms("A12345", "apiconnect.angelone.in", ("asha", "ravi"))
ASHA, RAVI, STRANGER = 1, 2, 3


@dataclass
class MemoryLive:
    """The store of live trading; ``asha`` and ``ravi`` are the accounts 1 and 2."""

    now: datetime = NOW
    confirmation: LiveConfirmation | None = None
    run: TradingRun | None = None
    is_stopped: bool = True
    reconciled_at: datetime | None = None
    reads: int = 0
    audit: list[str] = field(default_factory=list)

    def records(self, users: Sequence[str]) -> LiveRecords:
        self.reads += 1
        ids = {"asha": ASHA, "ravi": RAVI}
        return LiveRecords(
            self.confirmation, self.run, self.reconciled_at, frozenset(ids[name] for name in users)
        )

    def confirm(self, terms: LiveTerms, expires_at: datetime, actor: str) -> None:
        self.confirmation = LiveConfirmation(terms, actor, self.now, expires_at)
        self.audit.append("confirmed")

    def withdraw(self, terms: LiveTerms, actor: str) -> None:
        self.confirmation = LiveConfirmation(terms, actor, self.now, None)
        self.audit.append("withdrawn")

    def begin_run(self, mode: TradingMode, client_code: str | None, node: str) -> tuple[int, bool]:
        last = self.run
        is_clean = (
            last is not None
            and self.is_stopped
            and (last.mode, last.client_code) == (mode, client_code)
        )
        self.run = TradingRun(mode, client_code, self.now, is_clean)
        self.is_stopped = False
        return 1, is_clean

    def end_run(self, number: int) -> None:
        self.is_stopped = True


def passing_records() -> LiveRecords:
    """Return records with which orders of ``asha`` and ``ravi`` go to the exchange."""
    given = LiveConfirmation(TERMS, "cli:asha", NOW, NOW.replace(hour=18, minute=30))
    run = TradingRun("live", TERMS.client_code, NOW, is_clean=True)
    return LiveRecords(given, run, None, frozenset({ASHA, RAVI}))


def unclean(records: LiveRecords) -> LiveRecords:
    """Return records of a run that follows one which was not stopped in order."""
    assert records.run is not None
    return replace(records, run=replace(records.run, is_clean=False))


def live_settings(at_broker: Broker, *users: str) -> dict[str, str]:
    """Return the settings of live trading at a fake exchange."""
    client = at_broker.exchange.sessions.client
    return {
        "trading_mode": "live",
        "live_users": ",".join(users),
        "angel_one_url": at_broker.server.url,
        "angel_one_client_code": client.code,
        "angel_one_api_key": client.api_key,
        "angel_one_pin": client.pin,
        "angel_one_totp_secret": client.totp_secret,
        # Any market trades at a fake exchange of this machine.
        "market_hours": "always",
        "angel_one_timeout_seconds": "60",
        "order_lease_seconds": "240",
    }
