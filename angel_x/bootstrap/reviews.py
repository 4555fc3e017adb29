"""The reviews of a running system."""

from __future__ import annotations

from functools import partial

from angel_x.adapters.postgres.database_size import read_size
from angel_x.adapters.postgres.reviews import PostgresReviews
from angel_x.adapters.postgres.server_state import read_state, timed_write
from angel_x.adapters.postgres.slow_queries import slow_queries
from angel_x.bootstrap.accounts import AccountParts
from angel_x.bootstrap.foundation import Foundation
from angel_x.domain.operations.metric import Metric
from angel_x.domain.operations.review import Load, ReviewedStatement, ReviewedTable, UnusedIndex
from angel_x.services.operations.memory import MemoryOverview
from angel_x.services.operations.reviews import Reviews
from angel_x.services.operations.timings import TimingReports, name_of

_MEGABYTE = 1024 * 1024
_SHOWN = 10
#: Indexes that are looked at, the largest ones.
_INDEXES = 100
_LONGEST_STATEMENT = 300


def build_reviews(
    base: Foundation, people: AccountParts, memory: MemoryOverview, timings: TimingReports
) -> Reviews:
    """Put together the measurements of the reviews."""
    return Reviews(
        store=PostgresReviews(base.engine),
        statements=partial(_statements, base),
        tables=partial(_tables, base),
        actions={
            "round trip to the message broker": base.broker.ping,
            "round trip to the cache": base.cache.ping,
            "commit": partial(timed_write, base.engine),
            "open positions of an account": partial(_positions, people),
        },
        timings=lambda: {name: each.p50_ms for name, each in timings.all().items()},
        load=partial(_load, base, memory, timings),
        clock=base.clock,
    )


def _statements(base: Foundation) -> list[ReviewedStatement]:
    return [
        ReviewedStatement(
            each.statement[:_LONGEST_STATEMENT], each.calls, each.mean_ms, each.total_ms
        )
        for each in slow_queries(base.engine, _SHOWN)
    ]


def _tables(base: Foundation) -> tuple[list[ReviewedTable], list[UnusedIndex]]:
    found = read_size(base.engine, indexes=_INDEXES)
    tables = [
        ReviewedTable(each.name, each.total_bytes, each.index_bytes, each.bloat_bytes)
        for each in found.tables[:_SHOWN]
    ]
    unused = [UnusedIndex(i.name, i.table, i.bytes) for i in found.indexes if not i.scans]
    return tables, unused[:_SHOWN]


def _positions(people: AccountParts) -> object:
    accounts = people.accounts.all()
    return people.reading.positions(accounts[0].id if accounts else 0)


def _load(base: Foundation, memory: MemoryOverview, timings: TimingReports) -> Load:
    state, wait = read_state(base.engine), name_of(Metric.QUEUE_WAIT_SECONDS, {})
    waits = {n: each.p99_ms for n, each in timings.all().items() if n.startswith(f"{wait} ")}
    return Load(
        waits_ms={name.removeprefix(f"{wait} "): ms for name, ms in waits.items()},
        connections=state.connected,
        max_connections=state.max_connections - state.reserved,
        largest_mb=max(memory.resident_bytes().values(), default=0.0) / _MEGABYTE,
        memory_threshold_mb=base.settings.memory_alert_threshold_mb,
    )
