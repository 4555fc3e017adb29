"""The demonstration in a home of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console

from angel_x.bootstrap import build
from angel_x.client import Client
from angel_x.entrypoints.supervisor.output import Terminal
from angel_x.entrypoints.up.preparation import DEMO_USER
from angel_x.entrypoints.up.programs import MarketChoice
from angel_x.entrypoints.up.system import where_to_look
from angel_x.rehearsal.demo.demonstration import Demonstration, DemoSetup
from angel_x.rehearsal.demo.expiry_day import ExpiryDay
from angel_x.rehearsal.demo.expiry_report import ExpiryReport
from angel_x.rehearsal.demo.report import DemoReport, conduct_rules
from angel_x.rehearsal.patience import Patience
from angel_x.rehearsal.phases import STARTUP
from angel_x.rehearsal.session import Rehearsal, Running, isolated
from config.settings import Settings

#: The servers and the programs of :func:`angel_x.entrypoints.up.programs.stages`.
_PARTS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    orders: int
    seed: int
    chain: Path | None
    speed: float
    #: Keep the system running after the report, until Ctrl-C.
    keeps: bool


def demonstrate(
    settings: Settings,
    environ: Mapping[str, str],
    options: DemoOptions,
    console: Console,
    tell: Callable[[DemoReport], None],
) -> DemoReport:
    """Run the demonstration, print its report, and return it.

    The errors are those of :meth:`Rehearsal.run`.

    Raises:
        NotFinished: Nothing moved any more, so there is no report.
    """
    market = MarketChoice(chain=options.chain, seed=options.seed, speed=options.speed)
    home = settings.home_path / "demo"
    # Without --keep it ends before anybody can log in.
    has_desk = options.keeps and settings.desk_enabled
    return Rehearsal(
        plan=isolated(settings, environ, home, market, submit_user="demo", desk_enabled=has_desk),
        console=console,
        terminal=Terminal(console, narrates=False),
        parts=_PARTS,
        perform=lambda running: _perform(running, options),
        tell=tell,
        keeps_running=options.keeps,
    ).run()


def replay_expiry(
    settings: Settings,
    environ: Mapping[str, str],
    chain: Path,
    day: date,
    console: Console,
    tell: Callable[[ExpiryReport], None],
) -> ExpiryReport:
    """Replay a day of expiry from its opening to its settlement, print the report, and return it.

    The errors are those of :meth:`Rehearsal.run`.

    Raises:
        NotFinished: A step did not happen, so there is no report.
    """
    market, home = MarketChoice(chain=chain, day=day), settings.home_path / "demo"
    return Rehearsal(
        plan=isolated(
            settings, environ, home, market, submit_user="demo", desk_enabled=False,
            settlement_wait_seconds=0.0,
        ),
        console=console,
        terminal=Terminal(console, narrates=False),
        parts=_PARTS,
        perform=lambda running: _perform_expiry(running, day),
        tell=tell,
    ).run()  # fmt: skip


def _perform_expiry(running: Running, day: date) -> ExpiryReport:
    system, phases = running.system, running.phases
    with (
        closing(build(system.settings, role="demo")) as application,
        Client(system.addresses.api_url, system.key) as client,
    ):
        patience = Patience(running.stop, phases.seconds[STARTUP])
        account = application.people.accounts.named(DEMO_USER)
        steps = ExpiryDay(
            application=application, client=client, user_id=account.id, day=day, patience=patience
        )
        steps.check()
        opening_cash = client.margin().cash
        pair = steps.await_opening()
        phases.end("opening priced")
        steps.trade_at_opening(pair)
        phases.end("opening traded")
        steps.trade_at_close(pair)
        phases.end("close traded")
        steps.await_settlement()
        phases.end("settled")
        note = steps.note()
        return ExpiryReport(
            day=day,
            note=note,
            invariants=steps.rules(note, opening_cash),
            unfinished=patience.unfinished,
            phases=phases.seconds,
        )


def _perform(running: Running, options: DemoOptions) -> DemoReport:
    system, phases = running.system, running.phases
    with closing(build(system.settings, role="demo")) as application:
        setup = DemoSetup(
            application=application, running=running, orders=options.orders, seed=options.seed
        )
        patience = Patience(running.stop, phases.seconds[STARTUP])
        demonstration = Demonstration(setup, patience)
        demonstration.open_accounts()
        chain = demonstration.await_market()
        phases.end("first Greeks")
        worker_kill, refusals = demonstration.trade(chain)
        phases.end("orders accepted")
        trading = demonstration.await_decisions()
        phases.end("orders decided")
        accounts = demonstration.accounts()
        phases.end("accounts valued")
        scenarios = demonstration.scenarios(chain)
        phases.end("scenarios shown")
        conduct = conduct_rules(refusals, worker_kill, trading, scenarios)
        invariants = [*demonstration.invariants(), *conduct]
        phases.end("invariants checked")
        return DemoReport(
            seed=options.seed,
            phases=phases.seconds,
            trading=trading,
            refusals=refusals,
            worker_kill=worker_kill,
            scenarios=scenarios,
            accounts=accounts,
            chain=application.analytics.option_chains.chain(chain.underlying, chain.expiry),
            memory=demonstration.memory(),
            invariants=invariants,
            unfinished=patience.unfinished,
            where_to_look=where_to_look(system),
        )
