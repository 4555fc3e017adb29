"""The steps of one soak: accounts and a market, load and samples, and the check of everything."""

from __future__ import annotations

from contextlib import ExitStack, closing

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.adapters.postgres.tally import Tally
from angel_x.bootstrap import Application, build
from angel_x.rehearsal.load import Load
from angel_x.rehearsal.market import live_instruments
from angel_x.rehearsal.orders import Instrument
from angel_x.rehearsal.patience import Patience
from angel_x.rehearsal.phases import STARTUP
from angel_x.rehearsal.session import Running
from angel_x.rehearsal.soak.options import SoakOptions
from angel_x.rehearsal.soak.record import WARM_UP, Record
from angel_x.rehearsal.soak.report import SoakReport
from angel_x.rehearsal.soak.sampler import sampled
from angel_x.rehearsal.trader import traders
from angel_x.rehearsal.waiting import Interrupted

#: Samples of a whole soak, and the shortest and longest seconds between two.
_SAMPLES = 480
_SHORTEST, _LONGEST = 0.5, 10.0
_SETTLED = "orders settled"


class SoakRun:
    """One run, in one thread.  The load and the samples have threads of their own."""

    def __init__(self, running: Running, options: SoakOptions) -> None:
        self._running = running
        self._options = options
        self._system = running.system
        self._patience = Patience(running.stop, running.phases.seconds[STARTUP])
        self._interval = min(_LONGEST, max(_SHORTEST, options.minutes * 60 / _SAMPLES))

    def report(self) -> SoakReport:
        """Run every step and return the report."""
        phases = self._running.phases
        with closing(build(self._system.settings, role="soak")) as application, ExitStack() as s:
            load = self._load(application, s)
            work = load.work(self._await_market(application))
            phases.end("market ready")
            record = Record()
            with sampled(record, self._pids, self._interval):
                self._running.bars.begin(_SETTLED, load.orders)
                with traders(work):
                    pass
            if self._running.stop.is_set():
                raise Interrupted("the soak was told to stop")
            phases.end("load")
            evidence = Evidence(application.base.engine)
            undecided = evidence.undecided
            self._patience.wait(
                "the decision of orders", lambda: undecided() == 0, progress=undecided
            )
            phases.end("drained")
            return self._report(application, record, undecided())

    def _load(self, application: Application, stack: ExitStack) -> Load:
        settings, options = self._system.settings, self._options
        return Load(
            application=application,
            addresses=self._system.addresses,
            orders=max(1, round(options.orders_per_second * options.minutes * 60)),
            minutes=options.minutes,
            seed=options.seed,
            folder=settings.home_path / "history",
            timeout=settings.api_response_timeout,
            stop=self._running.stop,
            advance=lambda orders: self._running.bars.advance(_SETTLED, orders),
            stack=stack,
        )

    def _await_market(self, application: Application) -> list[Instrument]:
        """Return the contracts around the money as soon as all of them have a mark price."""
        found: list[Instrument] = []

        def is_alive() -> bool:
            found[:] = live_instruments(application)
            return bool(found)

        if not self._patience.wait("the market", is_alive):
            raise Interrupted("the market did not come to life")
        return found

    def _pids(self) -> dict[str, int]:
        return {**self._system.supervisor.pids(), **self._system.servers.pids()}

    def _report(self, application: Application, record: Record, undecided: int) -> SoakReport:
        tally = Tally(application.base.engine)
        trends = list(record.trends(WARM_UP * self._options.minutes * 60))
        books = application.operations.invariants.check(application.base.market_clock())
        self._running.phases.end("checked")
        judged = {each.program for each in trends}
        return SoakReport(
            options=self._options,
            phases=self._running.phases.seconds,
            interval=self._interval,
            trends=trends,
            unjudged=sorted(self._pids().keys() - judged),
            by_status=tally.by_status(),
            latency=tally.latency(),
            undecided=undecided,
            books=books,
        )
