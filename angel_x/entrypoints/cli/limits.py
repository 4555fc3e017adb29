"""Risk limits, global and of accounts."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import click

from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.cli.target import account_name, targeted
from angel_x.entrypoints.presentation.printing import print_json, show, table
from angel_x.errors import InvalidInput

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from angel_x.domain.book.limits import LimitSheet


@click.group()
def limits() -> None:
    """Risk limits on orders and accounts."""


@limits.command("list")
@click.option("--user", metavar="NAME", help="Only this account.")
@as_json
def list_limits(user: str | None, *, as_json: bool) -> None:
    """Show the global limits and those of each account, or of one account."""
    with application() as app:
        sheets = (
            app.people.limits.sheets()
            if user is None
            else [app.people.limits.sheet(_user_id(app, user))]
        )
        counts = app.base.settings.rate_limit_enabled
    if as_json:
        print_json({"limits": [_parts(sheet) for sheet in sheets]})
        return
    rows = (
        (sheet.user or "everyone", kind, f"{Decimal(value):,f}")
        for sheet in sheets
        for kind, value in sheet.values().items()
    )
    show(table("Limits", ("account", "limit", ">value"), rows))
    if not counts:
        show("Orders a second are not counted here: ANGEL_X_RATE_LIMIT_ENABLED is off.")


@limits.command("set")
@click.argument("values", metavar="KIND=VALUE...", nargs=-1, required=True)
@targeted
@as_json
def set_limits(
    values: tuple[str, ...], user: str | None, *, system: bool, yes: bool, as_json: bool
) -> None:
    """Set limits of --user or --system, as in `max_order_quantity=1800`; the others stay."""
    named = dict(_pair(value) for value in values)
    user = account_name(user, f"Set {', '.join(values)}", system=system, yes=yes)
    with application() as app:
        sheet = app.people.limits.put(_user_id(app, user), named, actor())
    _answer(sheet, as_json=as_json)


@limits.command("clear")
@click.argument("kinds", metavar="[KIND]...", nargs=-1)
@targeted
@as_json
def clear_limits(
    kinds: tuple[str, ...], user: str | None, *, system: bool, yes: bool, as_json: bool
) -> None:
    """Remove limits of --user or --system, of the named kinds or all."""
    user = account_name(user, f"Clear {', '.join(kinds) or 'limits'}", system=system, yes=yes)
    with application() as app:
        sheet = app.people.limits.clear(_user_id(app, user), kinds, actor())
    _answer(sheet, as_json=as_json)


def _answer(sheet: LimitSheet, *, as_json: bool) -> None:
    if as_json:
        print_json(_parts(sheet))
        return
    rows = ((kind, f"{Decimal(value):,f}") for kind, value in sheet.values().items())
    show(table(f"Limits of {sheet.user or 'everyone'}", ("limit", ">value"), rows))


def _parts(sheet: LimitSheet) -> dict[str, object]:
    return {
        "user": sheet.user,
        "own": sheet.own,
        "effective": sheet.effective,
        "stop": sheet.stop,
    }


def _pair(text: str) -> tuple[str, str]:
    kind, equals, value = text.partition("=")
    if not equals:
        raise InvalidInput(f"a limit is written KIND=VALUE, was {text}")
    return kind, value


def _user_id(app: Application, user: str | None) -> int | None:
    return None if user is None else app.people.accounts.named(user).id
