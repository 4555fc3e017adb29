"""The steps of one storm: accounts and a market, load and faults, and the check of everything."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing

import msgspec

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.adapters.postgres.tally import Tally
from angel_x.bootstrap import Application, build
from angel_x.domain.orders.order import Priority
from angel_x.rehearsal import history
from angel_x.rehearsal.chaos.report import Bounds, ChaosReport
from angel_x.rehearsal.chaos.storm import Storm
from angel_x.rehearsal.chaos.stormy_load import PATIENT, ChaosSetup, StormyLoad
from angel_x.rehearsal.chaos.waits import Waits, waits_by_kind
from angel_x.rehearsal.chaos.worker_check import unresponsive_workers
from angel_x.rehearsal.check import check_history
from angel_x.rehearsal.load import Load

#: The account whose orders show which workers still take messages.
_CHECK_ACCOUNT = "roll"


class ChaosRun:
    """One run, in one thread.  The load and the storm have threads of their own."""

    def __init__(self, setup: ChaosSetup) -> None:
        self._options = setup.options
        self._running = setup.running
        self._system = setup.running.system
        self._stormy = StormyLoad(setup)

    def report(self) -> ChaosReport:
        """Run every step and return the report."""
        phases, stormy = self._running.phases, self._stormy
        settings = msgspec.structs.replace(self._system.settings, **PATIENT)
        with closing(build(settings, role="chaos")) as application, ExitStack() as s:
            evidence, load = Evidence(application.base.engine), stormy.load(application, s)
            work = load.work(stormy.market(application))
            phases.end("market ready")
            storm = stormy.storm()
            drained = stormy.run(storm, evidence, work)
            phases.end("storm and load")
            if not stormy.drain(evidence):
                drained = None
            phases.end("drained")
            unresponsive = self._unresponsive_workers(application, load, evidence)
            phases.end("workers checked")
            return self._report(application, storm, drained, unresponsive)

    def _unresponsive_workers(
        self, application: Application, load: Load, evidence: Evidence
    ) -> list[str]:
        trader, instrument = load.trader(_CHECK_ACCOUNT), self._stormy.market(application)[0]
        return unresponsive_workers(
            self._stormy.environment(), trader, instrument, evidence.undecided
        )

    def _report(
        self,
        application: Application,
        storm: Storm,
        drained: float | None,
        unresponsive: Sequence[str],
    ) -> ChaosReport:
        evidence, tally = Evidence(application.base.engine), Tally(application.base.engine)
        check = check_history(
            history.read(self._stormy.histories),
            evidence.orders(),
            twice=evidence.doubled_executions(),
            patience=self._stormy.timeout,
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
