"""The trading broker, asked directly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import click
import msgspec

from angel_x.adapters.angel_one.market_frames import Instrument
from angel_x.adapters.angel_one.order_watch import Watch
from angel_x.adapters.angel_one.records import BookOrder, BookPosition, Funds, Profile
from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.numbers import Real, Whole
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application, quiet
from angel_x.entrypoints.presentation.indian import grouped, rupees
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import BrokerUnavailable, InvalidInput
from config.loading import load

if TYPE_CHECKING:
    from angel_x.adapters.angel_one.client import AngelOne
    from config.settings import Settings


class Checked(msgspec.Struct, frozen=True):
    """Profile, funds and positions of the client at the broker."""

    profile: Profile
    funds: Funds
    positions: tuple[BookPosition, ...]


class OrderLine(msgspec.Struct, frozen=True):
    """An order at the broker."""

    order_id: str
    #: Our tag, or ``foreign``.
    owner: str
    contract: str
    side: str
    quantity: int
    filled: int
    #: Rupees; zero where the order has none.
    price: Decimal
    status: str
    text: str


@click.group()
def broker() -> None:
    """The trading broker."""


@broker.command()
@click.option("--logout", is_flag=True, help="End the session afterwards.")
@as_json
def check(*, logout: bool, as_json: bool) -> None:
    """Log in at the broker, and show profile, funds and open positions of the client.

    Needs the credentials in ANGEL_X_ANGEL_ONE_*, and no running system.  No order is sent.  Exits with
    1 where the broker refuses or does not answer.
    """
    with _client() as (client, _):
        found = Checked(client.profile(), client.funds(), _open(client))
        if logout:
            client.logout()
    if as_json:
        print_json(found)
    else:
        _show(found)


@broker.command()
@click.argument("tokens", nargs=-1, required=True, metavar="TOKEN...")
@click.option(
    "--segment",
    default=2,
    show_default=True,
    type=Whole(1, 15),
    help="Exchange segment of the tokens: 1 NSE cash, 2 NSE F&O, 3 BSE cash, 4 BSE F&O.",
)
@click.option("--seconds", default=10.0, show_default=True, type=Real(0, 86_400), help="How long.")
@as_json
def watch(tokens: tuple[str, ...], segment: int, seconds: float, *, as_json: bool) -> None:
    """Show the ticks of instruments at the broker, by their TOKENs, for some seconds.

    Needs the credentials in ANGEL_X_ANGEL_ONE_*, and no running system.  A lost connection is made
    anew.  Exits with 1 where no tick came.
    """
    from angel_x.bootstrap.broker import build_market_stream  # noqa: PLC0415 - not needed for help
    from angel_x.entrypoints.cli.broker_ticks import watched  # noqa: PLC0415 - not needed for help

    settings = load(os.environ)
    configure_logging(quiet(settings), "cli")
    instruments = [Instrument(segment, token) for token in dict.fromkeys(tokens)]
    try:
        stream = build_market_stream(settings, instruments)
    except ValueError as error:
        raise InvalidInput(str(error)) from None
    report = watched(stream, instruments, seconds, as_json=as_json)
    if not report.ticks:
        raise BrokerUnavailable("no tick came: " + report.reason)


@broker.command()
@click.option("--follow", is_flag=True, help="Then show every change until Ctrl-C.")
@click.option("--seconds", type=Real(0, 86_400), help="With --follow: end after so many seconds.")
@as_json
def orders(*, follow: bool, seconds: float | None, as_json: bool) -> None:
    """Show the orders of the day in the broker's order book, with those of other programs.

    An order whose tag is not one of ours is foreign: it was placed by hand or by another program.
    It is shown and never adopted.  With --follow every change is shown once: changes come from the
    socket of order updates, and from the order book at each connection, once a minute, and every five
    seconds while there is no connection.
    """
    if follow and as_json:
        raise InvalidInput("--follow does not end, so it cannot be one JSON document")
    with _client() as (client, settings):
        if follow:
            _follow(client, settings, seconds)
            return
        found = [_line(order) for order in client.order_book()]
    if as_json:
        print_json(found)
        return
    columns = (
        "order", "owner", "contract", "side", ">quantity", ">filled", ">price", "status", "text",
    )  # fmt: skip
    rows = [tuple(str(value) for value in msgspec.structs.astuple(line)) for line in found]
    show(table("Orders at the broker", columns, rows))


def _follow(client: AngelOne, settings: Settings, seconds: float | None) -> None:
    from angel_x.bootstrap.broker import build_order_updates  # noqa: PLC0415 - not needed for help

    watched = Watch(client.order_book, monotonic=monotonic)
    until = None if seconds is None else monotonic() + seconds
    for order in watched.changes(build_order_updates(settings, client).events()):
        if order is not None:
            show(_written(_line(order)))
        elif until is not None and monotonic() >= until:
            break


@broker.command()
@click.option(
    "--tolerance",
    default=0.25,
    show_default=True,
    type=Real(0, 1),
    help="Accepted difference, as a part of the larger margin.",
)
@as_json
def margin(*, tolerance: float, as_json: bool) -> None:
    """Show the broker's margin of each underlying beside ours, in rupees.

    The broker's is that of its positions without premium, ours what all accounts hold.  Exits with 0 where
    all are within the tolerance, and with 1 where one is not and where the broker does not answer.
    """
    with application() as app:
        found = app.trading.margin_comparison.run()
    if as_json:
        print_json(found)
    else:
        rows = [
            (each.underlying, rupees(each.broker), rupees(each.ours), f"{each.ratio:.1%}")
            for each in found
        ]
        show(table("Margin", ("underlying", ">at the broker", ">here", ">difference"), rows))
    if any(each.ratio > tolerance for each in found):
        raise SystemExit(1)


@broker.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--url", help="Where the scrip master is; by default at Angel One.")
@as_json
def master(file: Path, *, url: str | None, as_json: bool) -> None:
    """Bring FILE up to date with the broker's scrip master, the list of all contracts.

    Only a changed one is fetched; one that broke off is gone on with, also by a later command.  It replaces
    FILE once it was read as a whole and is not less than half of the old one.  Needs no credentials.  Exits
    with 1 where the server does not answer, and with 2 where the new master is not sound; FILE then stays
    as it was.
    """
    from angel_x.bootstrap.broker import build_master_download  # noqa: PLC0415 - not needed for help

    settings = load(os.environ)
    configure_logging(quiet(settings), "cli")
    try:
        with build_master_download(file, url) as download:
            found = download.run()
    except OSError as error:
        raise InvalidInput(f"the file cannot be written: {error}") from error
    if as_json:
        print_json(found)
    elif found.is_new:
        show(
            f"{file}: {grouped(found.size)} bytes, {grouped(found.resumed_from)} of them kept from before."
        )
    else:
        show(f"{file} has not changed.")


@broker.command()
@as_json
def reconcile(*, as_json: bool) -> None:
    """Compare orders, fills, positions and funds at the broker with the database, and store the result.

    A difference counts if a second look finds it too.  Orders that were placed by hand or by another
    program are listed as foreign and never adopted; what they have traded today is left out.  Orders
    with an unanswered request are pending.  Exits with 0 where both sides agree, and with 1 where
    they differ, where an order is pending, and where the broker does not answer.
    """
    from angel_x.entrypoints.cli.broker_reconciliation import shown  # noqa: PLC0415 - not needed for help

    with application() as app:
        result = app.trading.reconciler.run()
    if as_json:
        print_json({"agrees": result.agrees, **msgspec.to_builtins(result)})
    else:
        show(*shown(result))
    if not result.agrees:
        raise SystemExit(1)


@contextmanager
def _client() -> Iterator[tuple[AngelOne, Settings]]:
    from angel_x.bootstrap.broker import build_broker  # noqa: PLC0415 - not needed for help

    settings = load(os.environ)
    configure_logging(quiet(settings), "cli")
    with closing(build_broker(settings)) as client:
        yield client, settings


def _line(order: BookOrder) -> OrderLine:
    return OrderLine(
        order.order_id,
        "foreign" if order.is_foreign else order.tag,
        order.trading_symbol,
        order.side,
        order.quantity,
        order.filled,
        order.price,
        order.status,
        order.text,
    )


def _written(line: OrderLine) -> str:
    return (
        f"{line.order_id} {line.owner}: {line.side} {line.quantity} {line.contract} at {line.price}, "
        f"{line.filled} filled, {line.status} {line.text}"
    ).rstrip()


def _open(client: AngelOne) -> tuple[BookPosition, ...]:
    """Return the positions that are not closed."""
    return tuple(each for each in client.positions() if each.quantity)


def _show(found: Checked) -> None:
    profile, funds = found.profile, found.funds
    rows = [
        ("net", rupees(funds.net)),
        ("available cash", rupees(funds.available_cash)),
        ("collateral", rupees(funds.collateral)),
        ("margin used (SPAN)", rupees(funds.utilised_span)),
        ("premium used", rupees(funds.utilised_premium)),
    ]
    show(
        f"Logged in as {profile.client_code} ({profile.name}).",
        f"Exchanges: {', '.join(profile.exchanges)}.  Products: {', '.join(profile.products)}.",
        table("Funds", ("", ">rupees"), rows),
    )
    if found.positions:
        held = [(p.trading_symbol, p.product, str(p.quantity)) for p in found.positions]
        show(table("Positions", ("contract", "product", ">quantity"), held))
