"""Each condition of live trading lacks once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from angel_x.domain.exchange.live_trading import LiveConfirmation, LiveRecords, TradingRun, refusal
from angel_x.domain.orders.denial import DenialReason
from tests.builders.live import ASHA, NOW, STRANGER, TERMS, passing_records, unclean

UNCONFIRMED, UNRECONCILED = DenialReason.LIVE_UNCONFIRMED, DenialReason.LIVE_UNRECONCILED
ALL = passing_records()


def confirmed(**changes: object) -> LiveRecords:
    terms = replace(TERMS, **changes)  # type: ignore[arg-type]
    return replace(ALL, confirmation=LiveConfirmation(terms, "cli:x", NOW, NOW + timedelta(1)))


def test_with_every_condition_an_account_of_the_list_trades() -> None:
    assert refusal(ALL, TERMS, NOW, ASHA) is None


def test_an_account_outside_of_the_list_trades_under_no_condition() -> None:
    assert refusal(ALL, TERMS, NOW, STRANGER) is DenialReason.LIVE_NOT_ALLOWED


@pytest.mark.parametrize(
    ("records", "reason"),
    [
        (replace(ALL, confirmation=None), UNCONFIRMED),
        (confirmed(client_code="B2"), UNCONFIRMED),
        (confirmed(address="127.0.0.1:9000"), UNCONFIRMED),
        (confirmed(users=("asha",)), UNCONFIRMED),
        (
            replace(ALL, confirmation=LiveConfirmation(TERMS, "cli:x", NOW, expires_at=None)),
            UNCONFIRMED,
        ),
        (replace(ALL, confirmation=LiveConfirmation(TERMS, "cli:x", NOW, NOW)), UNCONFIRMED),
        (replace(ALL, run=None), UNRECONCILED),
        (replace(ALL, run=TradingRun("paper", None, NOW, is_clean=True)), UNRECONCILED),
        (replace(ALL, run=TradingRun("live", "B2", NOW, is_clean=True)), UNRECONCILED),
        (unclean(ALL), UNRECONCILED),
    ],
)
def test_no_order_passes_where_one_condition_lacks(
    records: LiveRecords, reason: DenialReason
) -> None:
    assert refusal(records, TERMS, NOW, ASHA) is reason


def test_after_an_unclean_start_a_reconciliation_opens_the_way() -> None:
    assert refusal(replace(unclean(ALL), reconciled_at=NOW), TERMS, NOW, ASHA) is None


def test_the_words_of_a_confirmation_name_the_client_and_the_day() -> None:
    assert TERMS.phrase(date(2026, 11, 30)) == "trade live as A12345 on 30-11-2026"
