"""The conditions under which orders go to the exchange: terms that a person confirmed, and equal books."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from angel_x.domain.orders.denial import DenialReason

TradingMode = Literal["paper", "live"]


@dataclass(frozen=True, slots=True)
class LiveTerms:
    """The terms of live trading: the client at the broker, the broker's address, and the accounts."""

    client_code: str
    address: str
    #: Names, sorted.
    users: tuple[str, ...]

    def phrase(self, today: date) -> str:
        """Return the words by which a person confirms these terms for a day in India."""
        return f"trade live as {self.client_code} on {today:%d-%m-%Y}"


@dataclass(frozen=True, slots=True)
class LiveConfirmation:
    """A confirmation of terms, or its withdrawal."""

    terms: LiveTerms
    actor: str
    at: datetime
    #: None for a withdrawal.
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class TradingRun:
    """A run of the system, from the start of its relay."""

    mode: TradingMode
    #: None on paper.
    client_code: str | None
    started_at: datetime
    #: Whether the run before was live for the same client, was stopped, and left no order on its way.
    is_clean: bool


@dataclass(frozen=True, slots=True)
class LiveRecords:
    """The newest records of live trading."""

    confirmation: LiveConfirmation | None
    run: TradingRun | None
    #: The newest comparison with the broker's books that found no difference, during this run.
    reconciled_at: datetime | None
    #: Ids of the accounts that trade live.
    user_ids: frozenset[int]


def blocked(records: LiveRecords, terms: LiveTerms, now: datetime) -> DenialReason | None:
    """Return the reason for which no order may go to the exchange, None where orders may."""
    given = records.confirmation
    if given is None or given.terms != terms or given.expires_at is None or given.expires_at <= now:
        return DenialReason.LIVE_UNCONFIRMED
    run = records.run
    if run is None or (run.mode, run.client_code) != ("live", terms.client_code):
        return DenialReason.LIVE_UNRECONCILED
    if not run.is_clean and records.reconciled_at is None:
        return DenialReason.LIVE_UNRECONCILED
    return None


def refusal(
    records: LiveRecords, terms: LiveTerms, now: datetime, user_id: int
) -> DenialReason | None:
    """Return the reason for which no order of an account may go to the exchange."""
    if user_id not in records.user_ids:
        return DenialReason.LIVE_NOT_ALLOWED
    return blocked(records, terms, now)
