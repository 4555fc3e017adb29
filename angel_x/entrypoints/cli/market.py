"""Quotes and Greeks of one contract, and the chain of an underlying."""

from __future__ import annotations

from datetime import date, datetime

import click

from angel_x.domain.chains.chain_record import ContractGreeks
from angel_x.domain.contracts.contract import parse_expiry
from angel_x.domain.pricing.greek import GREEKS, Greek
from angel_x.entrypoints.cli.numbers import Whole
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.chains import (
    chain_table,
    forward_with_source,
    greeks_table,
)
from angel_x.entrypoints.presentation.indian import decimals, price
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.entrypoints.presentation.summaries import smile_drawing, summary_table

_PRICES = ("bid", "ask", "last", "price")


def _checked_symbol(_context: click.Context, _parameter: click.Parameter, symbol: str) -> str:
    """Refuse a name that no contract can have."""
    parse_expiry(symbol)
    return symbol


@click.command()
@click.argument("symbol", callback=_checked_symbol)
@as_json
def greeks(symbol: str, *, as_json: bool) -> None:
    """Show the quote and the Greeks of one contract."""
    with application() as app:
        found = app.analytics.greeks.of(symbol)
    if as_json:
        print_json(found)
    else:
        show(table(f"{found.symbol}, {found.status}", ("", ">"), _lines(found)))


@click.command()
@click.argument("underlying")
@click.option("--expiry", type=click.DateTime(["%Y-%m-%d"]), help="By default the nearest.")
@click.option(
    "--strikes",
    default=10,
    show_default=True,
    type=Whole(min=1),
    help="Strikes to show on either side.",
)
@click.option(
    "--greeks", "every_greek", is_flag=True, help="One line a contract, with every Greek."
)
@click.option(
    "--summary",
    is_flag=True,
    help="Smile, ratios, max pain and gamma exposure of every expiry, or of the one asked for.",
)
@as_json
def chain(
    underlying: str,
    expiry: datetime | None,
    strikes: int,
    *,
    every_greek: bool,
    summary: bool,
    as_json: bool,
) -> None:
    """Show the option chain of an underlying, around the money."""
    if summary and every_greek:
        raise click.UsageError("--summary has no Greeks of single contracts: leave out --greeks")
    wanted = expiry.date() if expiry else None
    if summary:
        _show_summary(underlying, wanted, strikes, as_json=as_json)
        return
    with application() as app:
        found = app.analytics.option_chains.chain(underlying, wanted)
    if as_json:
        print_json(found)
    else:
        show((greeks_table if every_greek else chain_table)(found, strikes))


def _show_summary(underlying: str, wanted: date | None, strikes: int, *, as_json: bool) -> None:
    with application() as app:
        found = app.analytics.option_chains.summary(underlying, wanted)
    if as_json:
        print_json(found)
    else:
        show(summary_table(found), "", smile_drawing(found.expiries[0], strikes))


def _lines(found: ContractGreeks) -> list[tuple[str, str]]:
    lines = [(name, price(getattr(found, name))) for name in _PRICES]
    lines.append(("forward", forward_with_source(found.forward, found.forward_source)))
    lines.append(("implied vol", decimals(found.implied_vol, 6)))
    lines += [(greek.name, _precise(greek, getattr(found, greek.name))) for greek in GREEKS]
    lines += [(name, decimals(getattr(found, name), 0)) for name in ("oi", "volume")]
    ages = ("age_seconds", "quote_age_seconds")
    return lines + [(name.replace("_", " "), decimals(getattr(found, name), 3)) for name in ages]


def _precise(greek: Greek, value: float | None) -> str:
    if greek.places is not None:
        return decimals(value, 6)
    return "-" if value is None else f"{value:.3e}"
