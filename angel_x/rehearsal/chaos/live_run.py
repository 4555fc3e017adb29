"""The steps of a storm over live trading: confirmation, load and faults, then calm, and both sides side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from threading import Event, Thread

import msgspec

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.adapters.postgres.tally import Tally
from angel_x.bootstrap import TRANSIENT, Application, build
from angel_x.domain.exchange.reconciliation import Reconciliation
from angel_x.domain.orders.denial import DenialReason
from angel_x.errors import BrokerError
from angel_x.rehearsal import history
from angel_x.rehearsal.chaos import cache_faults
from angel_x.rehearsal.chaos.exchange_process import ExchangeProcess
from angel_x.rehearsal.chaos.live_report import LiveReport
from angel_x.rehearsal.chaos.live_rules import BothSides
from angel_x.rehearsal.chaos.report import Bounds
from angel_x.rehearsal.chaos.storm import KINDS, Storm
from angel_x.rehearsal.chaos.stormy_load import PATIENT, ChaosSetup, StormyLoad
from angel_x.rehearsal.check import check_history
from angel_x.rehearsal.waiting import Interrupted

_ACTOR = "chaos"
#: Seconds between two looks of the operator, at first, and at most after comparisons in vain: those take
#: the budget of reads from orders that wait for theirs.
_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


class LiveRun:
    """One run, in one thread.  The load, the storm and an operator have threads of their own."""

    def __init__(self, setup: ChaosSetup, exchange: ExchangeProcess) -> None:
        self._options = setup.options
        self._running = setup.running
        self._exchange = exchange
        self._stormy = StormyLoad(setup, (*KINDS, *cache_faults.KINDS))

    def report(self) -> LiveReport:
        """Run every step and return the report."""
        phases, stormy = self._running.phases, self._stormy
        settings = msgspec.structs.replace(self._running.system.settings, **PATIENT)
        with closing(build(settings, role="chaos")) as application, ExitStack() as s:
            evidence, storm = Evidence(application.base.engine), stormy.storm()
            work = stormy.load(application, s).work(stormy.market(application))
            trading = application.live.trading
            trading.confirm(trading.phrase(), _ACTOR)
            with _operator(application):
                self._wait_until_allowed(application)
                phases.end("live")
                drained = stormy.run(storm, evidence, work)
                phases.end("storm and load")
                self._exchange.calm()
                if not stormy.drain(evidence):
                    drained = None
            phases.end("drained")
            compared = self._compared(application)
            phases.end("compared")
            return self._report(application, storm, drained, compared)

    def _wait_until_allowed(self, application: Application) -> None:
        trading = application.live.trading
        if not self._stormy.patience.wait(
            "the permission to trade", lambda: trading.status().blocked is None
        ):
            raise Interrupted("no order may go to the exchange")

    def _compared(self, application: Application) -> Reconciliation | None:
        """Compare until both sides agree, or nothing has moved for long; return the last result."""
        found: list[Reconciliation] = []

        def agrees() -> bool:
            result = _reconciled(application)
            found.extend([result] if result else [])
            return result is not None and result.agrees

        self._stormy.patience.wait("equal books", agrees)
        return found[-1] if found else None

    def _sides(self, evidence: Evidence, compared: Reconciliation | None) -> BothSides:
        """Read both sides until their executions are equal: orders go on to trade while they are read."""
        found: list[BothSides] = []

        def agree() -> bool:
            exchange, executions = self._exchange.state(), evidence.executions()
            found.append(
                BothSides(exchange=exchange, executions=executions, reconciliation=compared)
            )
            return Counter(executions) == Counter(exchange.executions.keys())

        self._stormy.patience.wait("equal executions", agree)
        return found[-1]

    def _report(
        self,
        application: Application,
        storm: Storm,
        drained: float | None,
        compared: Reconciliation | None,
    ) -> LiveReport:
        evidence, tally = Evidence(application.base.engine), Tally(application.base.engine)
        check = check_history(
            history.read(self._stormy.histories),
            evidence.orders(),
            twice=evidence.doubled_executions(),
            patience=self._stormy.timeout,
        )
        sides = self._sides(evidence, compared)
        books = application.operations.invariants.check(application.base.market_clock())
        self._running.phases.end("checked")
        return LiveReport(
            seed=self._options.seed,
            phases=self._running.phases.seconds,
            bounds=Bounds(faults=self._options.faults, drain_seconds=self._options.drain_seconds),
            faults=sorted(storm.faults, key=lambda fault: fault.at),
            check=check,
            by_status=tally.by_status(),
            denials=tally.denials(),
            drained_seconds=drained,
            sides=sides,
            books=books,
        )


@contextmanager
def _operator(application: Application) -> Iterator[None]:
    """Compare both sides whenever that keeps orders from the exchange, as a person would."""
    ended = Event()

    def look() -> None:
        pause = _PAUSE
        while not ended.wait(pause):
            is_vain = False
            if _is_unreconciled(application):
                result = _reconciled(application)
                is_vain = result is None or not result.agrees
            pause = min(2 * pause, _LONGEST_PAUSE) if is_vain else _PAUSE

    thread = Thread(target=look, name="operator")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _is_unreconciled(application: Application) -> bool:
    with suppress(*TRANSIENT):
        return application.live.trading.status().blocked is DenialReason.LIVE_UNRECONCILED
    return False


def _reconciled(application: Application) -> Reconciliation | None:
    """Return the result of a comparison; None while a server or the exchange does not answer."""
    with suppress(BrokerError, *TRANSIENT):
        return application.trading.reconciler.run()
    return None
