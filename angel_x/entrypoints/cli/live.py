"""Live trading: its state, its confirmation for a day, and the end of it."""

from __future__ import annotations

import click

from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.presentation.live import mode_sentence
from angel_x.entrypoints.presentation.printing import print_json, show
from angel_x.services.controls.live_trading import LiveStatus


@click.group(invoke_without_command=True)
@click.pass_context
@as_json
def live(context: click.Context, *, as_json: bool) -> None:
    """Show the trading mode, the accounts that trade live, and the reason why no order passes."""
    if context.invoked_subcommand is None:
        with application() as app:
            _print(app.live.trading.status(), as_json=as_json)


@live.command()
@as_json
def confirm(*, as_json: bool) -> None:
    """Let the accounts in ANGEL_X_LIVE_USERS trade with money until midnight in India.

    The words that are asked for name the client and the day.  The confirmation is audited, and counts for
    this client, this address and these accounts only.  Exits with 2 after other words.
    """
    with application() as app:
        trading = app.live.trading
        phrase, shown = trading.phrase(), trading.status()
        click.echo(
            f"Orders of {', '.join(shown.users)} will trade with money, as client "
            f"{shown.client_code} at {shown.address}.\nTo confirm, type: {phrase}",
            err=True,
        )
        given = click.prompt("", prompt_suffix="> ", default="", show_default=False, err=True)
        _print(trading.confirm(given, actor()), as_json=as_json)


@live.command()
@as_json
def withdraw(*, as_json: bool) -> None:
    """Let no further order go to the exchange; orders that rest there stay.

    To cancel them as well, use `angel-x kill-switch on`.
    """
    with application() as app:
        _print(app.live.trading.withdraw(actor()), as_json=as_json)


def _print(found: LiveStatus, *, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        show(mode_sentence(found))
