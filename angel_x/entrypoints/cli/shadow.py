"""Live orders beside their paper twins."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import decimals, grouped, ist, price, rupees
from angel_x.entrypoints.presentation.printing import print_json, show, table

if TYPE_CHECKING:
    from angel_x.domain.records.shadow_report import ShadowOrder, ShadowReport, ShadowSide

_COLUMNS = (
    "order", "accepted (IST)", "contract", "side", ">units",
    "live", ">filled", ">price", ">seconds",
    "paper", ">filled", ">price", ">seconds", ">slippage",
)  # fmt: skip


@click.command()
@click.argument("day", type=click.DateTime(["%Y-%m-%d"]), required=False)
@for_user
@click.option("--system", is_flag=True, help="All accounts.")
@as_json
def shadow(day: datetime | None, user: str, *, system: bool, as_json: bool) -> None:
    """Show live orders of a day beside what the paper exchange would have done with them.

    The day is by default today, in India.  Slippage is in rupees for the units that both have traded,
    positive where live was worse.  Needs ANGEL_X_SHADOW while orders trade.
    """
    with application() as app:
        user_id = None if system else app.people.accounts.named(user).id
        report = app.people.shadow.of(user_id, day.date() if day else None)
    if as_json:
        print_json(report)
    else:
        title = f"Live and paper on {report.date:%d %b %Y}, {'all accounts' if system else user}"
        show(table(title, _COLUMNS, map(_cells, report.orders)), _sentence(report))


def _cells(order: ShadowOrder) -> tuple[str, ...]:
    return (
        order.client_order_id,
        ist(order.accepted_at),
        order.symbol,
        order.side.value,
        grouped(order.quantity),
        *_side(order.live),
        *_side(order.paper),
        rupees(order.slippage),
    )


def _side(side: ShadowSide) -> tuple[str, ...]:
    return (
        side.status.value,
        grouped(side.filled_quantity),
        price(side.average_price),
        decimals(side.seconds_to_fill, 1),
    )


def _sentence(report: ShadowReport) -> str:
    totals = report.totals
    per_unit = "" if totals.slippage_per_unit is None else f", {totals.slippage_per_unit} a unit"
    return (
        f"{totals.orders} orders: {totals.traded_on_both} have traded on both sides, "
        f"{totals.traded_live_only} live only, {totals.traded_on_paper_only} on paper only. "
        f"Slippage of {grouped(totals.compared_quantity)} units: {rupees(totals.slippage)}{per_unit}."
    )
