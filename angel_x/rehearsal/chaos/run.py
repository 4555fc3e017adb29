"""The steps of one storm: accounts and a market, load and faults, and the check of everything."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from threading import Thread

import msgspec

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.adapters.postgres.tally import Tally
from angel_x.bootstrap import Application, build
from angel_x.domain.orders.order import Priority
from angel_x.entrypoints.supervisor import ready_when_it_answers
from angel_x.rehearsal import history
from angel_x.rehearsal.chaos.environment import Environment
from angel_x.rehearsal.chaos.options import ChaosOptions
from angel_x.rehearsal.chaos.passages import Passages
from angel_x.rehearsal.chaos.programs import ROLES
from angel_x.rehearsal.chaos.report import Bounds, ChaosReport
from angel_x.rehearsal.chaos.storm import Storm, schedule
from angel_x.rehearsal.chaos.waits import Waits, waits_by_kind
from angel_x.rehearsal.chaos.worker_check import unresponsive_workers
from angel_x.rehearsal.check import check_history
from angel_x.rehearsal.load import Load
from angel_x.rehearsal.market import live_instruments
from angel_x.rehearsal.orders import Instrument
from angel_x.rehearsal.patience import Patience
from angel_x.rehearsal.phases import STARTUP
from angel_x.rehearsal.session import Running
from angel_x.rehearsal.trader import Work, traders
from angel_x.rehearsal.waiting import Interrupted, holds_within, through_outages
from config.queues import QueueName

#: The account whose orders show which workers still take messages.
_CHECK_ACCOUNT = "roll"
#: Settings of this process: a check reads every order of a long run in one statement.
_PATIENT = {"db_query_timeout_seconds": 1800.0, "order_lease_seconds": 1800.0}
#: Seconds that a request may take beyond API_RESPONSE_TIMEOUT.
_SLACK = 5.0
#: Seconds until the market lives, and until accepted orders are decided.
_TIMEOUT = 120.0
#: The part of the time in which faults are injected; orders are sent all the time.
_STORMY = 0.97
#: Faults that are scheduled for each that is required: some cannot be verified.
_SPARE = 1.15
_SETTLED, _INJECTED = "orders settled", "faults injected"
#: Most of the traffic is normal; the intake carries the orders themselves.
_QUEUES = (
    QueueName.NORMAL.value,
    QueueName.NORMAL.value,
    QueueName.LOW.value,
    QueueName.HIGH.value,
    QueueName.INTAKE.value,
)


@dataclass(frozen=True, slots=True)
class ChaosSetup:
    """A running system, the proxies in its connections, and the options of the storm."""

    running: Running
    passages: Passages
    options: ChaosOptions


class ChaosRun:
    """One run, in one thread.  The load and the storm have threads of their own."""

    def __init__(self, setup: ChaosSetup) -> None:
        self._setup = setup
        self._options = setup.options
        self._running = setup.running
        self._system = setup.running.system
        self._stop = setup.running.stop
        self._histories = self._system.settings.home_path / "history"
        self._patience = Patience(self._stop, setup.running.phases.seconds[STARTUP])

    def report(self) -> ChaosReport:
        """Run every step and return the report."""
        phases = self._running.phases
        settings = msgspec.structs.replace(self._system.settings, **_PATIENT)
        with closing(build(settings, role="chaos")) as application, ExitStack() as s:
            evidence, load = Evidence(application.base.engine), self._load(application, s)
            work = load.work(self._await_market(application))
            phases.end("market ready")
            storm = self._storm()
            drained = self._run_with_load(storm, evidence, work)
            phases.end("storm and load")
            if not self._drain(evidence):
                drained = None
            phases.end("drained")
            unresponsive = self._unresponsive_workers(application, load, evidence)
            phases.end("workers checked")
            return self._report(application, storm, drained, unresponsive)

    def _run_with_load(self, storm: Storm, evidence: Evidence, work: Work) -> float | None:
        """Run the storm and the load at the same time.

        Returns the seconds from the last repair until every order was decided that had been
        accepted by then; None where that took too long.
        """
        self._running.bars.begin(_SETTLED, self._options.orders)
        drained: list[float | None] = []
        faults = Thread(target=lambda: drained.append(self._run(storm, evidence)), name="storm")
        faults.start()
        try:
            with traders(work):
                pass
        finally:
            faults.join()
        if self._stop.is_set():
            raise Interrupted("the storm was told to stop")
        return drained[0]

    def _unresponsive_workers(
        self, application: Application, load: Load, evidence: Evidence
    ) -> list[str]:
        trader, instrument = load.trader(_CHECK_ACCOUNT), self._await_market(application)[0]
        return unresponsive_workers(self._environment(), trader, instrument, evidence.undecided)

    def _load(self, application: Application, stack: ExitStack) -> Load:
        return Load(
            application=application,
            addresses=self._system.addresses,
            orders=self._options.orders,
            minutes=self._options.minutes,
            seed=self._options.seed,
            folder=self._histories,
            timeout=self._timeout,
            stop=self._stop,
            advance=lambda orders: self._running.bars.advance(_SETTLED, orders),
            stack=stack,
        )

    @property
    def _timeout(self) -> float:
        return self._system.settings.api_response_timeout + self._patience.seconds(_SLACK)

    def _await_market(self, application: Application) -> list[Instrument]:
        """Return the contracts around the money as soon as all of them have a mark price."""
        found: list[Instrument] = []

        def is_alive() -> bool:
            found[:] = live_instruments(application)
            return bool(found)

        if not holds_within(self._patience.seconds(_TIMEOUT), is_alive, self._stop):
            raise Interrupted("the market did not come to life")
        return found

    def _storm(self) -> Storm:
        options, environment = self._options, self._environment()
        count = round(options.faults * _SPARE) + 1
        faults = schedule(environment, options.seed, count, options.minutes * 60 * _STORMY)
        bars = self._running.bars
        bars.begin(_INJECTED, count)
        return Storm(environment, faults, lambda _fault: bars.advance(_INJECTED))

    def _environment(self) -> Environment:
        system = self._system
        return Environment(
            pids=system.supervisor.pids,
            server_pids=system.servers.pids,
            roles=ROLES,
            passages=self._setup.passages.proxies,
            broker_url=system.addresses.broker_redis_url,
            database_url=system.addresses.database_url,
            broker_folder=system.settings.home_path / "servers" / "broker",
            queues=_QUEUES,
            logs=system.settings.home_path / "logs",
            api_answers=ready_when_it_answers(f"{system.addresses.api_url}/livez"),
            lease_seconds=system.settings.order_lease_seconds,
            patience=self._patience.seconds,
            stop=self._stop,
        )

    def _run(self, storm: Storm, evidence: Evidence) -> float | None:
        """Inject the faults, and measure how long the orders of the storm take afterwards."""
        repaired = storm.run()
        by = through_outages(evidence.now, self._stop)
        is_drained = self._drain(evidence, by)
        return round(time.monotonic() - repaired, 2) if is_drained else None

    def _drain(self, evidence: Evidence, by: datetime | None = None) -> bool:
        """Return whether every order that was accepted until then is decided in time."""

        def is_drained() -> bool:
            return not through_outages(lambda: evidence.undecided(by), self._stop)

        return holds_within(self._patience.seconds(_TIMEOUT), is_drained, self._stop)

    def _report(
        self,
        application: Application,
        storm: Storm,
        drained: float | None,
        unresponsive: Sequence[str],
    ) -> ChaosReport:
        evidence, tally = Evidence(application.base.engine), Tally(application.base.engine)
        check = check_history(
            history.read(self._histories),
            evidence.orders(),
            twice=evidence.doubled_executions(),
            patience=self._timeout,
        )
        books = application.operations.invariants.check(application.base.market_clock())
        self._running.phases.end("checked")
        return ChaosReport(
            seed=self._options.seed,
            phases=self._running.phases.seconds,
            bounds=Bounds(faults=self._options.faults, drain_seconds=self._options.drain_seconds),
            faults=sorted(storm.faults, key=lambda fault: fault.at),
            check=check,
            by_status=tally.by_status(),
            denials=tally.denials(),
            latency=tally.latency(),
            drained_seconds=drained,
            emergency_waits=self._emergency_waits(storm, evidence),
            slowest_seconds=round(evidence.slowest_seconds(), 2),
            unresponsive=unresponsive,
            overtaken=evidence.overtaken(rings=(self._system.settings.max_rings + 1) // 2),
            books=books,
        )

    def _emergency_waits(self, storm: Storm, evidence: Evidence) -> Mapping[str, Waits]:
        began = evidence.now().timestamp() - (time.monotonic() - storm.began)
        return waits_by_kind(storm.faults, began, evidence.waits(Priority.EMERGENCY))
