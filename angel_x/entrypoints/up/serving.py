"""``angel-x up``: the system runs until a signal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

from rich.console import Console

from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.system import Stopped, System, SystemPlan, run, where_to_look
from config.settings import Settings

READY = "Angel-X is ready"


def serve(plan: SystemPlan, console: Console, *, verbose: bool) -> None:
    """Run the system until a signal.

    Raises:
        ServerUnavailable: A server cannot be started, or a port is taken.
        ProgramFailed: A process did not become ready.
    """
    began = monotonic()

    def report(name: str) -> None:
        console.print(f"[green]✓[/] {name:<17} {monotonic() - began:5.1f} s", highlight=False)

    console.print(f"Angel-X starts in {plan.settings.home_path.absolute()}", highlight=False)
    try:
        run(plan, Terminal(console, verbose=verbose), _until_stopped(console, began, plan), report)
    except Stopped:
        console.print("Angel-X has stopped.")


def _until_stopped(
    console: Console, began: float, plan: SystemPlan
) -> Callable[[System], asyncio.Future[None]]:
    def work(system: System) -> asyncio.Future[None]:
        shown = [
            *where_to_look(system),
            ("Market", plan.market.title),
            ("Trading", _trading(system.settings)),
        ]
        lines = [f"  {name:<18} {place}" for name, place in shown]
        console.print(
            f"\n[bold green]{READY}[/] after {monotonic() - began:.1f} s.  Ctrl-C stops it.\n",
            "\n".join(lines),
            sep="\n",
            highlight=False,
            soft_wrap=True,
        )
        # Never done: only a signal ends it.
        return asyncio.get_running_loop().create_future()

    return work


def _trading(settings: Settings) -> str:
    """Return the trading mode; live trading begins with a confirmation."""
    if not settings.is_live:
        return "PAPER, without money"
    users = ", ".join(settings.live_accounts)
    return f"LIVE, with money, for {users}: `angel-x live` shows whether orders pass"
