"""A load and a storm over one running system at the same time, and the wait until every order is decided."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from threading import Thread

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.bootstrap import Application
from angel_x.entrypoints.supervisor import ready_when_it_answers
from angel_x.rehearsal.chaos.environment import Environment
from angel_x.rehearsal.chaos.fault import Kind
from angel_x.rehearsal.chaos.options import ChaosOptions
from angel_x.rehearsal.chaos.passages import Passages
from angel_x.rehearsal.chaos.programs import ROLES
from angel_x.rehearsal.chaos.storm import KINDS, Storm, schedule
from angel_x.rehearsal.load import Load
from angel_x.rehearsal.market import live_instruments
from angel_x.rehearsal.orders import Instrument
from angel_x.rehearsal.patience import Patience
from angel_x.rehearsal.phases import STARTUP
from angel_x.rehearsal.session import Running
from angel_x.rehearsal.trader import Work, traders
from angel_x.rehearsal.waiting import Interrupted, holds_within, through_outages
from config.queues import QueueName

#: Settings of this process: a check reads every order of a long run in one statement.
PATIENT = {"db_query_timeout_seconds": 1800.0, "order_lease_seconds": 1800.0}
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


class StormyLoad:
    """The load has threads of its own, and the storm has one."""

    def __init__(self, setup: ChaosSetup, kinds: Sequence[Kind] = KINDS) -> None:
        self._setup = setup
        self._kinds = kinds
        self._options = setup.options
        self._running = setup.running
        self._system = setup.running.system
        self._stop = setup.running.stop
        self.histories = self._system.settings.home_path / "history"
        self.patience = Patience(self._stop, setup.running.phases.seconds[STARTUP])

    def run(self, storm: Storm, evidence: Evidence, work: Work) -> float | None:
        """Run the storm and the load at the same time.

        Returns the seconds from the last repair until every order was decided that had been
        accepted by then; None where that took too long.
        """
        self._running.bars.begin(_SETTLED, self._options.orders)
        drained: list[float | None] = []
        faults = Thread(target=lambda: drained.append(self._inject(storm, evidence)), name="storm")
        faults.start()
        try:
            with traders(work):
                pass
        finally:
            faults.join()
        if self._stop.is_set():
            raise Interrupted("the storm was told to stop")
        return drained[0]

    def load(self, application: Application, stack: ExitStack) -> Load:
        return Load(
            application=application,
            addresses=self._system.addresses,
            orders=self._options.orders,
            minutes=self._options.minutes,
            seed=self._options.seed,
            folder=self.histories,
            timeout=self.timeout,
            stop=self._stop,
            advance=lambda orders: self._running.bars.advance(_SETTLED, orders),
            stack=stack,
        )

    @property
    def timeout(self) -> float:
        return self._system.settings.api_response_timeout + self.patience.seconds(_SLACK)

    def market(self, application: Application) -> list[Instrument]:
        """Return the contracts around the money as soon as all of them have a mark price."""
        found: list[Instrument] = []

        def is_alive() -> bool:
            found[:] = live_instruments(application)
            return bool(found)

        if not holds_within(self.patience.seconds(_TIMEOUT), is_alive, self._stop):
            raise Interrupted("the market did not come to life")
        return found

    def storm(self) -> Storm:
        options, environment = self._options, self.environment()
        count = round(options.faults * _SPARE) + 1
        seconds = options.minutes * 60 * _STORMY
        faults = schedule(environment, options.seed, count, seconds, self._kinds)
        bars = self._running.bars
        bars.begin(_INJECTED, count)
        return Storm(environment, faults, lambda _fault: bars.advance(_INJECTED))

    def environment(self) -> Environment:
        system = self._system
        return Environment(
            pids=system.supervisor.pids,
            server_pids=system.servers.pids,
            roles=ROLES,
            passages=self._setup.passages.proxies,
            broker_url=system.addresses.broker_redis_url,
            cache_url=system.addresses.cache_url,
            database_url=system.addresses.database_url,
            broker_folder=system.settings.home_path / "servers" / "broker",
            queues=_QUEUES,
            logs=system.settings.home_path / "logs",
            api_answers=ready_when_it_answers(f"{system.addresses.api_url}/livez"),
            lease_seconds=system.settings.order_lease_seconds,
            patience=self.patience.seconds,
            stop=self._stop,
        )

    def _inject(self, storm: Storm, evidence: Evidence) -> float | None:
        """Inject the faults, and measure how long the orders of the storm take afterwards."""
        repaired = storm.run()
        by = through_outages(evidence.now, self._stop)
        is_drained = self.drain(evidence, by)
        return round(time.monotonic() - repaired, 2) if is_drained else None

    def drain(self, evidence: Evidence, by: datetime | None = None) -> bool:
        """Return whether every order that was accepted until then is decided in time."""

        def is_drained() -> bool:
            return not through_outages(lambda: evidence.undecided(by), self._stop)

        return holds_within(self.patience.seconds(_TIMEOUT), is_drained, self._stop)
