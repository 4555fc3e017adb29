"""Positions, portfolio and equity curve of an account."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from angel_x.domain.portfolios.portfolio import NetGreeks, Portfolio
from angel_x.domain.pricing.greek import SUMMED_GREEKS, GreekField
from angel_x.domain.records.statement import Period
from angel_x.entrypoints.cli.moments import MOMENT
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import decimals, grouped, ist, price, rupees
from angel_x.entrypoints.presentation.positions import MarkedPosition, marked, position_table
from angel_x.entrypoints.presentation.printing import print_json, show, table

#: Sums in rupees, with the Greek that each stands behind.
_IN_RUPEES = {
    GreekField.DELTA: ("delta_rupees", "delta ₹"),
    GreekField.GAMMA: ("gamma_rupees", "gamma ₹ / 1 %"),
}


_at = click.option(
    "--at", type=MOMENT, help="A past moment, as 2026-08-19T11:30 in India or with an offset."
)


@click.command()
@for_user
@_at
@as_json
def positions(user: str, at: datetime | None, *, as_json: bool) -> None:
    """Show open positions with profit and Greeks.

    With --at what was held then, by the marks of then.
    """
    if at is not None:
        _show_past(user, at, as_json=as_json)
        return
    with application() as app:
        found = app.people.reading.positions(app.people.accounts.named(user).id)
        held = app.analytics.portfolios.marked(found)
        rows: list[MarkedPosition] = marked(held, app.analytics.option_chains.contracts)
    if as_json:
        print_json({"positions": rows})
    else:
        show(position_table(f"Positions of {user}", rows))


@click.command()
@for_user
@_at
@as_json
def portfolio(user: str, at: datetime | None, *, as_json: bool) -> None:
    """Show the value and the Greeks of an account.

    With --at its value and margin of then.
    """
    if at is not None:
        _show_past(user, at, as_json=as_json)
        return
    with application() as app:
        valued = app.analytics.portfolios.of(app.people.accounts.named(user).id)
    if as_json:
        print_json(valued)
    else:
        show(f"Portfolio of {user}, {ist(valued.updated_at)} IST", _worth(valued), _greeks(valued))


@click.command()
@for_user
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@click.option("--cursor", help="The `next` of the page before.")
@as_json
def equity(user: str, limit: int, cursor: str | None, *, as_json: bool) -> None:
    """Show the equity curve of an account, the newest snapshot first."""
    with application() as app:
        user_id = app.people.accounts.named(user).id
        page = app.people.equity.page(user_id, Period(), after=cursor, limit=limit)
    if as_json:
        print_json(page)
        return
    rows = (
        (ist(p.at), *map(rupees, (p.equity, p.realised_pnl, p.unrealised_pnl, p.margin_used)))
        for p in page.points
    )
    columns = ("at (IST)", ">equity", ">realised", ">unrealised", ">margin used")
    show(table(f"Equity of {user}", columns, rows))


def _show_past(user: str, at: datetime, *, as_json: bool) -> None:
    with application() as app:
        found = app.people.past.of(app.people.accounts.named(user).id, at)
    if as_json:
        print_json(found)
        return
    amounts = ("equity", "cash", "margin_used", "unrealised_pnl", "realised_pnl")
    worth = [(name.replace("_", " "), rupees(getattr(found, name))) for name in amounts]
    worth.append(("marks and margin of", f"{ist(found.snapshot_at)} IST"))
    rows = (
        (
            p.symbol, p.product, grouped(p.quantity), price(p.average_price), price(p.mark),
            p.mark_source, price(p.unrealised_pnl), price(p.realised_pnl),
        )
        for p in found.positions
    )  # fmt: skip
    columns = (
        "contract", "product", ">units", ">average", ">mark", "source", ">unrealised", ">realised",
    )  # fmt: skip
    title = f"{user} at {ist(found.at)} IST"
    show(title, table("", ("", ">"), worth), table("", columns, rows))


def _worth(valued: Portfolio) -> object:
    amounts = (
        "equity", "cash", "collateral", "margin_used", "free_balance",
        "unrealised_pnl", "realised_pnl",
    )  # fmt: skip
    rows = [(name.replace("_", " "), rupees(getattr(valued, name))) for name in amounts]
    rows.append(("open positions", grouped(valued.open_positions)))
    return table("", ("", ">"), rows)


def _greeks(valued: Portfolio) -> object:
    rows = (
        (
            underlying,
            *(decimals(getattr(net, name), 2) for name, _ in _sums()),
            decimals(_age(valued, net), 1),
        )
        for underlying, net in sorted(valued.greeks.items())
    )
    columns = ("net Greeks", *(f">{heading}" for _, heading in _sums()), ">age s")
    return table("", columns, rows, is_tight=True)


def _sums() -> Iterator[tuple[str, str]]:
    """Yield the name and the heading of each sum."""
    for greek in SUMMED_GREEKS:
        yield greek.name, greek.heading
        if greek.field in _IN_RUPEES:
            yield _IN_RUPEES[greek.field]


def _age(valued: Portfolio, net: NetGreeks) -> float | None:
    if net.as_of is None or valued.greeks_as_of is None or valued.greeks_age_seconds is None:
        return None
    return valued.greeks_age_seconds - (net.as_of - valued.greeks_as_of).total_seconds()
