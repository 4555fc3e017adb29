"""``angel-x chaos``: a home of its own, the system in it, the load, the storm and the report."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import msgspec
from rich.console import Console

from angel_x.adapters.servers import erase
from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.addresses import Addresses, free_ports
from angel_x.entrypoints.up.programs import MarketChoice, Stages
from angel_x.entrypoints.up.system import Plan, Stopped, System, run
from angel_x.rehearsal.chaos import programs
from angel_x.rehearsal.chaos.options import Options
from angel_x.rehearsal.chaos.passages import Passages, open_passages
from angel_x.rehearsal.chaos.report import Report
from angel_x.rehearsal.chaos.run import Ordeal, Trial
from angel_x.rehearsal.phases import STARTUP, Phases
from angel_x.rehearsal.progress import Bars
from config.settings import PREFIX, Settings

#: A storm never touches servers that are given.
_FOREIGN = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "CACHE_URL", "API_URL", "API_KEY")
#: Shorter than usual, so that a run shows that an answer comes in time, and that a worker which is
#: stopped past its lease has lost it.
_SHORTER = {"API_RESPONSE_TIMEOUT": 10.0, "ORDER_LEASE_SECONDS": 3.0}
_STARTING = "processes ready"
#: The servers, the feed, the workers that no order waits for, and whoever has a role.
_PARTS = 5 + sum(map(len, programs.ROLES.values()))


def storm(
    settings: Settings,
    environ: Mapping[str, str],
    options: Options,
    console: Console,
    tell: Callable[[Report], None],
) -> bool:
    """Run the storm, tell its report, and say whether everything holds.

    What it stored is removed, unless a rule is broken or it failed: then there is something to
    look at.

    Raises:
        Stopped: A signal came before the report was made.
        ServerUnavailable: A server cannot be started, or another storm runs here.
        ProgramFailed: A process did not become ready.
    """
    home = settings.home_path / "chaos"
    _clear(home)
    try:
        report = _run(settings, environ, options, console, home)
    except Stopped:
        _clear(home)
        raise
    tell(report)
    if report.holds and not options.keeps_home:
        _clear(home)
    else:
        console.print(f"What was stored is kept in {home.absolute()}")
    return report.holds


def _run(
    settings: Settings, environ: Mapping[str, str], options: Options, console: Console, home: Path
) -> Report:
    phases, made, opened = Phases(), list[Report](), list[Passages]()

    with ExitStack() as stack:
        bars = stack.enter_context(Bars(console))
        # Short: the path of a socket may not be long.
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="angel-x-chaos-")))

        def choose(
            addresses: Addresses, variables: Mapping[str, str], market: MarketChoice
        ) -> Stages:
            passages = open_passages(
                addresses.database_url, addresses.broker_redis_url, sockets, stack
            )
            opened.append(passages)
            return programs.stages(addresses, variables, market, passages=passages)

        async def work(system: System) -> None:
            phases.end(STARTUP)
            trial = Trial(system=system, passages=opened[0], options=options, bars=bars)
            made.append(await _endure(trial, phases))

        plan = _plan(settings, environ, options, home, choose)
        bars.begin(_STARTING, _PARTS)
        quiet = Terminal(Console(quiet=True))
        run(plan, quiet, work, lambda _name: bars.advance(_STARTING))
    return made[0]


async def _endure(trial: Trial, phases: Phases) -> Report:
    stop = Event()
    try:
        return await asyncio.to_thread(Ordeal(trial, stop).run, phases)
    finally:
        # A thread cannot be canceled; it looks at the event between two steps.
        stop.set()


def _plan(
    settings: Settings,
    environ: Mapping[str, str],
    options: Options,
    home: Path,
    choose: Callable[[Addresses, Mapping[str, str], MarketChoice], Stages],
) -> Plan:
    api, flower, metrics = free_ports(settings.api_host, 3)
    own = {name: v for name, v in environ.items() if name.removeprefix(PREFIX) not in _FOREIGN}
    return Plan(
        settings=msgspec.structs.replace(
            settings,
            home=str(home),
            api_port=api,
            flower_port=flower,
            metrics_port=metrics,
            **{name.lower(): seconds for name, seconds in _SHORTER.items()},
        ),
        environ={**own, **{PREFIX + name: f"{s:g}" for name, s in _SHORTER.items()}},
        market=MarketChoice(seed=options.seed),
        programs=choose,
    )


def _clear(home: Path) -> None:
    if home.exists():
        erase(home)
        shutil.rmtree(home)
