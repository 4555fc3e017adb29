"""One rehearsal: a home of its own, the whole system in it, work in a thread, a report, and no remains."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Generic, Protocol, TypeVar

import msgspec
from rich.console import Console

from angel_x.adapters.servers import erase
from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.addresses import free_ports
from angel_x.entrypoints.up.programs import MarketChoice
from angel_x.entrypoints.up.system import Stopped, System, SystemPlan, run
from angel_x.rehearsal.phases import STARTUP, Phases
from angel_x.rehearsal.progress import Bars
from config.settings import PREFIX, Settings

#: A rehearsal lists contracts, counts all orders and breaks servers, so it never uses given ones.
_FOREIGN = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "CACHE_URL", "API_URL", "API_KEY")
_STARTING = "processes ready"


class CheckedReport(Protocol):
    """The report of a rehearsal."""

    @property
    def holds(self) -> bool:
        """Return whether every rule holds."""
        ...


_Report = TypeVar("_Report", bound=CheckedReport)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A system that is ready, and how its rehearsal is followed and stopped."""

    system: System
    phases: Phases
    bars: Bars
    #: Set when a signal has come; looked at between two steps.
    stop: Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal(Generic[_Report]):
    """One rehearsal: it runs a system and its work, and prints a report."""

    #: With a home of its own, from :func:`isolated`.
    plan: SystemPlan
    console: Console
    terminal: Terminal
    #: The servers and the programs of the plan.
    parts: int
    #: Runs in a thread.
    perform: Callable[[Running], _Report]
    tell: Callable[[_Report], None]
    #: Keep the system running after the report, until Ctrl-C.
    keeps_running: bool = False
    #: Keep the home although every rule holds.
    keeps_home: bool = False

    def run(self) -> _Report:
        """Run the system and the work, print the report, and return it.

        The home is removed, unless a rule is broken or the work failed.

        Raises:
            Stopped: A signal came before the report was made.
            ServerUnavailable: A server cannot be started, or another rehearsal runs in this home.
            ProgramFailed: A process did not become ready.
        """
        home = self.plan.settings.home_path
        _clear(home)
        try:
            report = self._report()
        except Stopped:
            _clear(home)
            raise
        if report.holds and not self.keeps_home:
            _clear(home)
        else:
            self.console.print(f"What was stored is kept in {home.absolute()}")
        return report

    def _report(self) -> _Report:
        phases, made = Phases(), list[_Report]()
        with Bars(self.console) as bars:

            async def work(system: System) -> None:
                phases.end(STARTUP)
                made.append(await self._perform(system, phases, bars))
                bars.stop()
                if self.keeps_running:
                    self.tell(made[0])
                    self.console.print("The system keeps running.  Ctrl-C stops it.")
                    await asyncio.get_running_loop().create_future()

            bars.begin(_STARTING, self.parts)
            try:
                run(self.plan, self.terminal, work, lambda _name: bars.advance(_STARTING))
            except Stopped:
                if not made:
                    raise
        if not self.keeps_running:
            self.tell(made[0])
        return made[0]

    async def _perform(self, system: System, phases: Phases, bars: Bars) -> _Report:
        running = Running(system=system, phases=phases, bars=bars, stop=Event())
        try:
            return await asyncio.to_thread(self.perform, running)
        finally:
            # A thread cannot be canceled; it looks at the event between two steps.
            running.stop.set()


def isolated(
    settings: Settings,
    environ: Mapping[str, str],
    home: Path,
    market: MarketChoice,
    **changes: object,
) -> SystemPlan:
    """Return the plan of a system on free ports, with servers of its own, in ``home``."""
    ports = ("api_port", "flower_port", "metrics_port", "desk_port")
    free = dict(zip(ports, free_ports(settings.api_host, len(ports)), strict=True))
    foreign = {PREFIX + name for name in _FOREIGN}
    return SystemPlan(
        settings=msgspec.structs.replace(settings, home=str(home), **free, **changes),
        environ={name: value for name, value in environ.items() if name not in foreign},
        market=market,
    )


def _clear(home: Path) -> None:
    if home.exists():
        erase(home)
        shutil.rmtree(home)
