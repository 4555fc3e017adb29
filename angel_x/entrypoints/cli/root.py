"""The command ``angel-x``: its subcommands, each imported when it is used, and its exit codes.

0: done.  1: it could not be done.  2: the request is invalid, so nothing was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import NamedTuple

import click
from click.exceptions import NoSuchCommand
from click.shell_completion import CompletionItem

from angel_x.errors import AngelXError, InvalidInput, InvalidOrder
from angel_x.services.intake.storable_text import check_text
from config.settings import SettingsError

_ROOM = "angel_x.entrypoints.cli"


class Place(NamedTuple):
    """The place of a command that is not imported yet."""

    #: Of this package unless it is named in full.  A command has its own name there, with underscores.
    module: str
    #: The first sentence of its help: the list of commands is shown without importing any.
    help: str


COMMANDS: Mapping[str, Place] = {
    "demo": Place(
        "angel_x.rehearsal.demo.cli",
        "Start everything, trade, kill a worker half way, and prove that nothing went wrong.",
    ),
    "up": Place("system", "Run the whole system until Ctrl-C; processes that die are restarted."),
    "chaos": Place(
        "angel_x.rehearsal.chaos.cli",
        "Run the whole system through a storm of faults, and prove that no order was lost or doubled.",
    ),
    "soak": Place(
        "angel_x.rehearsal.soak.cli",
        "Run the whole system under a steady load, and prove that no process grows.",
    ),
    "submit": Place(
        "orders", "Hand in the orders of FILE, JSON or CSV, or of standard input with ``-``."
    ),
    "orders": Place("orders", "List orders, show one, or change one."),
    "basket": Place("baskets", "Submit the orders of FILE, JSON or CSV, as legs of one basket."),
    "positions": Place("account", "Show open positions with profit and Greeks."),
    "portfolio": Place("account", "Show the value and the Greeks of an account."),
    "trades": Place(
        "statements", "Show round trips that were closed within 24 hours, the newest first."
    ),
    "fills": Place("statements", "Show the fills of an account, the newest first."),
    "ledger": Place("statements", "Show the ledger of an account, the newest entry first."),
    "scenarios": Place(
        "scenarios",
        "Show the book of an account in a grid of spots, volatilities and days, with margin and payoff.",
    ),
    "contract-note": Place(
        "statements",
        "Show trades and settlements of an account on a day of the market, with charges by item.",
    ),
    "pnl": Place(
        "statements",
        "Show realised P&L by day, underlying or tag: by average cost, and first in, first out.",
    ),
    "equity": Place("account", "Show the equity curve of an account, the newest snapshot first."),
    "greeks": Place("market", "Show the quote and the Greeks of one contract."),
    "chain": Place("market", "Show the option chain of an underlying, around the money."),
    "calendar": Place(
        "calendar", "Show whether a session is held on a day, by default today in India."
    ),
    "contracts": Place("contracts", "Listed contracts."),
    "settle": Place(
        "settlement", "Settle expired positions in cash at the closing value of their index."
    ),
    "span": Place("span", "Show the risk parameter file from which margin is computed."),
    "users": Place("access", "Accounts."),
    "keys": Place("access", "API keys."),
    "limits": Place("limits", "Risk limits on orders and accounts."),
    "kill-switch": Place("controls", "Halt or resume trading."),
    "square-off": Place(
        "controls",
        "Cancel open orders and close positions of --user or --system, short positions first.",
    ),
    "alerts": Place(
        "alerts",
        "Alerts to people by Telegram, mail, webhooks and others; `--system` are the operators.",
    ),
    "telegram": Place("telegram", "Take commands of listed people by Telegram, until a signal."),
    "audit": Place("repair", "Show the audit entries, the newest first."),
    "status": Place(
        "status",
        "Show queues, processes, traffic, the age of Greeks and alerts of the whole system.",
    ),
    "top": Place("top", "Show the whole system live, until Ctrl-C."),
    "schedule": Place("schedule", "Show last run, next run and lateness of each periodic task."),
    "api": Place("processes", "Serve the HTTP API."),
    "worker": Place("processes", "Run the Celery worker of one CLASS."),
    "beat": Place("processes", "Run the scheduler; of several, one leads."),
    "flower": Place("processes", "Run Flower, read-only and behind a password."),
    "desk": Place("desk", "Serve the desk, a page for traders and operators."),
    "feed": Place("feed", "Run the feed until a signal, or send a command to the running feed."),
    "relay": Place("processes", "Ring again for orders that no message has brought to a decision."),
    "metrics": Place("processes", "Serve all processes' metrics on one page."),
    "live": Place(
        "live",
        "Show the trading mode, the accounts that trade live, and the reason why no order passes.",
    ),
    "broker": Place("broker", "The trading broker."),
    "shadow": Place(
        "shadow",
        "Show live orders of a day beside what the paper exchange would have done with them.",
    ),
    "fake-exchange": Place(
        "angel_x.rehearsal.fake_exchange.cli",
        "Serve a fake of Angel One's exchange on this machine until Ctrl-C.",
    ),
    "bench": Place(
        "bench",
        "Measure this machine, each row beside a baseline in one run; servers of its own are started.",
    ),
    "db": Place("database", "The database."),
    "redis": Place("redis_report", "The message broker and the cache."),
    "openings": Place(
        "openings",
        "Import opening positions and cash of an account from FILE, a CSV, all or none.",
    ),
    "export": Place(
        "export",
        "Write the whole history of an account: trades, fills, orders, ledger, positions or Greeks.",
    ),
    "doctor": Place(
        "doctor",
        "Check settings, machine, servers, books and targets of a system that runs or is down.",
    ),
    "reports": Place("reports", "List the weekly and monthly reviews, show one, or write one now."),
    "profile": Place(
        "angel_x.rehearsal.profiling.cli",
        "Show where the time and the memory of orders and Greeks go.",
    ),
    "backup": Place(
        "backup",
        "Write a verified backup of the database to DESTINATION, by default into the home.",
    ),
    "restore": Place(
        "backup", "Restore the backup FILE into the database of a system that is stopped."
    ),
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
        name = COMMANDS[cmd_name].module
        module = import_module(name if "." in name else f"{_ROOM}.{name}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the names of commands without importing any, and the options."""
        names = [
            CompletionItem(name, help=place.help)
            for name, place in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*names, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.help) for name, place in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; a misspelled one is refused with those of a similar name."""
        try:
            return super().resolve_command(ctx, args)
        except NoSuchCommand as error:
            raise NoSuchCommand(error.command_name, possibilities=COMMANDS, ctx=ctx) from None

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


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="angel-x")
def cli() -> None:
    """The backend of an Indian index-options book.

    `angel-x up` starts the whole system, `angel-x demo` shows it at work.
    """
