"""Positions and the portfolio of an account."""

from __future__ import annotations

from collections.abc import Iterator

import click

from angel_x.domain.portfolios.portfolio import NetGreeks, Portfolio
from angel_x.domain.pricing.greek import SUMMED_GREEKS, GreekField
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import decimals, grouped, ist, rupees
from angel_x.entrypoints.presentation.positions import MarkedPosition, marked, position_table
from angel_x.entrypoints.presentation.printing import print_json, show, table

#: Sums in rupees, with the Greek that each stands behind.
_IN_RUPEES = {
    GreekField.DELTA: ("delta_rupees", "delta ₹"),
    GreekField.GAMMA: ("gamma_rupees", "gamma ₹ / 1 %"),
}


@click.command()
@for_user
@as_json
def positions(user: str, *, as_json: bool) -> None:
    """Show open positions with profit and Greeks."""
    with application() as app:
        held = app.people.reading.positions(app.people.accounts.named(user).id)
        rows: list[MarkedPosition] = marked(held, app.analytics.option_chains.contracts)
    if as_json:
        print_json({"positions": rows})
    else:
        show(position_table(f"Positions of {user}", rows))


@click.command()
@for_user
@as_json
def portfolio(user: str, *, as_json: bool) -> None:
    """Show what an account is worth and exposed to."""
    with application() as app:
        valued = app.analytics.portfolios.of(app.people.accounts.named(user).id)
    if as_json:
        print_json(valued)
    else:
        show(f"Portfolio of {user}, {ist(valued.updated_at)} IST", _worth(valued), _greeks(valued))


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
