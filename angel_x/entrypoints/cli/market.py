"""What the market says: one contract, or the chain of an underlying."""

from __future__ import annotations

from datetime import date, datetime

import click

from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.chains import chain_table
from angel_x.entrypoints.presentation.indian import decimals, price
from angel_x.entrypoints.presentation.printing import print_json, show, table


@click.command()
@click.argument("symbol")
@as_json
def greeks(symbol: str, *, as_json: bool) -> None:
    """Show the quote and the Greeks of one contract."""
    with application() as app:
        found = app.greeks.of(symbol)
    if as_json:
        print_json(found)
        return
    numbers = ("implied_vol", "delta", "gamma", "vega", "theta", "rho", "age_seconds")
    rows = [(name, price(getattr(found, name))) for name in ("bid", "ask", "last", "price")]
    rows += [(name.replace("_", " "), decimals(getattr(found, name), 6)) for name in numbers]
    show(table(f"{found.symbol}, {found.status}", ("", ">"), rows))


@click.command()
@click.argument("underlying")
@click.option("--expiry", type=click.DateTime(["%Y-%m-%d"]), help="By default the nearest.")
@click.option("--strikes", default=10, show_default=True, help="Strikes to show on either side.")
@as_json
def chain(underlying: str, expiry: datetime | None, strikes: int, *, as_json: bool) -> None:
    """Show the option chain of an underlying, around the money."""
    wanted: date | None = expiry.date() if expiry else None
    with application() as app:
        found = app.option_chains.chain(underlying, wanted)
    if as_json:
        print_json(found)
    else:
        show(chain_table(found, strikes))
