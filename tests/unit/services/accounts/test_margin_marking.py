"""Marking the fleet where nothing is known of the market."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np

from angel_x.domain.book.account import Account
from angel_x.domain.book.marked_account import Fleet, MarkedAccount, StandingAccount
from angel_x.domain.margin.fleet_margin import FleetColumns
from angel_x.domain.margin.losses import NO_LOSSES
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.unit_risk import UnitRisk
from angel_x.domain.values.money import ZERO
from angel_x.services.accounts.margin_marking import MarginMarking
from tests.builders.recorders import RecordingMeter

SYMBOL = "NIFTY_25AUG26_24000CE"
NOW = datetime(2026, 8, 18, 5, tzinfo=UTC)
EMPTY = np.zeros(1, np.int64)


class Store:
    """One account that is short, and the accounts that are saved."""

    def __init__(self) -> None:
        self.saved: list[MarkedAccount] = []

    def read(self) -> Fleet:
        account = Account(1, Decimal(1000), ZERO, Decimal(900))
        columns = FleetColumns(EMPTY, [SYMBOL], EMPTY - 65, EMPTY, EMPTY, EMPTY - 650_000)
        return Fleet([StandingAccount(account, {"NIFTY": Decimal(900)}, None, None)], columns)

    def save(self, accounts: Sequence[MarkedAccount], _at: datetime) -> set[int]:
        self.saved += accounts
        return {account.user_id for account in accounts}

    def note(self, user_id: int, action: str, detail: Mapping[str, str]) -> None:
        raise AssertionError(f"nothing is audited here, was {action} of {user_id}: {detail}")


def marking(store: Store, source: MarginSource) -> MarginMarking:
    def risks(symbols: Collection[str]) -> Mapping[str, UnitRisk]:
        risk = UnitRisk(date(2026, 8, 25), source, NO_LOSSES, 100, 50, price=100)
        return dict.fromkeys(symbols, risk)

    return MarginMarking(
        store=store,
        memo=None,  # type: ignore[arg-type] # whether marking is due is not asked here
        risks=risks,
        spots=dict,
        follow=lambda *_: None,
        follow_stops=lambda *_: None,
        meter=RecordingMeter(),
        clock=lambda: NOW,
        market_clock=lambda: NOW,
        every_seconds=30.0,
        move=Decimal("0.01"),
    )


def test_without_a_single_known_risk_every_account_stays_as_it_was_marked() -> None:
    store = Store()

    assert marking(store, MarginSource.NONE).run() == 0
    assert store.saved == []
    assert marking(store, MarginSource.RISK_ARRAY).run() == 1
    assert [account.user_id for account in store.saved] == [1]
