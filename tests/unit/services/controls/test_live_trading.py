"""Live trading for operators: its state, its confirmation, and what a start knows of the one before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.orders.denial import DenialReason
from angel_x.entrypoints.presentation.live import mode_sentence, mode_words
from angel_x.errors import InvalidInput
from angel_x.services.controls.live_trading import LiveTrading, TradingRuns
from config.market import table
from tests.builders.live import NOW, TERMS, MemoryLive

CALENDAR = TradingCalendar.from_table(table("sessions"))
PHRASE = "trade live as A12345 on 30-11-2026"
#: Midnight in India.
MIDNIGHT = datetime(2026, 11, 30, 18, 30, tzinfo=UTC)


@pytest.fixture
def store() -> MemoryLive:
    return MemoryLive()


@pytest.fixture
def trading(store: MemoryLive) -> LiveTrading:
    return LiveTrading(
        terms=TERMS, store=store, clock=lambda: store.now, next_open=CALENDAR.next_open
    )


def begun(store: MemoryLive) -> TradingRuns:
    runs = TradingRuns(store, TERMS, "here")
    runs.begin()
    return runs


def test_on_paper_nothing_is_read_and_nothing_confirmed(store: MemoryLive) -> None:
    paper = LiveTrading(terms=None, store=store, clock=lambda: NOW, next_open=CALENDAR.next_open)

    assert (paper.status().mode, paper.status().blocked, store.reads) == ("paper", None, 0)
    assert mode_words(paper.status()) == "paper"
    assert mode_sentence(paper.status()).startswith("PAPER")
    for change in (lambda: paper.confirm(PHRASE, "x"), lambda: paper.withdraw("x"), paper.phrase):
        with pytest.raises(InvalidInput, match="must be live, was paper"):
            change()
    assert store.audit == []


def test_a_confirmation_needs_the_words_and_ends_at_midnight_in_india(
    store: MemoryLive, trading: LiveTrading
) -> None:
    begun(store)
    store.reconciled_at = NOW
    for words in ("", "yes", PHRASE.upper(), PHRASE.replace("30-11", "29-11")):
        with pytest.raises(InvalidInput, match="the words must be exactly"):
            trading.confirm(words, "cli:asha")
    assert (store.audit, trading.status().blocked) == ([], DenialReason.LIVE_UNCONFIRMED)

    found = trading.confirm(f" {PHRASE}\n", "cli:asha")

    assert (found.blocked, found.confirmed_by, found.confirmed_until) == (
        None,
        "cli:asha",
        MIDNIGHT,
    )
    store.now = MIDNIGHT
    assert trading.status().blocked is DenialReason.LIVE_UNCONFIRMED
    assert trading.phrase() == "trade live as A12345 on 01-12-2026"


def test_each_session_needs_a_confirmation_of_its_day(
    store: MemoryLive, trading: LiveTrading
) -> None:
    begun(store)
    store.reconciled_at = NOW
    assert trading.status().unconfirmed_session == NOW, "in a session that nobody has confirmed"
    assert trading.seconds_to_unconfirmed_session() == 0

    trading.confirm(PHRASE, "cli:asha")
    assert trading.status().unconfirmed_session is None
    assert trading.seconds_to_unconfirmed_session() is None
    assert "not confirmed" not in mode_words(trading.status())

    store.now = datetime(2026, 11, 30, 11, 0, tzinfo=UTC)
    opens_at = datetime(2026, 12, 1, 3, 45, tzinfo=UTC)
    assert trading.status().blocked is None
    assert trading.status().unconfirmed_session == opens_at
    assert trading.seconds_to_unconfirmed_session() == (opens_at - store.now).total_seconds()
    assert mode_words(trading.status()).endswith(
        "IST; not confirmed for the session of 01 Dec, 09:15 IST"
    )

    store.now = MIDNIGHT
    trading.confirm(PHRASE.replace("30-11", "01-12"), "cli:asha")
    assert trading.status().unconfirmed_session is None


def test_on_paper_no_session_needs_a_confirmation(store: MemoryLive) -> None:
    paper = LiveTrading(terms=None, store=store, clock=lambda: NOW, next_open=CALENDAR.next_open)

    assert paper.seconds_to_unconfirmed_session() is None


def test_a_withdrawal_ends_the_confirmation(store: MemoryLive, trading: LiveTrading) -> None:
    begun(store)
    trading.confirm(PHRASE, "cli:asha")

    found = trading.withdraw("cli:ravi")

    assert (found.blocked, found.confirmed_until) == (DenialReason.LIVE_UNCONFIRMED, None)
    assert store.audit == ["confirmed", "withdrawn"]


def test_a_start_after_one_that_was_stopped_in_order_needs_no_reconciliation(
    store: MemoryLive, trading: LiveTrading
) -> None:
    trading.confirm(PHRASE, "cli:asha")
    first = begun(store)
    assert trading.status().blocked is DenialReason.LIVE_UNRECONCILED
    first.end()

    second = begun(store)
    assert trading.status().blocked is None
    second.begin()
    begun(store)

    assert trading.status().blocked is DenialReason.LIVE_UNRECONCILED


def test_paper_between_two_live_runs_asks_for_a_reconciliation(
    store: MemoryLive, trading: LiveTrading
) -> None:
    trading.confirm(PHRASE, "cli:asha")
    begun(store).end()
    paper = TradingRuns(store, None, "here")
    paper.begin()
    paper.end()

    begun(store)

    assert trading.status().blocked is DenialReason.LIVE_UNRECONCILED


def test_operators_read_who_trades_where_and_others_only_the_mode(
    store: MemoryLive, trading: LiveTrading
) -> None:
    begun(store)
    store.reconciled_at = NOW
    blocked = trading.status()
    open_ = trading.confirm(PHRASE, "cli:asha")

    assert mode_sentence(blocked).endswith("no order goes there now: LIVE_UNCONFIRMED")
    assert mode_sentence(open_) == (
        "LIVE: orders trade with money, as A12345 at apiconnect.angelone.in; accounts: asha, ravi; "
        "confirmed until 01 Dec, 00:00 IST"
    )
    assert mode_words(open_) == "live, confirmed until 01 Dec, 00:00 IST"
