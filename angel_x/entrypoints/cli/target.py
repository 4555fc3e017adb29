"""The target of a command that changes something: an account or the whole system, never by default."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

_Command = TypeVar("_Command", bound=Callable[..., None])

#: For commands that change one account.
of_user = click.option("--user", required=True, metavar="NAME", help="The account's name.")


def targeted(command: _Command) -> _Command:
    """Add the options ``--user``, ``--system`` and ``--yes``, to be read by :func:`account_name`."""
    options = (
        click.option("--user", metavar="NAME", help="This account."),
        click.option("--system", is_flag=True, help="All accounts; asks for confirmation."),
        click.option("--yes", is_flag=True, help="With --system: do not ask."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def account_name(
    user: str | None, action: str, *, system: bool, yes: bool, underlying: str | None = None
) -> str | None:
    """Return the name of the account, None for the system or an underlying.

    Raises:
        InvalidInput: No target is named, or more than one, or there is no terminal to ask at.
        Abort: The operator did not confirm.
    """
    named = [user is not None, underlying is not None, system]
    if sum(named) != 1:
        found = "none" if not any(named) else "several"
        raise InvalidInput(f"one target is required, --user NAME or --system, was {found}")
    if system and not yes:
        _confirm(action)
    return user


def accounts_with_open(app: Application, name: str | None) -> dict[str, int]:
    """Return the id of the named account, or of every account with positions or open orders.

    Raises:
        UnknownAccount: No account has that name.
    """
    if name is not None:
        return {name: app.people.accounts.named(name).id}
    ids = set(app.controls.holdings.accounts())
    return {each.name: each.id for each in app.people.accounts.all() if each.id in ids}


def _confirm(action: str) -> None:
    if not at_terminal():
        raise InvalidInput("--system without a terminal requires --yes")
    click.confirm(f"{action} for all accounts?", abort=True, err=True)


def at_terminal() -> bool:
    """Return whether an operator can answer."""
    return sys.stdin.isatty()
