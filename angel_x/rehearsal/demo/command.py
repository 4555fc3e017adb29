"""``angel-x demo``: a home of its own, the system in it, the show, the report, and nothing left."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import msgspec
from rich.console import Console

from angel_x.adapters.servers import erase
from angel_x.bootstrap import build
from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.addresses import free_ports
from angel_x.entrypoints.up.programs import MarketChoice
from angel_x.entrypoints.up.system import Plan, Stopped, System, run, where_to_look
from angel_x.rehearsal.demo.demonstration import Show, Stage
from angel_x.rehearsal.demo.report import Report, conduct_rules
from angel_x.rehearsal.phases import STARTUP, Phases
from angel_x.rehearsal.progress import Bars
from config.settings import PREFIX, Settings

#: The demonstration never touches servers that are given: it lists contracts and counts all orders.
_FOREIGN = ("DATABASE_URL", "REDIS_URL", "BROKER_URL", "CACHE_URL", "API_URL", "API_KEY")
_STARTING = "processes ready"
#: The servers and the programs of :func:`angel_x.entrypoints.up.programs.stages`.
_PARTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    orders: int
    seed: int
    chain: Path | None
    speed: float
    #: Keep the system running after the report, until Ctrl-C.
    keeps: bool


def demonstrate(
    settings: Settings,
    environ: Mapping[str, str],
    options: Options,
    console: Console,
    tell: Callable[[Report], None],
) -> bool:
    """Run the demonstration, tell its report, and say whether everything holds.

    What it stored is removed, unless a rule is broken or it failed: then there is something to
    look at.

    Raises:
        Stopped: A signal came before the report was made.
        ServerUnavailable: A server cannot be started, or another demonstration runs.
        ProgramFailed: A process did not become ready.
    """
    home = settings.home_path / "demo"
    _clear(home)
    plan = _plan(settings, environ, options, home)
    try:
        report = _run(plan, options, console, tell)
    except Stopped:
        _clear(home)
        raise
    if report.holds:
        _clear(home)
    else:
        console.print(f"What was stored is kept in {home.absolute()}")
    return report.holds


def _run(plan: Plan, options: Options, console: Console, tell: Callable[[Report], None]) -> Report:
    phases, made = Phases(), list[Report]()
    with Bars(console) as bars:

        async def work(system: System) -> None:
            phases.end(STARTUP)
            made.append(await _show(system, options, bars, phases))
            bars.stop()
            if options.keeps:
                tell(made[0])
                console.print("The system keeps running.  Ctrl-C stops it.")
                await asyncio.get_running_loop().create_future()

        bars.begin(_STARTING, _PARTS)
        try:
            run(
                plan, Terminal(console, narrates=False), work, lambda _name: bars.advance(_STARTING)
            )
        except Stopped:
            if not made:
                raise
    if not options.keeps:
        tell(made[0])
    return made[0]


def _plan(settings: Settings, environ: Mapping[str, str], options: Options, home: Path) -> Plan:
    api, flower, metrics = free_ports(settings.api_host, 3)
    own = {name: value for name, value in environ.items() if name not in _foreign()}
    return Plan(
        settings=msgspec.structs.replace(
            settings,
            home=str(home),
            api_port=api,
            flower_port=flower,
            metrics_port=metrics,
            submit_user="demo",
        ),
        environ=own,
        market=MarketChoice(chain=options.chain, seed=options.seed, speed=options.speed),
    )


def _foreign() -> set[str]:
    return {PREFIX + name for name in _FOREIGN}


def _clear(home: Path) -> None:
    if home.exists():
        erase(home)
        shutil.rmtree(home)


async def _show(system: System, options: Options, bars: Bars, clock: Phases) -> Report:
    stop = Event()
    try:
        return await asyncio.to_thread(_perform, system, options, bars, clock, stop)
    finally:
        # A thread cannot be canceled; it looks at the event between two steps.
        stop.set()


def _perform(system: System, options: Options, bars: Bars, phases: Phases, stop: Event) -> Report:
    with closing(build(system.settings, role="demo")) as application:
        show = Show(
            Stage(
                application=application,
                api_url=system.addresses.api_url,
                orders=options.orders,
                seed=options.seed,
                pids=system.supervisor.pids,
                bars=bars,
                stop=stop,
            )
        )
        show.open_accounts()
        chain = show.await_market()
        phases.end("first Greeks")
        strike, refusals = show.trade(chain)
        phases.end("orders accepted")
        trading = show.await_decisions()
        phases.end("orders decided")
        accounts = show.accounts()
        phases.end("accounts valued")
        feats = show.feats(chain)
        phases.end("feats shown")
        invariants = [*show.invariants(), *conduct_rules(refusals, strike, trading, feats)]
        phases.end("invariants checked")
        return Report(
            seed=options.seed,
            phases=phases.seconds,
            trading=trading,
            refusals=refusals,
            strike=strike,
            feats=feats,
            accounts=accounts,
            chain=application.analytics.option_chains.chain(chain.underlying, chain.expiry),
            memory=show.memory(),
            invariants=invariants,
            where_to_look=where_to_look(system),
        )
