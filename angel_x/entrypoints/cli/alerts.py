"""Targets of alerts of an account or of the operators, and the notices on their way to them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from angel_x.domain.operations.alert_target import NoticeStatus
from angel_x.domain.operations.notice import CHOOSABLE
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json, for_user
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.cli.target import account_name, at_terminal, targeted
from angel_x.entrypoints.presentation.indian import ist
from angel_x.entrypoints.presentation.printing import print_json, show, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from angel_x.bootstrap import Application
    from angel_x.domain.operations.alert_target import TargetView

#: Characters that are read, more than an address may have.
_LONGEST = 4_000
_of_operators = click.option("--system", is_flag=True, help="Of the operators instead.")


@click.group()
def alerts() -> None:
    """Alerts to people by Telegram, mail, webhooks and others; `--system` are the operators."""


@alerts.command("key")
def new_key() -> None:
    """Print a new key for ANGEL_X_ALERTS_KEY."""
    from angel_x.adapters import sealing  # noqa: PLC0415 - of the extra `alerts`

    click.echo(sealing.new_key())


@alerts.command("add")
@click.argument("name")
@click.option(
    "--topic",
    "topics",
    multiple=True,
    type=click.Choice([topic.value for topic in CHOOSABLE]),
    help="Only this topic; may be repeated.",
)
@click.option(
    "--quiet", metavar="HH:MM-HH:MM", help="Hours in India in which only urgent ones come."
)
@targeted
@as_json
def add(
    name: str,
    topics: tuple[str, ...],
    quiet: str | None,
    user: str | None,
    *,
    system: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """Store the target NAME of --user or --system; its address is asked for, or read from standard input."""
    from angel_x.services.operations.alert_targets import TargetForm  # noqa: PLC0415

    user = account_name(user, f"Add the target {name}", system=system, yes=yes)
    form = TargetForm(_address(), topics, quiet)
    with application() as app:
        view = app.alerts.targets.put(
            _owner(app, user), name, form, actor=actor(), by_operator=True
        )
    _answer([view], as_json=as_json)


@alerts.command("list")
@for_user
@_of_operators
@as_json
def list_targets(user: str, *, system: bool, as_json: bool) -> None:
    """Show the targets of --user or --system; no address is shown."""
    with application() as app:
        views = app.alerts.targets.all(_owner(app, None if system else user))
    _answer(views, as_json=as_json)


@alerts.command("remove")
@click.argument("name")
@targeted
@as_json
def remove(name: str, user: str | None, *, system: bool, yes: bool, as_json: bool) -> None:
    """Remove the target NAME of --user or --system, with its notices."""
    user = account_name(user, f"Remove the target {name}", system=system, yes=yes)
    with application() as app:
        app.alerts.targets.remove(_owner(app, user), name, actor=actor())
    _counted("removed", 1, as_json=as_json)


@alerts.command("test")
@click.argument("name", required=False)
@targeted
@as_json
def test(name: str | None, user: str | None, *, system: bool, yes: bool, as_json: bool) -> None:
    """Send a test to the target NAME of --user or --system, or to all of them."""
    user = account_name(user, "Send a test", system=system, yes=yes)
    with application() as app:
        told = app.alerts.targets.test(_owner(app, user), name, actor=actor())
    _counted("written", told, as_json=as_json)


@alerts.command("notices")
@for_user
@_of_operators
@click.option("--status", type=click.Choice([s.value for s in NoticeStatus]), help="Only these.")
@as_json
def notices(user: str, status: str | None, *, system: bool, as_json: bool) -> None:
    """Show notices of --user or --system, the newest first; `--status dead` are those that were given up."""
    with application() as app:
        found = app.alerts.targets.notices(
            _owner(app, None if system else user), NoticeStatus(status) if status else None
        )
    if as_json:
        print_json({"notices": found})
        return
    rows = (
        (ist(each.created_at), each.target, each.status, str(each.attempts), each.text)
        for each in found
    )
    show(table("Notices", ("created", "target", "status", ">attempts", "text"), rows))


@alerts.command("retry")
@targeted
@as_json
def retry(user: str | None, *, system: bool, yes: bool, as_json: bool) -> None:
    """Let the dead notices of --user or --system be sent again."""
    user = account_name(user, "Send dead notices again", system=system, yes=yes)
    with application() as app:
        waiting = app.alerts.targets.retry_dead(_owner(app, user))
    _counted("waiting", waiting, as_json=as_json)


def _owner(app: Application, user: str | None) -> int | None:
    return None if user is None else app.people.accounts.named(user).id


def _address() -> str:
    """Ask for an address without an echo, or read one line; an argument would show in lists of processes."""
    if at_terminal():
        return str(click.prompt("Address", hide_input=True, err=True)).strip()
    return sys.stdin.readline(_LONGEST).strip()


def _answer(views: Sequence[TargetView], *, as_json: bool) -> None:
    if as_json:
        print_json({"targets": views})
        return
    rows = (
        (v.name, v.service, ", ".join(v.topics), v.quiet_hours or "", str(v.waiting), str(v.dead))
        for v in views
    )
    show(table("Targets", ("name", "service", "topics", "quiet", ">waiting", ">dead"), rows))


def _counted(word: str, count: int, *, as_json: bool) -> None:
    if as_json:
        print_json({word: count})
    else:
        show(f"{count} {word}")
