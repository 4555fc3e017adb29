from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from angel_x.domain.exchange.charges import ChargeItems
from angel_x.domain.orders.order import OrderStatus, Product, Side
from angel_x.domain.records.contract_note import (
    ContractNote,
    NoteFill,
    NoteOrder,
    NoteSettlement,
)
from angel_x.domain.records.shadow_report import ShadowRow, SideRow, write_report
from angel_x.domain.records.statement import TradeRecord
from angel_x.entrypoints.desk.views import shadow
from angel_x.entrypoints.desk.views.day import (
    FIGURES,
    FILLS,
    ORDERS,
    SETTLEMENTS,
    TRADES,
    day_bounds,
    day_figures,
    fill_rows,
    order_rows,
    settlement_rows,
    trade_rows,
)
from angel_x.entrypoints.desk.views.table import Row
from angel_x.entrypoints.desk.views.words import NONE
from tests.fakes.desk_api import NOW

SYMBOL = "NIFTY_25AUG26_24050CE"
MINUS = "\N{MINUS SIGN}"
CHARGES = ChargeItems(
    brokerage=Decimal("20.00"),
    gst=Decimal("3.60"),
    rounding=Decimal("0.01"),
    total=Decimal("23.61"),
)


@pytest.fixture
def note() -> ContractNote:
    fill = NoteFill(
        execution_id="x-1",
        order_id="17",
        client_order_id="mine",
        symbol=SYMBOL,
        side=Side.BUY,
        quantity=65,
        price=Decimal("198.50"),
        value=Decimal("12902.50"),
        at=NOW,
        charges=CHARGES,
    )
    order = NoteOrder(
        order_id="17",
        client_order_id="mine",
        symbol=SYMBOL,
        side=Side.BUY,
        quantity=65,
        average_price=Decimal("198.5000"),
        value=Decimal("12902.50"),
        charges=CHARGES,
    )
    settled = NoteSettlement(
        symbol=SYMBOL,
        product=Product.NORMAL,
        quantity=-65,
        index_price=Decimal("24100.00"),
        price=Decimal("50.00"),
        value=Decimal("-3250.00"),
        charges=ChargeItems(),
    )
    return ContractNote(
        date=date(2026, 8, 25),
        account="demo",
        fills=(fill,),
        orders=(order,),
        settlements=(settled,),
        premium_bought=Decimal("12902.50"),
        premium_sold=Decimal(0),
        settled=Decimal("-3250.00"),
        charges=CHARGES,
        booked_charges=Decimal("23.61"),
        net_amount=Decimal("-16176.11"),
    )


TRADE = TradeRecord(
    id="5",
    symbol=SYMBOL,
    side=Side.SELL,
    quantity=65,
    entry_price=Decimal("200.00"),
    exit_price=Decimal("198.50"),
    realised_pnl=Decimal("97.50"),
    closed_at=NOW,
)


def texts(row: Row) -> list[str]:
    return [each if isinstance(each, str) else each[0] for each in row.cells]


def test_the_sums_of_a_day_are_those_of_its_note_and_trades(note: ContractNote) -> None:
    shown = {name: text.text for name, text in day_figures(note, [TRADE, TRADE]).items()}

    assert shown == {
        "realised": "▲ +₹195.00",
        "bought": "₹12,902.50",
        "sold": "₹0.00",
        "settled": f"{MINUS}₹3,250.00",
        "charges": "₹23.61",
        "net": f"▼ {MINUS}₹16,176.11",
    }
    assert set(shown) == {name for name, _, _ in FIGURES}


def test_trades_orders_fills_and_settlements_are_rows(note: ContractNote) -> None:
    (trade,), (order,) = trade_rows([TRADE]), order_rows(note)
    (fill,), (settled,) = fill_rows(note), settlement_rows(note)

    assert texts(trade) == ["10:30:00", SYMBOL, "▼ SELL", "65", "200.00", "198.50", "▲ +₹97.50"]
    assert texts(order)[:5] == [SYMBOL, "▲ BUY", "65", "198.50", "12,902.50"]
    assert texts(order)[5:] == [
        *("20.00", "0.00", "0.00", "0.00", "0.00", "0.00", "3.60", "0.01", "23.61")
    ]
    assert texts(fill)[-2:] == ["17", "23.61"]
    assert texts(settled)[2] == f"{MINUS}65"
    rows = ((TRADES, trade), (ORDERS, order), (FILLS, fill), (SETTLEMENTS, settled))
    assert [len(columns) for columns, _ in rows] == [len(row.cells) for _, row in rows]


def test_a_day_is_that_of_india() -> None:
    begins, ends = day_bounds(date(2026, 8, 25))

    assert begins == datetime(2026, 8, 24, 18, 30, tzinfo=UTC)
    assert ends == datetime(2026, 8, 25, 18, 30, tzinfo=UTC)


def side_row(status: OrderStatus, filled: int, value: str, reason: str | None = None) -> SideRow:
    at = NOW + timedelta(seconds=1.5) if filled else None
    return SideRow(
        status=status,
        reason=reason,
        filled_quantity=filled,
        traded_value=Decimal(value),
        filled_at=at,
    )


def shadow_row(number: int, live: SideRow, paper: SideRow) -> ShadowRow:
    return ShadowRow(
        order_id=number,
        client_order_id=f"mine-{number}",
        account="demo",
        symbol=SYMBOL,
        side=Side.BUY,
        quantity=65,
        accepted_at=NOW,
        live=live,
        paper=paper,
    )


def test_live_orders_are_rows_beside_their_paper_twins_with_what_live_has_lost() -> None:
    filled, rejected = OrderStatus.FILLED, OrderStatus.REJECTED
    report = write_report(
        NOW.date(),
        [
            shadow_row(1, side_row(filled, 65, "6532.50"), side_row(filled, 65, "6500.00")),
            shadow_row(2, side_row(rejected, 0, "0", "RMS"), side_row(filled, 65, "6500.00")),
        ],
    )

    both, refused = shadow.order_rows(report)

    assert [both.id, refused.id] == ["1", "2"]
    assert texts(both) == [
        *("10:30:00", SYMBOL, "▲ BUY", "65"),
        *("filled", "65", "100.50", "1.5"),
        *("filled", "65", "100.00", "1.5"),
        f"▼ {MINUS}₹32.50",
    ]
    assert texts(refused)[4:8] == ["rejected", "0", NONE, NONE]
    assert refused.cells[4] == ["rejected", "", "RMS"]
    assert texts(refused)[-1] == NONE
    assert len(shadow.ORDERS) == len(both.cells) == len(refused.cells)
    assert shadow.summary(report).text == (
        f"▼ {MINUS}₹32.50 over 65 units of 1 orders; 0 traded live only, 1 on paper only"
    )
