"""Order workers on several hosts: their orders a second, and that nothing is lost where a host is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import redis

from angel_x.adapters.postgres.evidence import Evidence
from angel_x.bootstrap import build
from angel_x.entrypoints.up.addresses import Addresses
from angel_x.entrypoints.up.system import System as Running
from benchmarks.hosts.network import Network
from benchmarks.hosts.relays import Relays, Urls
from benchmarks.hosts.worker_host import WorkerHost
from benchmarks.load import Load, angel_x_streams, send_all, wait_until
from benchmarks.measured import percentiles
from benchmarks.system import System, submit_one

SERVERS = "servers"
_ACCOUNTS = 8
_BATCH = 50
_CONNECTIONS = 4
_DRAIN_SECONDS = 900.0
_EMERGENCY_SECONDS = 120.0
#: Emergency orders of one load at most.
_MOST = 5_000
#: Percentiles need two, behind the first five.
_FEWEST = 7
_PAUSE_SECONDS = 0.02
_DECIDED = """
FROM orders o LEFT JOIN LATERAL (
    SELECT min(at) AS at FROM order_events e
    WHERE e.order_id = o.id AND e.status NOT IN ('received', 'submitting')
) decided ON true WHERE o.client_order_id LIKE '{prefix}-%'
"""
_OUTCOME = f"""
SELECT count(*), EXTRACT(EPOCH FROM max(decided.at) - min(o.accepted_at))::float8,
    max(EXTRACT(EPOCH FROM decided.at - o.accepted_at))::float8 {_DECIDED}
"""
_WAITS = f"SELECT EXTRACT(EPOCH FROM decided.at - o.accepted_at)::float8 * 1000 {_DECIDED} ORDER BY o.id OFFSET 5"
_ACCEPTED = "SELECT count(*) FROM orders WHERE client_order_id LIKE '{prefix}-%'"
_IS_DECIDED = """
SELECT 1 FROM orders WHERE client_order_id = '{name}' AND status NOT IN ('received', 'submitting')
"""
#: Questions to the message broker, of which the median counts.
_PING = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One load on some hosts."""

    hosts: int
    #: Of the cable to the servers and back, as it was asked for, and as PING measures it.
    round_trip_ms: float
    measured_ms: float
    orders: int
    orders_per_second: float
    slowest_seconds: float
    #: From accepted to closed, one after the other while the load runs.
    emergencies: int
    emergency_ms: dict[str, float]


class Fleet:
    """A network with the servers on one host and order workers on others."""

    def __init__(self, network: Network, folder: Path, processes: int, stack: ExitStack) -> None:
        self._network = network
        self._folder = folder
        self._processes = processes
        self._stack = stack
        self._delay_ms = 0.0
        #: Each request's orders, from every thread.
        self._sent: list[int] = []
        self.hosts: list[WorkerHost] = []

    def prepare(self, addresses: Addresses) -> None:
        """Open the relays, and start the first host with workers."""
        servers = Urls(addresses.database_url, addresses.broker_redis_url, addresses.cache_url)
        self._relays = self._stack.enter_context(Relays(self._network.address(SERVERS), servers))
        self.add_host()

    def add_host(self) -> None:
        """Start order workers on one more host."""
        name = self._network.hosts[len(self.hosts) + 1]
        host = WorkerHost(
            self._network, name, self._folder / "hosts", self._relays.urls, self._processes
        )
        self._stack.callback(host.stop)
        self.hosts.append(host)
        host.start()

    def begin(self, running: Running) -> None:
        """Open the accounts of the loads."""
        self._settings = running.settings
        self._system = System(running.settings.home_path, sys.executable, os.getpid())
        liquid = self._system.symbols()
        self._symbols, self._theirs = liquid[::2], liquid[1::2]
        self._keys = [self._system.account(f"load{n}") for n in range(_ACCOUNTS)]
        self._way_out = self._system.account("emergency")

    def delay(self, round_trip_ms: float) -> None:
        """From now on the servers are so far from every other host."""
        self._relays.delay(round_trip_ms)
        self._delay_ms = round_trip_ms

    def load(self, prefix: str, orders: int) -> Loaded:
        """Send orders, and emergencies meanwhile, and wait until all are decided."""
        before = self._ping_ms()
        with self._emergencies(prefix):
            self._send(prefix, orders)
        return self._loaded(prefix, before)

    @contextmanager
    def loaded_meanwhile(self, prefix: str, orders: int) -> Iterator[list[Loaded]]:
        """Send orders, and emergencies, while something happens; the result is there at the end."""
        before, found = self._ping_ms(), list[Loaded]()
        with self._emergencies(prefix):
            sender = _Thread(lambda: self._send(prefix, orders))
            sender.start()
            try:
                yield found
            finally:
                sender.join(_DRAIN_SECONDS)
            sender.check()
        found.append(self._loaded(prefix, before))

    def accepted(self, prefix: str) -> int:
        """Return how many orders of a load are stored."""
        ((count,),) = self._system.query(_ACCEPTED.format(prefix=prefix))
        return int(str(count))

    def split(self, host: WorkerHost, seconds: float) -> None:
        """Cut a host off for some seconds, in which its processes go on."""
        self._network.pull(host.name)
        Event().wait(seconds)
        self._network.plug(host.name)

    def end(self) -> None:
        """End every process on every host with workers."""
        for host in self.hosts:
            host.stop()

    def decides_alone(self, host: WorkerHost, orders: int) -> None:
        """End every other host, and send orders that this one has to decide.

        Raises:
            TimeoutError: It did not.
        """
        for other in self.hosts:
            if other is not host:
                other.stop()
        self._send(f"alone{host.name}", orders)

    def lost(self) -> dict[str, object]:
        """Count what no fault may cause: orders that are not stored, not decided, or traded twice."""
        with closing(build(self._settings, role="bench")) as application:
            evidence = Evidence(application.base.engine)
            rules = application.operations.invariants.check(application.base.market_clock())
            ((stored,),) = self._system.query("SELECT count(*) FROM orders WHERE parent_id IS NULL")
            return {
                "sent": sum(self._sent),
                "lost": sum(self._sent) - int(str(stored)),
                "undecided": evidence.undecided(),
                "traded_twice": len(evidence.doubled_executions()),
                "invariants_broken": [rule.name for rule in rules if not rule.holds],
            }

    def _send(self, prefix: str, orders: int) -> None:
        load = Load(orders, _BATCH, _CONNECTIONS)
        streams = angel_x_streams(self._system.url, load, prefix, self._keys, self._theirs)
        send_all(self._system.url, streams)
        self._sent.append(sum(map(len, streams)) * _BATCH)
        wait_until(lambda: not self._system.waiting(), _DRAIN_SECONDS, f"deciding {prefix}")

    @contextmanager
    def _emergencies(self, prefix: str) -> Iterator[None]:
        end = Event()
        sender = _Thread(lambda: self._send_emergencies(f"e{prefix}", end))
        sender.start()
        try:
            yield
        finally:
            end.set()
            sender.join(_EMERGENCY_SECONDS)
        sender.check()

    def _send_emergencies(self, prefix: str, end: Event) -> None:
        for n in range(_MOST):
            if end.is_set() and n >= _FEWEST:
                return
            symbol = self._symbols[n // 2 % len(self._symbols)]
            side = ("BUY", "SELL")[n % 2]
            name = f"{prefix}-{n}"
            submit_one(self._system, self._way_out, name, symbol, side, "emergency")
            self._sent.append(1)
            self._await_decision(name)
            time.sleep(_PAUSE_SECONDS)

    def _await_decision(self, name: str) -> None:
        query = _IS_DECIDED.format(name=name)
        wait_until(lambda: bool(self._system.query(query)), _EMERGENCY_SECONDS, name)

    def _loaded(self, prefix: str, measured_ms: float) -> Loaded:
        ((orders, seconds, slowest),) = self._system.query(_OUTCOME.format(prefix=prefix))
        rows = self._system.query(_WAITS.format(prefix=f"e{prefix}"))
        emergencies = [float(str(ms)) for (ms,) in rows]
        return Loaded(
            hosts=len(self.hosts),
            round_trip_ms=self._delay_ms,
            measured_ms=measured_ms,
            orders=int(str(orders)),
            orders_per_second=round(int(str(orders)) / float(str(seconds)), 1),
            slowest_seconds=round(float(str(slowest)), 2),
            emergencies=len(emergencies),
            emergency_ms={**percentiles(emergencies), "max": round(max(emergencies), 2)},
        )

    def _ping_ms(self) -> float:
        """Return the median of the broker's answers through its relay, in milliseconds."""
        with closing(redis.Redis.from_url(self._relays.urls.broker)) as client:
            times = []
            for _ in range(_PING):
                started = time.perf_counter()
                client.ping()
                times.append(time.perf_counter() - started)
        return round(sorted(times)[_PING // 2] * 1e3, 2)


class _Thread(Thread):
    """A thread whose error is raised where it is checked."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._error: BaseException | None = None
        self._is_done = False

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001 - raised by check
            self._error = error
        self._is_done = True

    def check(self) -> None:
        if self._error is not None:
            raise self._error
        if not self._is_done:
            raise TimeoutError("a sender of orders has not ended")
