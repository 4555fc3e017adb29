"""Live orders of a day beside their paper twins."""

from __future__ import annotations

from angel_x.domain.records.shadow_report import ShadowOrder, ShadowReport, ShadowSide
from angel_x.entrypoints.desk.views.orders import side_text
from angel_x.entrypoints.desk.views.table import Cell, Column, Row, cell
from angel_x.entrypoints.desk.views.words import (
    Text,
    change,
    clock,
    decimal,
    price,
    status_words,
    units,
)

ORDERS = (
    Column(name="at", label="At", title="Accepted, time in India", is_text=True),
    Column(name="symbol", label="Contract", is_text=True),
    Column(name="side", label="Side", is_text=True),
    Column(name="quantity", label="Units", is_vital=False),
    Column(name="live", label="Live", is_text=True, is_vital=False),
    Column(name="live_filled", label="Filled live", title="Units", is_vital=False),
    Column(name="live_price", label="Price live", title="Average, rupees a unit"),
    Column(name="live_seconds", label="s", title="Seconds to the last fill live", is_vital=False),
    Column(name="paper", label="Paper", is_text=True, is_vital=False),
    Column(name="paper_filled", label="Filled on paper", title="Units", is_vital=False),
    Column(name="paper_price", label="Price on paper", title="Average, rupees a unit"),
    Column(
        name="paper_seconds", label="s", title="Seconds to the last fill on paper", is_vital=False
    ),
    Column(
        name="advantage",
        label="Live against paper",
        title="Rupees over the units that both have traded, negative where live was worse",
    ),
)


def order_rows(report: ShadowReport) -> list[Row]:
    """Return the rows of :data:`ORDERS`."""
    return [Row(id=order.order_id, cells=_cells(order)) for order in report.orders]


def summary(report: ShadowReport) -> Text:
    """Return the sum over all orders of the day, with what it leaves out."""
    totals = report.totals
    amount = change(-totals.slippage)
    left_out = (
        f"{totals.traded_live_only} traded live only, {totals.traded_on_paper_only} on paper only"
    )
    return Text(
        f"{amount.text} over {units(totals.compared_quantity)} units of"
        f" {totals.traded_on_both} orders; {left_out}",
        amount.tone,
    )


def _cells(order: ShadowOrder) -> tuple[Cell, ...]:
    slippage = order.slippage
    return (
        cell(clock(order.accepted_at), order.accepted_at.timestamp()),
        order.symbol,
        cell(side_text(order.side)),
        cell(units(order.quantity), order.quantity),
        *_side(order.live),
        *_side(order.paper),
        cell(change(None)) if slippage is None else cell(change(-slippage), float(-slippage)),
    )


def _side(side: ShadowSide) -> tuple[Cell, ...]:
    average, seconds = side.average_price, side.seconds_to_fill
    return (
        cell(Text(status_words(side.status.value), title=side.reason or "")),
        cell(units(side.filled_quantity), side.filled_quantity),
        cell(price(average), None if average is None else float(average)),
        cell(decimal(seconds, 1), seconds),
    )
