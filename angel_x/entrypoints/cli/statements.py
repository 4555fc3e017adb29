"""Contract notes, closed trades and the ledger of an account."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import click

from angel_x.domain.calendar.session import IST
from angel_x.domain.portfolios.pnl import PnlGroup
from angel_x.domain.records.statement import Period
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.contract_note import note_page, note_tables
from angel_x.entrypoints.presentation.indian import grouped, ist, price, rupees
from angel_x.entrypoints.presentation.printing import print_json, show, table

_PNL = ("realised_average_cost", "realised_fifo", "charges", "net_average_cost", "net_fifo")
_DAY = click.DateTime(["%Y-%m-%d"])
_limit = click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
_after = click.option("--cursor", help="The `next` of the page before.")


@click.command("contract-note")
@click.argument("day", type=_DAY, required=False)
@for_user
@click.option("--html", type=click.Path(path_type=Path), help="Write a page to print to this file.")
@as_json
def contract_note(day: datetime | None, user: str, html: Path | None, *, as_json: bool) -> None:
    """Show trades and settlements of an account on a day of the market, with charges by item.

    The day is by default today, in India.
    """
    with application() as app:
        wanted = day or app.base.market_clock().astimezone(IST)
        note = app.people.notes.of(app.people.accounts.named(user).id, wanted.date())
    if html is not None:
        html.write_text(note_page(note), encoding="utf-8")
        show(f"The contract note is written to {html}.")
    elif as_json:
        print_json(note)
    else:
        show(*note_tables(note))


@click.command()
@for_user
@_limit
@_after
@as_json
def trades(user: str, limit: int, cursor: str | None, *, as_json: bool) -> None:
    """Show round trips that were closed within 24 hours, the newest first.

    The P&L is by average cost, before charges.
    """
    with application() as app:
        user_id = app.people.accounts.named(user).id
        page = app.people.reading.trades(user_id, Period(), after=cursor, limit=limit)
    if as_json:
        print_json(page)
        return
    columns = ("closed (IST)", "contract", "side", ">units", ">entry", ">exit", ">P&L")
    rows = (
        (
            ist(t.closed_at), t.symbol, t.side, grouped(t.quantity),
            price(t.entry_price), price(t.exit_price), rupees(t.realised_pnl),
        )
        for t in page.trades
    )  # fmt: skip
    show(table(f"Trades of {user}", columns, rows))


@click.command()
@for_user
@_limit
@_after
@as_json
def fills(user: str, limit: int, cursor: str | None, *, as_json: bool) -> None:
    """Show the fills of an account, the newest first."""
    with application() as app:
        user_id = app.people.accounts.named(user).id
        page = app.people.reading.fills(user_id, Period(), after=cursor, limit=limit)
    if as_json:
        print_json(page)
        return
    columns = ("at (IST)", "order", "contract", "side", ">units", ">price")
    rows = (
        (ist(f.at), f.client_order_id, f.symbol, f.side.value, grouped(f.quantity), price(f.price))
        for f in page.fills
    )
    show(table(f"Fills of {user}", columns, rows))


@click.command()
@for_user
@_limit
@_after
@as_json
def ledger(user: str, limit: int, cursor: str | None, *, as_json: bool) -> None:
    """Show the ledger of an account, the newest entry first."""
    with application() as app:
        user_id = app.people.accounts.named(user).id
        page = app.people.reading.ledger(user_id, Period(), after=cursor, limit=limit)
    if as_json:
        print_json(page)
        return
    rows = ((ist(e.at), e.account, rupees(e.amount), e.order_id or "") for e in page.entries)
    show(table(f"Ledger of {user}", ("at (IST)", "account", ">amount", ">order"), rows))


@click.command()
@for_user
@click.option(
    "--by", type=click.Choice([g.value for g in PnlGroup]), default="day", show_default=True
)
@click.option("--since", type=_DAY, help="The first day of the market.")
@click.option("--until", type=_DAY, help="The last day of the market.")
@as_json
def pnl(
    user: str, by: str, since: datetime | None, until: datetime | None, *, as_json: bool
) -> None:
    """Show realised P&L by day, underlying or tag: by average cost, and first in, first out."""
    ends = (since.date() if since else date.min, until.date() if until else date.max)
    with application() as app:
        user_id = app.people.accounts.named(user).id
        found = app.people.profit.of(user_id, PnlGroup(by), *ends)
    if as_json:
        print_json(found)
        return
    columns = (by, ">average cost", ">FIFO", ">charges", ">net, average cost", ">net, FIFO")
    rows = (
        (row.key, *(rupees(getattr(row, name)) for name in _PNL))
        for row in (*found.rows, found.total)
    )
    show(table(f"Realised P&L of {user}", columns, rows))
