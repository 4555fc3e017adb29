"""Settling expired positions, and the closing values of indices that they are settled at."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from angel_x.adapters.settlement_files import read_settlement_prices
from angel_x.domain.book.settlement import Expiry, PriceSource, SettlementPrice
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.indian import grouped
from angel_x.entrypoints.presentation.printing import print_json, show
from angel_x.errors import InvalidInput
from angel_x.services.trading.settlement import SettlementReport

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(invoke_without_command=True)
@click.pass_context
@as_json
def settle(context: click.Context, *, as_json: bool) -> None:
    """Settle expired positions in cash at the closing value of their index.

    The running system does the same every 15 seconds.  Without a price an expiry waits: load the
    exchange's file, or enter the value.
    """
    if context.invoked_subcommand is None:
        with application() as app:
            _print(app.trading.settlement.run(), as_json=as_json)


@settle.command()
@click.argument("file", type=click.Path(path_type=Path))
@as_json
def load(file: Path, *, as_json: bool) -> None:
    """Take final settlement prices from an exchange's FILE, and settle.

    FILE is CSV, plain or compressed with gzip: a bhavcopy of an expiry day, NSE's settlement prices,
    or a list with the columns underlying, expiry and price.  It is taken or refused as a whole.
    """
    try:
        prices = read_settlement_prices(file)
    except OSError as error:
        raise InvalidInput(f"the file cannot be read: {error}") from error
    found = [
        SettlementPrice(expiry=expiry, price=price, source=PriceSource.EXCHANGE, actor=actor())
        for expiry, price in prices.items()
    ]
    with application() as app:
        app.trading.settlement.add_prices(found)
        _print(app.trading.settlement.run(), as_json=as_json)


@settle.command("set")
@click.argument("underlying")
@click.argument("expiry", type=_DAY)
@click.argument("price")
@as_json
def set_price(underlying: str, expiry: datetime, price: str, *, as_json: bool) -> None:
    """Enter the closing value of an index on an expiry day, and settle.

    It counts where neither the exchange nor the feed has a value.  A second call with the same value
    changes nothing.
    """
    entered = SettlementPrice(
        expiry=Expiry(underlying, expiry.date()),
        price=_rupees(price),
        source=PriceSource.OPERATOR,
        actor=actor(),
    )
    with application() as app:
        app.trading.settlement.add_prices([entered])
        _print(app.trading.settlement.run(), as_json=as_json)


def _rupees(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise InvalidInput(f"price must be rupees such as 24012.35, was {text}") from error


def _print(report: SettlementReport, *, as_json: bool) -> None:
    if as_json:
        print_json(report)
        return
    show(
        f"{grouped(report.positions)} positions of {grouped(report.accounts)} accounts are settled."
    )
    for expiry in report.waiting:
        show(f"{expiry} waits for its closing value: angel-x settle load FILE, or settle set.")
