"""Live orders beside their paper twins: differences and totals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from angel_x.domain.orders.order import OrderStatus, Side
from angel_x.domain.records.shadow_report import ShadowRow, SideRow, write_report

AT = datetime(2026, 8, 19, 4, tzinfo=UTC)
DAY = date(2026, 8, 19)


def side(units: int, price: str = "0", *, seconds: float = 2.0) -> SideRow:
    return SideRow(
        status=OrderStatus.FILLED if units else OrderStatus.WORKING,
        reason=None,
        filled_quantity=units,
        traded_value=units * Decimal(price),
        filled_at=AT + timedelta(seconds=seconds) if units else None,
    )


def row(live: SideRow, paper: SideRow, *, of: Side = Side.BUY) -> ShadowRow:
    return ShadowRow(
        order_id=1,
        client_order_id="one",
        account="asha",
        symbol="NIFTY_25AUG26_24000CE",
        side=of,
        quantity=130,
        accepted_at=AT,
        live=live,
        paper=paper,
    )


def test_a_difference_is_positive_where_live_paid_more_or_received_less() -> None:
    dear, cheap = side(130, "100.55"), side(130, "100.50")

    pairs = [(dear, cheap, Side.BUY), (dear, cheap, Side.SELL), (cheap, dear, Side.SELL)]
    report = write_report(DAY, [row(live, paper, of=of) for live, paper, of in pairs])

    assert [o.slippage for o in report.orders] == [
        Decimal("6.50"),
        Decimal("-6.50"),
        Decimal("6.50"),
    ]
    assert (report.totals.slippage, report.totals.slippage_per_unit) == (
        Decimal("6.50"),
        Decimal("0.0167"),
    )


def test_only_units_that_both_have_traded_are_compared() -> None:
    partial = row(side(65, "100.60", seconds=0.5), side(130, "100.50"))
    live_only, paper_only = row(side(130, "99"), side(0)), row(side(0), side(130, "99"))

    report = write_report(DAY, [partial, live_only, paper_only, row(side(0), side(0))])

    (first, *others), totals = report.orders, report.totals
    assert (first.compared_quantity, first.slippage) == (65, Decimal("6.50"))
    assert [o.slippage for o in others] == [None] * 3
    assert (first.live.average_price, first.live.seconds_to_fill) == (Decimal("100.6000"), 0.5)
    assert (others[0].paper.average_price, others[0].paper.seconds_to_fill) == (None, None)
    counts = totals.traded_on_both, totals.traded_live_only, totals.traded_on_paper_only
    assert (totals.orders, *counts, totals.compared_quantity) == (4, 1, 1, 1, 65)
    assert totals.slippage_per_unit == Decimal("0.1000")


def test_a_day_without_orders_has_no_slippage_a_unit() -> None:
    totals = write_report(DAY, []).totals

    assert (totals.orders, totals.slippage, totals.slippage_per_unit) == (0, Decimal(0), None)
