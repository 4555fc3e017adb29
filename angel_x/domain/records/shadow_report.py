"""Live orders beside their paper twins: fills, prices, times, and the difference in rupees.

A difference is positive where live was worse: it has paid more, or received less.  It compares the
units that both have traded, at the average price of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from angel_x.domain.orders.order import OrderStatus, Side
from angel_x.domain.values.money import ZERO, to_paisa

#: Places of an average price.
_AVERAGE = Decimal("0.0001")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowSide:
    """The order at the exchange, or its twin on paper."""

    status: OrderStatus
    reason: str | None
    filled_quantity: int
    #: Rupees a unit over all fills; None before the first.
    average_price: Decimal | None
    #: Seconds from the acceptance of the order to its last fill; None before the first.
    seconds_to_fill: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowOrder:
    """An order that was sent to the exchange, and its twin."""

    order_id: str
    client_order_id: str
    account: str
    symbol: str
    side: Side
    quantity: int
    accepted_at: datetime
    live: ShadowSide
    paper: ShadowSide
    #: Units that both have traded.
    compared_quantity: int
    #: Rupees; None where either has not traded.
    slippage: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowTotals:
    """Sums over the orders of a report."""

    orders: int
    #: Orders that have traded on both sides, live only, and on paper only.
    traded_on_both: int
    traded_live_only: int
    traded_on_paper_only: int
    compared_quantity: int
    #: Rupees.
    slippage: Decimal
    #: Rupees a compared unit, to four places; None without any.
    slippage_per_unit: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowReport:
    """The orders of a day in India that have a twin, the newest first."""

    date: date
    orders: tuple[ShadowOrder, ...]
    totals: ShadowTotals


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRow:
    """The stored state of one side."""

    status: OrderStatus
    reason: str | None
    filled_quantity: int
    #: Rupees over all fills, exact.
    traded_value: Decimal
    filled_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowRow:
    """The stored state of an order and its twin."""

    order_id: int
    client_order_id: str
    account: str
    symbol: str
    side: Side
    quantity: int
    accepted_at: datetime
    live: SideRow
    paper: SideRow


def write_report(day: date, rows: Sequence[ShadowRow]) -> ShadowReport:
    """Return the report of a day from its rows, in their order."""
    orders = tuple(map(_compared, rows))
    return ShadowReport(date=day, orders=orders, totals=_totals(orders))


def _compared(row: ShadowRow) -> ShadowOrder:
    units = min(row.live.filled_quantity, row.paper.filled_quantity)
    return ShadowOrder(
        order_id=str(row.order_id),
        client_order_id=row.client_order_id,
        account=row.account,
        symbol=row.symbol,
        side=row.side,
        quantity=row.quantity,
        accepted_at=row.accepted_at,
        live=_side(row.live, row.accepted_at),
        paper=_side(row.paper, row.accepted_at),
        compared_quantity=units,
        slippage=_slippage(row, units) if units else None,
    )


def _slippage(row: ShadowRow, units: int) -> Decimal:
    live, paper = (side.traded_value / side.filled_quantity for side in (row.live, row.paper))
    return to_paisa(row.side.sign * (live - paper) * units)


def _side(row: SideRow, accepted_at: datetime) -> ShadowSide:
    traded = row.filled_quantity > 0
    return ShadowSide(
        status=row.status,
        reason=row.reason,
        filled_quantity=row.filled_quantity,
        average_price=_per_unit(row.traded_value, row.filled_quantity),
        seconds_to_fill=(row.filled_at - accepted_at).total_seconds()
        if traded and row.filled_at is not None
        else None,
    )


def _totals(orders: Sequence[ShadowOrder]) -> ShadowTotals:
    traded = [(o.live.filled_quantity > 0, o.paper.filled_quantity > 0) for o in orders]
    units = sum(order.compared_quantity for order in orders)
    slippage = sum((o.slippage for o in orders if o.slippage is not None), ZERO)
    return ShadowTotals(
        orders=len(orders),
        traded_on_both=traded.count((True, True)),
        traded_live_only=traded.count((True, False)),
        traded_on_paper_only=traded.count((False, True)),
        compared_quantity=units,
        slippage=slippage,
        slippage_per_unit=_per_unit(slippage, units),
    )


def _per_unit(value: Decimal, units: int) -> Decimal | None:
    return (value / units).quantize(_AVERAGE) if units else None
