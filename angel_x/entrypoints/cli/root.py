"""The command ``angel-x``: its subcommands, each imported when it is used, and its exit codes.

0: done.  1: it could not be done.  2: the request is invalid, so nothing was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

from angel_x.errors import AngelXError, InvalidInput, InvalidOrder
from angel_x.services.intake.storable_text import check_text
from config.settings import SettingsError

_ROOM = "angel_x.entrypoints.cli"
#: The module of each command, of this package unless it is named in full.  A command has its own name
#: there, with underscores.
COMMANDS: Mapping[str, str] = {
    "demo": "angel_x.rehearsal.demo.cli",
    "up": "system",
    "chaos": "angel_x.rehearsal.chaos.cli",
    "submit": "orders",
    "orders": "orders",
    "basket": "baskets",
    "positions": "account",
    "portfolio": "account",
    "trades": "statements",
    "ledger": "statements",
    "contract-note": "statements",
    "greeks": "market",
    "chain": "market",
    "calendar": "calendar",
    "contracts": "contracts",
    "settle": "settlement",
    "users": "access",
    "keys": "access",
    "limits": "limits",
    "kill-switch": "controls",
    "square-off": "controls",
    "audit": "repair",
    "status": "status",
    "schedule": "schedule",
    "api": "processes",
    "worker": "processes",
    "beat": "processes",
    "flower": "processes",
    "feed": "feed",
    "relay": "processes",
    "metrics": "processes",
    "db": "database",
    "redis": "redis_report",
    "backup": "backup",
    "restore": "backup",
}
_SHOWN_FAULTS = 20


class Refused(click.ClickException):
    """An invalid request."""

    exit_code = 2


class Root(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        name = COMMANDS[cmd_name]
        module = import_module(name if "." in name else f"{_ROOM}.{name}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse arguments that the database cannot store, such as NUL and undecodable bytes."""
        for argument in args:
            try:
                check_text("an argument", argument)
            except InvalidInput as error:
                raise Refused(str(error)) from None
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command and turn expected errors into one line and an exit code."""
        try:
            return super().invoke(ctx)
        except InvalidOrder as error:
            raise Refused(_faults(error)) from None
        except (InvalidInput, SettingsError) as error:
            raise Refused(str(error)) from None
        except AngelXError as error:
            raise click.ClickException(str(error)) from None


def _faults(error: InvalidOrder) -> str:
    lines = [
        f"orders[{fault.index}].{fault.field} {fault.detail}, was {fault.value}"
        for fault in error.faults[:_SHOWN_FAULTS]
    ]
    rest = len(error.faults) - len(lines)
    if rest:
        lines.append(f"and {rest} more")
    return "\n  ".join(["no order was accepted:", *lines])


@click.group(cls=Root)
@click.version_option(package_name="angel-x")
def cli() -> None:
    """The backend of an Indian index-options book.

    `angel-x up` starts the whole system, `angel-x demo` shows it at work.
    """
