"""Commands by Telegram: the process that takes them, and the list of people who may send them."""

from __future__ import annotations

import os
from contextlib import closing
from time import monotonic, sleep
from typing import TYPE_CHECKING

import click
import structlog

from angel_x.adapters.logging import configure_logging
from angel_x.domain.records.access import Scope, parse_scopes
from angel_x.entrypoints.cli.operator import actor
from angel_x.entrypoints.cli.options import as_json
from angel_x.entrypoints.cli.processes import start_own_metrics
from angel_x.entrypoints.cli.running import application
from angel_x.entrypoints.cli.target import of_user
from angel_x.entrypoints.presentation.indian import ist
from angel_x.entrypoints.presentation.printing import print_json, show, table
from config.loading import load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from angel_x.bootstrap import Application
    from angel_x.bootstrap.telegram import BotParts
    from angel_x.domain.records.telegram_person import TelegramPerson
    from angel_x.entrypoints.telegram.listener import Listener
    from config.settings import Settings

log = structlog.get_logger()

_person = click.argument("person_id", metavar="CHAT_ID", type=int)


@click.group(invoke_without_command=True)
@click.pass_context
def telegram(context: click.Context) -> None:
    """Take commands of listed people by Telegram, until a signal.

    A person's CHAT_ID is the id of the private chat with the bot, which the log names as `telegram.ignored`.
    """
    if context.invoked_subcommand is None:
        _listen(load(os.environ))


@telegram.command("allow")
@_person
@of_user
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    default=("trade",),
    show_default=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="Scope of the key that commands use; may be given several times.",
)
@as_json
def allow(person_id: int, user: str, scopes: tuple[str, ...], *, as_json: bool) -> None:
    """List the person CHAT_ID, with a new key of --user."""
    with application() as app:
        user_id = app.people.accounts.named(user).id
        listed = app.telegram.allow(person_id, user_id, parse_scopes(scopes), actor=actor())
    _show([listed], as_json=as_json)


@telegram.command("list")
@as_json
def list_people(*, as_json: bool) -> None:
    """Show the people who may send commands, without their keys."""
    with application() as app:
        found = app.telegram.all()
    _show(found, as_json=as_json)


@telegram.command("forget")
@_person
@as_json
def forget(person_id: int, *, as_json: bool) -> None:
    """Remove the person CHAT_ID from the list, and revoke the key."""
    with application() as app:
        app.telegram.forget(person_id, actor=actor())
    if as_json:
        print_json({"forgotten": person_id})
    else:
        show(f"The person {person_id} is forgotten, and the key is revoked.")


def _listen(settings: Settings) -> None:
    from angel_x.bootstrap import assemble, lay_foundation  # noqa: PLC0415 - of this process only
    from angel_x.bootstrap.telegram import build_bot  # noqa: PLC0415
    from angel_x.entrypoints.telegram import listener as process  # noqa: PLC0415
    from angel_x.services.operations.memory import MemoryReporter  # noqa: PLC0415

    token = settings.telegram_token
    if token is None:
        raise click.ClickException("there is no bot: set ANGEL_X_TELEGRAM_TOKEN to its token")
    configure_logging(settings, "telegram")
    start_own_metrics(settings)
    with closing(assemble(lay_foundation(settings, "telegram"))) as app:
        reporter = MemoryReporter(app.operations.memory_watch)
        parts = build_bot(app.base, token)
        reporter.start()
        with closing(parts.bot):
            log.info("telegram.started")
            process.run(listener_of(app, parts))
        reporter.stop()
    log.info("telegram.stopped")


def listener_of(app: Application, parts: BotParts) -> Listener:
    """Return the listener of a bot for the people of a system."""
    from angel_x.adapters.clock import wall_clock  # noqa: PLC0415 - as above
    from angel_x.bootstrap import TRANSIENT  # noqa: PLC0415
    from angel_x.entrypoints.api_access import api_address, client_of  # noqa: PLC0415
    from angel_x.entrypoints.telegram.confirmation import Confirmations  # noqa: PLC0415
    from angel_x.entrypoints.telegram.conversation import Conversation  # noqa: PLC0415
    from angel_x.entrypoints.telegram.listener import Listener  # noqa: PLC0415
    from angel_x.entrypoints.telegram.strangers import Strangers  # noqa: PLC0415

    return Listener(
        bot=parts.bot,
        cursor=parts.cursor,
        key_of=app.telegram.key_of,
        connect=client_of(api_address(app.base.settings)),
        conversation=Conversation(Confirmations(monotonic)),
        strangers=Strangers(monotonic),
        clock=wall_clock,
        timer=monotonic,
        sleep=sleep,
        unreachable=TRANSIENT,
    )


def _show(found: Sequence[TelegramPerson], *, as_json: bool) -> None:
    if as_json:
        print_json({"people": found})
        return
    rows = (
        (
            str(each.person_id),
            each.user,
            each.key_prefix,
            ", ".join(each.scopes),
            "yes" if each.is_valid else "no",
            ist(each.created_at),
        )
        for each in found
    )
    columns = (">chat id", "account", "key", "scopes", "key valid", "since")
    show(table("People", columns, rows))
