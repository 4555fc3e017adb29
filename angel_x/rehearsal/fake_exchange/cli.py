"""The command ``angel-x fake-exchange``."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

import click

from angel_x.entrypoints.cli.numbers import Whole
from angel_x.entrypoints.cli.options import seeded
from angel_x.rehearsal.fake_exchange.faults import Fault
from config.loading import load


def _rates(
    _context: click.Context, _parameter: click.Parameter, pairs: tuple[str, ...]
) -> dict[str, float]:
    rates = {}
    for pair in pairs:
        name, _, written = pair.partition("=")
        try:
            rate = float(written)
        except ValueError:
            rate = -1.0
        if name not in set(Fault) or not 0 <= rate <= 1:
            known = ", ".join(Fault)
            raise click.BadParameter(f"must be NAME=RATE with one of {known}, was {pair}")
        rates[name] = rate
    return rates


@click.command()
@click.option(
    "--port", default=8600, show_default=True, type=Whole(0, 65535), help="0: a free one."
)
@seeded("Random seed of quotes and faults.")
@click.option(
    "--fault",
    "rates",
    multiple=True,
    callback=_rates,
    metavar="NAME=RATE",
    help="A fault and the part of requests that it befalls, such as drop=0.05; may be repeated.",
)
@click.option(
    "--slow-seconds", default=1.0, show_default=True, help="Seconds of an answer with fault slow."
)
@click.option("--token-seconds", type=float, help="Seconds after which a token expires.")
@click.option("--sole-session", is_flag=True, help="A login ends the sessions before it.")
@click.option(
    "--cash",
    default=10_000_000,
    show_default=True,
    type=Whole(0, 10**15),
    help="Rupees of the client at the start.",
)
def fake_exchange(
    port: int,
    seed: int,
    rates: dict[str, float],
    slow_seconds: float,
    token_seconds: float | None,
    cash: int,
    *,
    sole_session: bool,
) -> None:
    """Serve a fake of Angel One's exchange on this machine until Ctrl-C.

    It speaks the broker's REST interface and its sockets of order updates and market data, matches orders with a maker's
    quotes of a chain of NIFTY, and keeps the broker's rate limits.  Faults: throttle, lose (the request is lost), fail
    (500), expire (the token), reject (with a text in the order book), partial (fills of one lot), drop
    (carried out, then the connection is cut), malformed, empty, slow; of order updates: duplicate,
    reorder; of both sockets: hang_up, and malformed ticks.  It prints the settings of a client.  Nothing is kept when it ends.
    """
    from angel_x.rehearsal.fake_exchange import serving  # noqa: PLC0415 - not needed for help

    exchange, walk = serving.prepared(
        load(os.environ),
        seed,
        rates,
        slow_seconds=slow_seconds,
        token_seconds=token_seconds,
        sole_session=sole_session,
        cash=cash,
    )
    with suppress(KeyboardInterrupt):
        asyncio.run(serving.serve(exchange, walk, port, click.echo))
