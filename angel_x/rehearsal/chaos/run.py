"""One run: accounts and a market, the load and the storm over it, and the check of everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from random import Random
from threading import Event, Thread
from typing import TYPE_CHECKING, TypeVar

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.adapters.postgres.tally import Tally
from angel_x.bootstrap import TRANSIENT, Application, build
from angel_x.client import Client
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.presentation.chains import around_the_money
from angel_x.entrypoints.presentation.positions import mark_price
from angel_x.entrypoints.supervisor import ready_when_it_answers
from angel_x.entrypoints.up.preparation import ensure_account
from angel_x.entrypoints.up.system import System
from angel_x.errors import AngelXError
from angel_x.rehearsal import history, load
from angel_x.rehearsal.chaos.environment import Ground
from angel_x.rehearsal.chaos.passages import Passages
from angel_x.rehearsal.chaos.programs import ROLES
from angel_x.rehearsal.chaos.report import Bounds, Report
from angel_x.rehearsal.chaos.storm import Storm, schedule
from angel_x.rehearsal.chaos.worker_check import call_roll
from angel_x.rehearsal.check import judge
from angel_x.rehearsal.clients import Door, HttpDoor, MessageDoor
from angel_x.rehearsal.history import History
from angel_x.rehearsal.orders import Instrument
from angel_x.rehearsal.trader import Desk, Errand
from config.queues import QueueName

if TYPE_CHECKING:
    from angel_x.rehearsal.chaos.options import Options
    from angel_x.rehearsal.phases import Phases
    from angel_x.rehearsal.progress import Bars

_Found = TypeVar("_Found")

#: Accounts that trade over HTTP; the last one cannot afford much.
_HTTP_ACCOUNTS = ("asha", "bharat", "chitra", "dev", "esha", "farah", "gita", "hari")
#: Accounts that trade over the message broker, and their share of the orders.
_MESSAGE_ACCOUNTS = ("ila", "jai")
_SHARE_OF_MESSAGES = 0.1
#: The account whose orders show which workers still listen.
_ROLL_ACCOUNT = "roll"
_CASH = Decimal(100_000_000_000)
_LITTLE_CASH = Decimal(100_000)
_STRIKES = 6
#: Seconds that a request may take beyond API_RESPONSE_TIMEOUT.
_SLACK = 5.0
#: Seconds in which what is waited for must come.
_PATIENCE = 120.0
_GLANCE = 0.05
#: The part of the time that is stormy; orders are sent all the time.
_STORMY = 0.97
#: Faults that are scheduled for each that is asked for: some find nothing to strike.
_SPARE = 1.15


class Interrupted(AngelXError):
    """The storm was told to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What an ordeal works with."""

    system: System
    passages: Passages
    options: Options
    bars: Bars


class Ordeal:
    """The steps of one run, in one thread.  The load and the storm have threads of their own."""

    def __init__(self, trial: Trial, stop: Event) -> None:
        self._trial = trial
        self._system = trial.system
        self._options = trial.options
        self._stop = stop
        self._folder = trial.system.settings.home_path / "history"

    def run(self, phases: Phases) -> Report:
        """Do everything and return what it has shown."""
        with closing(build(self._system.settings, role="chaos")) as application, ExitStack() as s:
            instruments = self._await_market(application)
            desks = [self._desk(application, name, s) for name in self._shares()]
            phases.end("market ready")
            storm, evidence = self._storm(), Evidence(application.base.engine)
            drained = self._weather(storm, desks, instruments, evidence)
            phases.end("storm and load")
            if not self._drain(evidence):
                drained = None
            phases.end("drained")
            deaf = self._call_roll(application, s)
            phases.end("roll called")
            return self._report(application, storm, drained, deaf, phases)

    def _shares(self) -> dict[str, int]:
        """Return how many orders each account sends."""
        by_message = round(self._options.orders * _SHARE_OF_MESSAGES)
        return {
            **_shared(self._options.orders - by_message, _HTTP_ACCOUNTS),
            **_shared(by_message, _MESSAGE_ACCOUNTS),
        }

    def _await_market(self, application: Application) -> list[Instrument]:
        """Return contracts around the money as soon as all of them have quotes."""
        underlying = application.market.universes.current().underlyings[0]

        def instruments() -> list[Instrument]:
            chain = application.analytics.option_chains.chain(underlying)
            pairs = around_the_money(chain.rows, chain.spot, _STRIKES)
            rows = [row for _, call, put in pairs for row in (call, put) if row is not None]
            universe, found = application.market.universes.current(), []
            for row in rows:
                mark = mark_price(row)
                if mark is None:
                    return []
                contract = universe.contracts[universe.rows[row.symbol]]
                found.append(Instrument(row.symbol, contract.lot_size, contract.tick_size, mark))
            return found

        return self._await(instruments)

    def _desk(self, application: Application, name: str, closing_: ExitStack) -> Desk:
        cash = _LITTLE_CASH if name == _HTTP_ACCOUNTS[-1] else _CASH
        account = ensure_account(application, name, cash)
        key = application.people.access.issue(account.id, [Scope.TRADE, Scope.READ])
        timeout = self._patience + 1
        url = self._system.addresses.api_url
        client = closing_.enter_context(Client(url, key, timeout_seconds=timeout, retries=0))
        door: Door = HttpDoor(client)
        if name in _MESSAGE_ACCOUNTS:
            broker_url = self._system.addresses.broker_redis_url
            door = closing_.enter_context(closing(MessageDoor(client, name, broker_url)))
        return Desk(
            user=name,
            door=door,
            history=closing_.enter_context(History(self._folder / f"{name}.jsonl")),
            witness=_PatientWitness(Evidence(application.base.engine), self._stop),
            cancel=client.cancel,
            random=self._random(f"desk-{name}"),
            stop=self._stop,
            advance=self._count,
        )

    def _count(self, orders: int) -> None:
        self._trial.bars.advance(_SETTLED, orders)

    @property
    def _patience(self) -> float:
        return self._system.settings.api_response_timeout + _SLACK

    def _random(self, purpose: str) -> Random:
        return Random(f"{self._options.seed}-{purpose}")  # noqa: S311 - nothing secret

    def _call_roll(self, application: Application, closing_: ExitStack) -> list[str]:
        """Return the workers that take no message any more."""
        desk = self._desk(application, _ROLL_ACCOUNT, closing_)
        symbol = self._await_market(application)[0]
        return call_roll(self._ground(), desk, symbol, Evidence(application.base.engine))

    def _storm(self) -> Storm:
        options, ground = self._options, self._ground()
        count = round(options.faults * _SPARE) + 1
        appointments = schedule(ground, options.seed, count, options.minutes * 60 * _STORMY)
        self._trial.bars.begin(_STRUCK, count)
        return Storm(ground, appointments, lambda _fault: self._trial.bars.advance(_STRUCK))

    def _ground(self) -> Ground:
        system = self._system
        return Ground(
            pids=system.supervisor.pids,
            server_pids=system.servers.pids,
            roles=ROLES,
            passages=self._trial.passages.proxies,
            broker_url=system.addresses.broker_redis_url,
            database_url=system.addresses.database_url,
            broker_folder=system.settings.home_path / "servers" / "broker",
            queues=_QUEUES,
            logs=system.settings.home_path / "logs",
            api_answers=ready_when_it_answers(f"{system.addresses.api_url}/livez"),
            lease_seconds=system.settings.order_lease_seconds,
            stop=self._stop,
        )

    def _weather(
        self,
        storm: Storm,
        desks: Sequence[Desk],
        instruments: Sequence[Instrument],
        evidence: Evidence,
    ) -> float | None:
        """Let load and storm go at the same time.

        Returns the seconds from the last repair until every order was decided that had been
        accepted by then; None where that did not come to be.
        """
        shares, seconds = self._shares(), self._options.minutes * 60
        self._trial.bars.begin(_SETTLED, self._options.orders)

        def plan(desk: Desk) -> Sequence[Errand]:
            random = self._random(f"load-{desk.user}")
            return load.errands(desk.user, instruments, shares[desk.user], seconds, random)

        drained: list[float | None] = []
        raging = Thread(target=lambda: drained.append(self._rage(storm, evidence)), name="storm")
        raging.start()
        try:
            load.run(desks, plan)
        finally:
            raging.join()
        if self._stop.is_set():
            raise Interrupted("the storm was told to stop")
        return drained[0]

    def _rage(self, storm: Storm, evidence: Evidence) -> float | None:
        """Strike, and see how long the orders of the storm take once it is over."""
        healed = storm.rage()
        by = self._outlast(evidence.now)
        is_drained = self._drain(evidence, by)
        return round(time.monotonic() - healed, 2) if is_drained else None

    def _drain(self, evidence: Evidence, by: datetime | None = None) -> bool:
        """Return whether every order that was accepted by then is decided in time."""
        deadline = time.monotonic() + _PATIENCE
        while self._outlast(lambda: evidence.undecided(by)):
            if self._stop.wait(_GLANCE) or time.monotonic() > deadline:
                return False
        return True

    def _report(
        self,
        application: Application,
        storm: Storm,
        drained: float | None,
        deaf: Sequence[str],
        phases: Phases,
    ) -> Report:
        evidence, tally = Evidence(application.base.engine), Tally(application.base.engine)
        verdict = judge(
            history.read(self._folder),
            evidence.orders(),
            twice=evidence.doubled_executions(),
            patience=self._patience,
        )
        books = application.operations.invariants.check(application.base.market_clock())
        phases.end("checked")
        return Report(
            seed=self._options.seed,
            phases=phases.seconds,
            bounds=Bounds(faults=self._options.faults, drain_seconds=self._options.drain_seconds),
            faults=sorted(storm.faults, key=lambda fault: fault.at),
            verdict=verdict,
            by_status=tally.by_status(),
            denials=tally.denials(),
            latency=tally.latency(),
            drained_seconds=drained,
            slowest_seconds=round(evidence.slowest_seconds(), 2),
            deaf=deaf,
            overtaken=evidence.overtaken(rings=(self._system.settings.max_rings + 1) // 2),
            books=books,
        )

    def _outlast(self, ask: Callable[[], _Found]) -> _Found:
        """Ask until servers answer."""
        return _outlast(ask, self._stop)

    def _await(self, look: Callable[[], _Found]) -> _Found:
        """Return the first answer that holds something."""
        deadline = time.monotonic() + _PATIENCE
        while not (found := look()):
            if self._stop.wait(_GLANCE) or time.monotonic() > deadline:
                raise Interrupted("the market did not come to life")
        return found


class _PatientWitness:
    """Looks at the database, and waits where it is away."""

    def __init__(self, evidence: Evidence, stop: Event) -> None:
        self._evidence = evidence
        self._stop = stop

    def missing(self, order_ids: Sequence[int]) -> set[int]:
        return _outlast(lambda: self._evidence.missing(order_ids), self._stop)


def _outlast(ask: Callable[[], _Found], stop: Event) -> _Found:
    while True:
        try:
            return ask()
        except TRANSIENT:
            if stop.wait(_GLANCE):
                raise


def _shared(orders: int, names: Sequence[str]) -> dict[str, int]:
    count, extra = divmod(orders, len(names))
    return {name: count + (number < extra) for number, name in enumerate(names)}


_SETTLED, _STRUCK = "orders settled", "faults struck"
#: Most of the traffic is normal; the intake carries the orders themselves.
_QUEUES = (
    QueueName.NORMAL.value,
    QueueName.NORMAL.value,
    QueueName.LOW.value,
    QueueName.HIGH.value,
    QueueName.INTAKE.value,
)
