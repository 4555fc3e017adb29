"""An account as of a past moment."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from angel_x.domain.orders.order import Side
from angel_x.domain.portfolios.past import PastSnapshot, portfolio_at
from tests.unit.domain.portfolios.test_history import CALL, move

AT = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
MOVES = [move(Side.BUY, 130, "100"), move(Side.SELL, 65, "120")]
CASH = Decimal("994800.00")


def test_positions_are_worth_the_marks_of_the_last_snapshot() -> None:
    snapshot = PastSnapshot(AT, Decimal("15000.00"), {CALL: Decimal("130.25")})

    found = portfolio_at(AT, MOVES, CASH, snapshot)

    (position,) = found.positions
    assert [position.quantity, position.cost, position.average_price] == [65, 6500, 100]
    assert (position.mark, position.mark_source.value) == (Decimal("130.25"), "snapshot")
    assert position.unrealised_pnl == found.unrealised_pnl == Decimal("1966.25")
    assert found.realised_pnl == position.realised_pnl == 1300
    assert found.equity == CASH + 65 * Decimal("130.25")
    assert (found.margin_used, found.snapshot_at) == (Decimal(15000), AT)


def test_a_contract_that_no_snapshot_held_is_worth_its_last_fill() -> None:
    found = portfolio_at(AT, MOVES, CASH, None)

    assert [(int(p.mark), p.mark_source.value) for p in found.positions] == [(120, "fill")]
    assert found.equity == CASH + 65 * 120
    assert (found.margin_used, found.snapshot_at) == (None, None)
