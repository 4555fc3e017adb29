"""Opening positions and cash: stored whole or not at all, and true to every proof of the books."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from angel_x.adapters.opening_files import read_openings
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Side
from angel_x.domain.portfolios.pnl import PnlGroup
from angel_x.errors import InvalidOpenings
from tests.builders.orders import Market


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def load(market: Market, user: int, path: Path, *rows: str) -> Any:
    path.write_text("\n".join(["symbol,product,quantity,average_price", *rows]))
    return market.application.trading.openings.load(user, read_openings(path), path.name, "cli:me")


def state(market: Market) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [
            tuple(row)
            for table in ("users", "positions", "exposures", "ledger_entries", "openings", "audit_entries")
            for row in connection.exec_driver_sql(f"SELECT * FROM {table}")
        ]  # fmt: skip


def test_an_imported_book_trades_on_and_agrees_with_its_history(
    market: Market, tmp_path: Path
) -> None:
    app, user = market.application, market.account(cash="0")
    call, put = market.symbols[0], market.symbols[1]
    before = app.base.clock()

    found = load(market, user, tmp_path / "book.csv", f"{call},,-130,101.5", f"{put},MIS,65,90.05",
                 "CASH,,,1000000")  # fmt: skip
    (accepted,) = market.accept(user, market.request(Side.BUY, call, quantity=65))
    app.trading.execution.run([accepted.order_id])

    assert (found.positions, found.cash) == (2, "1000000.00")
    assert Decimal(found.margin_used) > 0
    market.assert_invariants()
    assert app.operations.rebuild.check().ok
    held = {p.symbol: (p.quantity, p.cost) for p in app.people.reading.positions(user)}
    assert held == {call: (-65, Decimal("-6597.50")), put: (65, Decimal("5853.25"))}
    # Sold at 101.50 elsewhere, bought back at the ask; opening positions pay no charges here.
    report = app.people.profit.of(user, PnlGroup.UNDERLYING)
    assert report.total.realised_fifo == report.total.realised_average_cost == 65
    assert 0 < report.total.charges < 60
    audited = [row for row in state(market) if "book.opened" in row]
    assert [row[-1] for row in audited] == [{"positions": 2, "cash": "1000000.00"}]
    then = app.people.past.of(user, app.base.clock())
    assert {p.symbol: p.quantity for p in then.positions} == {call: -65, put: 65}
    assert app.people.past.of(user, before).positions == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            "NIFTY_25AUG26_1CE,,65,90",
            "row 3, symbol: must be a listed contract, was NIFTY_25AUG26_1CE",
        ),
        ("{put},,64,90", "row 3, quantity: must be lots of 65 units, .*was 64"),
        ("{held},MIS,65,90", "row 3, symbol: the account must not hold it or have orders in it"),
    ],
)
def test_a_file_with_one_wrong_row_changes_nothing(
    market: Market, tmp_path: Path, row: str, reason: str
) -> None:
    user, held = market.account(), market.symbols[2]
    (accepted,) = market.accept(user, market.request(Side.BUY, held))
    market.application.trading.execution.run([accepted.order_id])
    before = state(market)
    wrong = row.format(put=market.symbols[1], held=held)

    with pytest.raises(InvalidOpenings, match=f"book.csv, {reason}"):
        load(market, user, tmp_path / "book.csv", f"{market.symbols[0]},,65,90", wrong, "CASH,,,5")

    assert state(market) == before
