"""The trading broker, asked directly."""

from __future__ import annotations

import os
from contextlib import closing

import click
import msgspec

from angel_x.adapters.angel_one.market_frames import Instrument
from angel_x.adapters.angel_one.records import Funds, Profile
from angel_x.adapters.logging import configure_logging
from angel_x.entrypoints.cli.numbers import Real, Whole
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import quiet
from angel_x.entrypoints.presentation.indian import rupees
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import BrokerUnavailable, InvalidInput
from config.loading import load


class Checked(msgspec.Struct, frozen=True):
    """Profile and funds of the client at the broker."""

    profile: Profile
    funds: Funds


@click.group()
def broker() -> None:
    """The trading broker."""


@broker.command()
@click.option("--logout", is_flag=True, help="End the session afterwards.")
@as_json
def check(*, logout: bool, as_json: bool) -> None:
    """Log in at the broker, and show the profile and the funds of the client.

    Needs the credentials in ANGEL_X_ANGEL_ONE_*, and no running system.  No order is sent.  Exits with
    1 where the broker refuses or does not answer.
    """
    from angel_x.bootstrap.broker import build_broker  # noqa: PLC0415 - not needed for help

    settings = load(os.environ)
    configure_logging(quiet(settings), "cli")
    with closing(build_broker(settings)) as client:
        found = Checked(client.profile(), client.funds())
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
