"""One load on the naive backend, on Angel-X and on a bare loop, one after the other.

They take turns, so that a machine whose speed drifts is much the same for each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from angel_x.adapters.servers import RunningServers, start_servers
from angel_x.adapters.servers.urls import libpq_url
from benchmarks.bare.replay import replay
from benchmarks.bare.written import Written, read_opening, read_written, select
from benchmarks.cpu import between
from benchmarks.databases import Databases, settings
from benchmarks.load import Load, Streams, angel_x_streams, send_all, wait_until
from benchmarks.measured import Measured, measured, percentiles
from benchmarks.naive import running as naive
from benchmarks.rivals import running as rivals
from benchmarks.system import System, running_system, submit_one

ACCOUNTS = 8
_WARM_UP = 160
#: Single orders that come before those whose latency counts.
_SKIPPED = 20
#: Longest wait for the valuation of the last orders, in seconds.
_VALUATION = 5.0
_OUTCOME = """
SELECT count(*), EXTRACT(EPOCH FROM max(closed_at) - min(accepted_at))::float8,
    count(*) FILTER (WHERE status <> 'filled'),
    array_agg(EXTRACT(EPOCH FROM closed_at - accepted_at)::float8 * 1000)
        FILTER (WHERE closed_at IS NOT NULL)
FROM orders WHERE client_order_id LIKE %(prefix)s
"""
_LATENCIES = """
SELECT EXTRACT(EPOCH FROM closed_at - accepted_at)::float8 * 1000 FROM orders
WHERE client_order_id LIKE %(prefix)s AND status = 'filled' ORDER BY id OFFSET %(skipped)s
"""
_UNVALUED = """
SELECT 1 FROM portfolios p JOIN (
    SELECT user_id, max(closed_at) AS closed_at FROM orders
    WHERE client_order_id LIKE %(prefix)s GROUP BY user_id
) o USING (user_id) WHERE p.updated_at < o.closed_at LIMIT 1
"""


class SideBySide:
    """The systems to compare, each by the interpreter that has it; the last is this release."""

    def __init__(self, home: Path, servers: RunningServers, systems: Mapping[str, str]) -> None:
        self._home = home
        self._servers = servers
        self._systems = systems
        self._python = list(systems.values())[-1]
        self._databases = Databases(servers.urls.database_url, home)
        self._keys: dict[str, Sequence[str]] = {}
        naive.prepare(servers)

    def idle_latency(self, orders: int, number: int) -> dict[str, dict[str, float]]:
        """Return the milliseconds from accepted to filled of single orders, by system."""
        found = {}
        for name in self._systems:
            with self._running(name) as system:
                key, prefix = self._keys[name][0], f"idle{number}"
                found[name] = idle_latency(system, key, orders, prefix)
        return found

    def measure(self, load: Load, number: int) -> tuple[dict[str, object], Written]:
        """Put a load on everything; return the results, and the rows of the last system."""
        prefix = f"{load.batch}x{load.connections}r{number}"
        warm_up = Load(max(_WARM_UP, 2 * load.batch), load.batch, min(load.connections, ACCOUNTS))
        beside = naive.measure(self._servers, load, warm_up, prefix)
        ratios, systems = {}, {}
        for name in self._systems:
            over_http, written, expected = self._over_http(name, load, warm_up, prefix)
            loop = self._replayed(name, written, load.batch, expected)
            ratios[name] = _ratios(over_http, loop, beside)
            rows = {table: round(n / over_http.orders, 3) for table, n in written.counts.items()}
            systems[name] = asdict(over_http) | {"rows_per_order": rows, "bare": asdict(loop)}
        return {"ratios": ratios, "naive": asdict(beside), **systems}, written

    def rivals(self, written: Written) -> dict[str, dict[str, object]]:
        """Let each rival write the rows of a load that the last system has done."""
        found = {}
        for name in rivals.NAMES:
            with self._databases.fresh(self._python) as url:
                found[name] = asdict(rivals.measure(self._servers, name, url, written))
        return found

    @contextmanager
    def _running(self, name: str) -> Iterator[System]:
        home = self._home / name
        home.mkdir(exist_ok=True)
        with running_system(home, self._systems[name]) as system:
            if name not in self._keys:
                self._keys[name] = [system.account(f"load{n}") for n in range(ACCOUNTS)]
            yield system

    def _over_http(
        self, name: str, load: Load, warm_up: Load, prefix: str
    ) -> tuple[Measured, Written, Mapping[str, str]]:
        """Return the result, the rows that were written, and the settings of the database."""
        with self._running(name) as system:
            keys, symbols = self._keys[name], system.symbols()
            _send(system, angel_x_streams(system.url, warm_up, f"warm-{prefix}", keys, symbols))
            streams = angel_x_streams(system.url, load, prefix, keys, symbols)
            opening = read_opening(system.database)
            before = system.cpu_seconds()
            _send(system, streams)
            _await_valuation(system, prefix)
            cpu = between(before, system.cpu_seconds())
            written = read_written(system.database, opening, prefix)
            return (
                _outcome(system, prefix, cpu),
                written,
                settings(libpq_url(system.database_url)),
            )

    def _replayed(
        self, name: str, written: Written, batch: int, expected: Mapping[str, str]
    ) -> Measured:
        with self._databases.fresh(self._systems[name]) as url:
            _compare_settings(expected, settings(url))
            return replay(url, written, batch)


@contextmanager
def baseline_servers(home: Path) -> Iterator[RunningServers]:
    """Start servers for the naive backend and the bare loop, as durable as those of a system."""
    with start_servers(home / "baseline", database_url=None, redis_url=None) as servers:
        yield servers


def idle_latency(system: System, key: str, orders: int, prefix: str) -> dict[str, float]:
    """Submit one order at a time to an idle system; milliseconds from accepted to filled."""
    symbols = system.symbols()
    for n in range(orders + _SKIPPED):
        side = ("BUY", "SELL")[n % 2]
        submit_one(system, key, f"{prefix}-{n}", symbols[n // 2 % len(symbols)], side)
        wait_until(lambda: not system.waiting(), 60, "one order")
    rows = select(system.database, _LATENCIES, {"prefix": f"{prefix}-%", "skipped": _SKIPPED})
    values = [milliseconds for (milliseconds,) in rows]
    return {"orders": len(values), **percentiles(values)}


def _send(system: System, streams: Streams) -> None:
    send_all(system.url, streams)
    wait_until(lambda: not system.waiting(), 600, "the orders")


def _await_valuation(system: System, prefix: str) -> None:
    """Wait until the portfolios show the last orders: their valuation is part of the CPU of a load."""
    unvalued = {"prefix": f"{prefix}-%"}
    with suppress(TimeoutError):
        wait_until(
            lambda: not select(system.database, _UNVALUED, unvalued), _VALUATION, "valuation"
        )


def _outcome(system: System, prefix: str, cpu: Mapping[str, float]) -> Measured:
    ((orders, seconds, not_filled, latencies),) = select(
        system.database, _OUTCOME, {"prefix": f"{prefix}-%"}
    )
    return measured(seconds, cpu, orders=orders, not_filled=not_filled, latencies_ms=latencies)


def _ratios(over_http: Measured, loop: Measured, beside: Measured) -> dict[str, float]:
    return {
        "cpu_an_order_to_bare_loop": round(over_http.cpu_us_per_order / loop.cpu_us_per_order, 2),
        "orders_per_second_to_naive": round(
            over_http.orders_per_second / beside.orders_per_second, 2
        ),
        "orders_per_cpu_second_to_naive": round(
            over_http.orders_per_cpu_second / beside.orders_per_cpu_second, 2
        ),
    }


def _compare_settings(system: Mapping[str, str], loop: Mapping[str, str]) -> None:
    """Refuse a bare loop on a database that is set otherwise than the one of the system.

    Raises:
        RuntimeError: A setting differs, or fsync is off.
    """
    names = {name for name in system.keys() | loop.keys() if system.get(name) != loop.get(name)}
    if names or loop["fsync"] != "on":
        differences = {name: (system.get(name), loop.get(name)) for name in sorted(names)}
        raise RuntimeError(f"the databases are not set alike, fsync {loop['fsync']}: {differences}")
