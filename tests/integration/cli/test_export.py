"""Exports: every row of the account and of no other, whatever their number."""

from __future__ import annotations

import csv
import io
import json
import sys
import tracemalloc
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from pathlib import Path

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Side
from angel_x.domain.records.export import ExportFormat, ExportKind
from angel_x.errors import FormatUnavailable
from tests.builders.orders import Market

MANY = 50_000
FILLS = f"""
INSERT INTO fills (execution_id, order_id, user_id, symbol, side, quantity, price)
SELECT 'made ' || n, (SELECT min(id) FROM orders), %s, 'X', 'BUY', 65, 1
FROM generate_series(1, {MANY}) AS n
"""


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def exported(market: Market, user: int, kind: ExportKind) -> list[dict[str, str]]:
    written = file_of(market, user, kind, ExportFormat.CSV)
    return list(csv.DictReader(io.StringIO(written.decode())))


def file_of(market: Market, user: int, kind: ExportKind, form: ExportFormat) -> bytes:
    written = io.BytesIO()
    market.application.people.exports.write(user, kind, form, written)
    return written.getvalue()


def trade(market: Market, user: int, side: Side, lots: int) -> None:
    (accepted,) = market.accept(user, market.request(side, quantity=65 * lots))
    market.application.trading.execution.run([accepted.order_id])


def test_every_kind_has_the_rows_of_the_account_and_of_no_other(market: Market) -> None:
    user, stranger = market.account(), market.account("stranger")
    for side, lots in ((Side.BUY, 2), (Side.SELL, 1)):
        trade(market, user, side, lots)
    trade(market, stranger, Side.BUY, 9)

    rows = {kind: exported(market, user, kind) for kind in ExportKind}

    assert {kind.value: len(found) for kind, found in rows.items()} == {
        "trades": 1, "fills": 2, "orders": 2, "ledger": 2 + 3 + 4, "positions": 1,
        "greeks": 0,
    }  # fmt: skip
    (position,) = rows[ExportKind.POSITIONS]
    assert (position["quantity"], position["average_price"]) == ("65", "100.5000")
    assert [order["status"] for order in rows[ExportKind.ORDERS]] == ["filled", "filled"]
    assert rows[ExportKind.TRADES][0]["realised_pnl"] == "-32.50"
    assert rows[ExportKind.FILLS][0]["at"].endswith("+00")
    for kind, found in rows.items():
        document = json.loads(file_of(market, user, kind, ExportFormat.JSON))
        (name, listed), *others = document.items()
        assert (name, len(listed), others) == (kind.value, len(found), [])


@pytest.mark.parametrize("form", [ExportFormat.PARQUET, ExportFormat.ARROW])
def test_columnar_files_have_the_same_rows_with_decimal_money(
    market: Market, form: ExportFormat
) -> None:
    arrow = pytest.importorskip("pyarrow", reason="the extra arrow is not installed")
    user = market.account()
    for side, lots in ((Side.BUY, 2), (Side.SELL, 1)):
        trade(market, user, side, lots)
    if form is ExportFormat.PARQUET:
        read = import_module("pyarrow.parquet").read_table
    else:
        read = import_module("pyarrow.feather").read_table

    for kind in ExportKind:
        table = read(arrow.BufferReader(file_of(market, user, kind, form)))
        texts = exported(market, user, kind)
        assert table.num_rows == len(texts)
        assert not texts or table.column_names == list(texts[0])
    fills = read(arrow.BufferReader(file_of(market, user, ExportKind.FILLS, form))).to_pylist()
    assert [fill["price"] for fill in fills] == [Decimal("100.5000"), Decimal("100.0000")]
    assert fills[0]["at"].utcoffset() == timedelta(0)


def test_a_format_without_its_library_is_refused_with_the_remedy(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(FormatUnavailable, match=r"parquet needs pyarrow: install angel-x\[arrow\]"):
        file_of(market, market.account(), ExportKind.FILLS, ExportFormat.PARQUET)


def test_memory_does_not_grow_with_the_number_of_rows(market: Market, tmp_path: Path) -> None:
    user = market.account()
    trade(market, user, Side.BUY, 1)
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(FILLS, (user,))
    path = tmp_path / "fills.csv"

    tracemalloc.start()
    with path.open("wb") as file:
        market.application.people.exports.write(user, ExportKind.FILLS, ExportFormat.CSV, file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    with path.open(encoding="utf-8") as file:
        assert sum(1 for _ in file) == MANY + 2
    assert peak < 2_000_000 < path.stat().st_size
