"""Trades and the contract note of a day of the market."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from angel_x.domain.calendar.session import IST
from angel_x.domain.exchange.charges import ChargeItems
from angel_x.domain.records.contract_note import ContractNote
from angel_x.domain.records.statement import TradeRecord
from angel_x.entrypoints.desk.views.orders import side_text
from angel_x.entrypoints.desk.views.table import Cell, Column, Row, cell
from angel_x.entrypoints.desk.views.words import (
    Text,
    change,
    clock,
    money,
    price,
    signed_units,
    units,
)

TRADES = (
    Column(name="at", label="Closed", title="Time in India", is_text=True, is_vital=False),
    Column(name="symbol", label="Contract", is_text=True),
    Column(name="side", label="Opened by", is_text=True),
    Column(name="quantity", label="Units"),
    Column(name="entry", label="Entry", title="Rupees a unit"),
    Column(name="exit", label="Exit", title="Rupees a unit"),
    Column(name="realised", label="Realised", title="By average cost, before charges"),
)
_CHARGES = (
    Column(name="brokerage", label="Brokerage", is_vital=False),
    Column(name="stt", label="STT", title="Securities transaction tax", is_vital=False),
    Column(name="transaction", label="Exchange", title="Transaction charge", is_vital=False),
    Column(name="sebi", label="SEBI", title="Fee of the regulator", is_vital=False),
    Column(name="investor", label="IPFT", title="Investor protection fund", is_vital=False),
    Column(name="stamp", label="Stamp", title="Stamp duty", is_vital=False),
    Column(name="gst", label="GST", is_vital=False),
    Column(name="rounding", label="Rounding", title="So that items add up", is_vital=False),
    Column(name="charges", label="Charges"),
)
ORDERS = (
    Column(name="symbol", label="Contract", is_text=True),
    Column(name="side", label="Side", is_text=True),
    Column(name="quantity", label="Units"),
    Column(name="average", label="Average", title="Rupees a unit"),
    Column(name="value", label="Value", title="Rupees"),
    *_CHARGES,
)
FILLS = (
    Column(name="at", label="At", title="Time in India", is_text=True),
    Column(name="symbol", label="Contract", is_text=True),
    Column(name="side", label="Side", is_text=True),
    Column(name="quantity", label="Units"),
    Column(name="price", label="Price", title="Rupees a unit"),
    Column(name="value", label="Value", title="Rupees"),
    Column(name="order", label="Order", is_text=True, is_vital=False),
    Column(name="charges", label="Charges"),
)
SETTLEMENTS = (
    Column(name="symbol", label="Contract", is_text=True),
    Column(name="product", label="Product", is_text=True, is_vital=False),
    Column(name="quantity", label="Units", title="Negative where the account was short"),
    Column(name="index", label="Index"),
    Column(name="price", label="Price", title="Intrinsic value of one unit"),
    Column(name="value", label="Value", title="Negative where paid"),
    Column(name="charges", label="Charges"),
)
#: Name, label and meaning.
FIGURES = (
    ("realised", "Realised", "Of the round trips closed on the day, before charges"),
    ("bought", "Premium bought", ""),
    ("sold", "Premium sold", ""),
    ("settled", "Settled", "Received for expired positions, negative where paid"),
    ("charges", "Charges", "As booked in the ledger"),
    ("net", "Net amount", "Received by the account, negative where it pays"),
)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """Return the times at which a day in India begins and ends."""
    begins = datetime.combine(day, time(), IST)
    return begins, begins + timedelta(days=1)


def day_figures(note: ContractNote, trades: Iterable[TradeRecord]) -> Mapping[str, Text]:
    """Return the texts of :data:`FIGURES`."""
    realised = sum((trade.realised_pnl for trade in trades), Decimal(0))
    return {
        "realised": change(realised),
        "bought": money(note.premium_bought),
        "sold": money(note.premium_sold),
        "settled": money(note.settled),
        "charges": money(note.booked_charges),
        "net": change(note.net_amount),
    }


def trade_rows(trades: Iterable[TradeRecord]) -> list[Row]:
    return [
        Row(
            id=trade.id,
            cells=(
                cell(clock(trade.closed_at), trade.closed_at.timestamp()),
                trade.symbol,
                cell(side_text(trade.side)),
                cell(units(trade.quantity), trade.quantity),
                _rupees(trade.entry_price),
                _rupees(trade.exit_price),
                cell(change(trade.realised_pnl), float(trade.realised_pnl)),
            ),
        )
        for trade in trades
    ]


def order_rows(note: ContractNote) -> list[Row]:
    return [
        Row(
            id=order.order_id,
            cells=(
                order.symbol,
                cell(side_text(order.side)),
                cell(units(order.quantity), order.quantity),
                _rupees(order.average_price),
                _rupees(order.value),
                *_items(order.charges),
            ),
        )
        for order in note.orders
    ]


def fill_rows(note: ContractNote) -> list[Row]:
    return [
        Row(
            id=fill.execution_id,
            cells=(
                cell(clock(fill.at), fill.at.timestamp()),
                fill.symbol,
                cell(side_text(fill.side)),
                cell(units(fill.quantity), fill.quantity),
                _rupees(fill.price),
                _rupees(fill.value),
                fill.order_id,
                _rupees(fill.charges.total),
            ),
        )
        for fill in note.fills
    ]


def settlement_rows(note: ContractNote) -> list[Row]:
    return [
        Row(
            id=f"{settled.symbol} {settled.product}",
            cells=(
                settled.symbol,
                settled.product.value,
                cell(signed_units(settled.quantity), settled.quantity),
                _rupees(settled.index_price),
                _rupees(settled.price),
                cell(change(settled.value), float(settled.value)),
                _rupees(settled.charges.total),
            ),
        )
        for settled in note.settlements
    ]


def _items(charges: ChargeItems) -> tuple[Cell, ...]:
    items = (
        charges.brokerage,
        charges.stt,
        charges.transaction,
        charges.sebi,
        charges.investor_protection,
        charges.stamp,
        charges.gst,
        charges.rounding,
        charges.total,
    )
    return tuple(map(_rupees, items))


def _rupees(amount: Decimal) -> Cell:
    return cell(price(amount), float(amount))
