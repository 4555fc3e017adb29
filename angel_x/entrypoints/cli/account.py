"""What an account has."""

from __future__ import annotations

import click

from angel_x.domain.portfolio import Portfolio
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import decimals, grouped, ist, rupees
from angel_x.entrypoints.presentation.positions import MarkedPosition, marked, position_table
from angel_x.entrypoints.presentation.printing import print_json, show, table


@click.command()
@for_user
@as_json
def positions(user: str, *, as_json: bool) -> None:
    """Show open positions with profit and Greeks."""
    with application() as app:
        held = app.reading.positions(app.accounts.named(user).id)
        rows: list[MarkedPosition] = marked(held, app.greeks)
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
        valued = app.portfolios.of(app.accounts.named(user).id)
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
            *(decimals(getattr(net, name), 2) for name in ("delta", "gamma", "vega", "theta")),
        )
        for underlying, net in sorted(valued.greeks.items())
    )
    columns = ("net Greeks", ">delta", ">gamma", ">vega / vol point", ">theta / day")
    return table("", columns, rows)
