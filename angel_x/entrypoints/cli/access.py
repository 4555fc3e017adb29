"""Accounts and their API keys."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import click

from angel_x.domain.records.access import Scope, parse_scopes
from angel_x.domain.values.written_number import written_decimal
from angel_x.entrypoints.cli.numbers import Whole
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.cli.target import of_user
from angel_x.entrypoints.presentation.indian import ist, rupees
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import InvalidInput


@click.group()
def users() -> None:
    """Accounts."""


@users.command("create")
@click.argument("name")
@click.option("--cash", default="0", help="Opening cash in rupees.")
@as_json
def create_user(name: str, cash: str, *, as_json: bool) -> None:
    """Open an account."""
    with application() as app:
        account = app.people.accounts.open(name, _amount(cash))
    if as_json:
        print_json(account)
    else:
        show(f"Account {account.name} has the id {account.id} and {rupees(account.cash)}.")


@users.command("list")
@as_json
def list_users(*, as_json: bool) -> None:
    """Show every account."""
    with application() as app:
        accounts = app.people.accounts.all()
    if as_json:
        print_json({"users": accounts})
        return
    columns = (">id", "name", ">cash", ">margin used", ">realised P&L", "since")
    rows = (
        (
            str(account.id),
            account.name,
            rupees(account.cash),
            rupees(account.margin_used),
            rupees(account.realised_pnl),
            ist(account.created_at),
        )
        for account in accounts
    )
    show(table("Accounts", columns, rows))


for_days = click.option(
    "--days",
    type=Whole(1, 36_500),
    help="Days after which the key expires; never without.",
)


@click.group()
def keys() -> None:
    """API keys."""


@keys.command("create")
@of_user
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("trade",),
    show_default=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="Scope of the key; may be given several times. Trade and admin include read.",
)
@for_days
@as_json
def create_key(user: str, scopes: tuple[str, ...], days: int | None, *, as_json: bool) -> None:
    """Issue a key.  It is shown once."""
    with application() as app:
        account = app.people.accounts.named(user)
        key = app.people.access.issue(account.id, parse_scopes(scopes), _lifetime(days))
    if as_json:
        print_json({"key": key})
    else:
        click.echo(key)


@keys.command("rotate")
@click.argument("prefix")
@click.option(
    "--overlap-hours",
    default=24,
    show_default=True,
    type=Whole(0, 8760),
    help="Hours for which the old key stays valid.",
)
@for_days
@as_json
def rotate_key(prefix: str, overlap_hours: int, days: int | None, *, as_json: bool) -> None:
    """Issue a key in place of the one with this PREFIX, and let that one expire.

    The new key has the same account and scopes, and is shown once.
    """
    with application() as app:
        key, old = app.people.access.rotate(
            prefix, overlap=timedelta(hours=overlap_hours), lifetime=_lifetime(days)
        )
    if as_json:
        print_json({"key": key, "replaces": {"prefix": prefix, "expires_at": old.expires_at}})
    else:
        click.echo(key)
        click.echo(f"The key {prefix} expires at {ist(old.expires_at)}.", err=True)


@keys.command("list")
@of_user
@as_json
def list_keys(user: str, *, as_json: bool) -> None:
    """Show the keys of an account, without their secrets."""
    with application() as app:
        found = app.people.access.keys_of(app.people.accounts.named(user).id)
    if as_json:
        shown = ("prefix", "scopes", "created_at", "expires_at", "has_expired", "revoked_at")
        print_json({"keys": [{name: getattr(key, name) for name in shown} for key in found]})
        return
    rows = (
        (
            key.prefix,
            ", ".join(key.scopes),
            ist(key.created_at),
            f"{ist(key.expires_at)}{', expired' * key.has_expired}",
            ist(key.revoked_at),
        )
        for key in found
    )
    show(table(f"Keys of {user}", ("prefix", "scopes", "created", "expires", "revoked"), rows))


@keys.command("revoke")
@click.argument("prefix")
@as_json
def revoke_key(prefix: str, *, as_json: bool) -> None:
    """Revoke the key with this PREFIX; it is refused within two seconds."""
    with application() as app:
        revoked = app.people.access.revoke(prefix)
    if not revoked:
        raise InvalidInput(f"the prefix must be that of a valid key, was {prefix}")
    if as_json:
        print_json({"revoked": prefix})
    else:
        show(f"The key {prefix} is revoked.")


def _lifetime(days: int | None) -> timedelta | None:
    return None if days is None else timedelta(days=days)


def _amount(text: str) -> Decimal:
    try:
        return written_decimal(text.replace(",", ""))
    except ValueError:
        raise InvalidInput(f"cash must be an amount in rupees, was {text}") from None
