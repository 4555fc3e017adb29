"""A soak in a home of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rich.console import Console

from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.programs import MarketChoice
from angel_x.rehearsal.session import Rehearsal, isolated
from angel_x.rehearsal.soak.options import SoakOptions
from angel_x.rehearsal.soak.report import SoakReport
from angel_x.rehearsal.soak.run import SoakRun
from config.settings import Settings

#: The servers and the programs of :func:`angel_x.entrypoints.up.programs.stages`.
_PARTS = 14


def soak(
    settings: Settings,
    environ: Mapping[str, str],
    options: SoakOptions,
    console: Console,
    tell: Callable[[SoakReport], None],
) -> bool:
    """Run the soak, print its report, and return whether every rule holds.

    The errors are those of :meth:`Rehearsal.run`.
    """
    market = MarketChoice(seed=options.seed)
    return (
        Rehearsal(
            plan=isolated(settings, environ, settings.home_path / "soak", market),
            console=console,
            terminal=Terminal(Console(quiet=True)),
            parts=_PARTS,
            perform=lambda running: SoakRun(running, options).report(),
            tell=tell,
            keeps_home=options.keeps_home,
        )
        .run()
        .holds
    )
