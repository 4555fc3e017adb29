"""The probes of the parts of the system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text

from angel_x.adapters.postgres import schema
from angel_x.entrypoints.api.readiness import Probe
from angel_x.entrypoints.presentation.live import mode_words
from angel_x.entrypoints.presentation.market_time import market_time
from angel_x.errors import ServerUnavailable
from angel_x.services.operations.memory import STALE_AFTER
from config.queues import WORKER_QUEUES

if TYPE_CHECKING:
    from redis import Redis

    from angel_x.bootstrap import Application
    from angel_x.bootstrap.operations import Operations
    from angel_x.services.operations.memory import MemoryOverview
    from angel_x.services.operations.schedule import PeriodicSchedule
    from angel_x.services.ports import Clock

#: The class of workers without which no order is decided.
_NEEDED = "orders"
#: The age of the last canary from which a queue is reported as silent, and as deaf if no worker asks for
#: its messages either.
_SILENT_SECONDS = 60.0
_DEAF_SECONDS = 30.0


def probes_of(application: Application) -> Mapping[str, Probe]:
    """Return one probe for each part."""
    return {
        "database": partial(_database, application.base.engine),
        "migrations": partial(_migrations, application.base.engine),
        "broker": partial(_broker, application.base.broker),
        "workers": partial(_workers, application.operations.memory, application.base.clock),
        "queues": partial(_queues, application.operations),
        "schedule": partial(_schedule, application.operations.schedule),
        "market": partial(market_time, application.base.hours),
        "trading": lambda: mode_words(application.live.trading.status()),
    }


def _database(engine: Engine) -> str:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return "answers"


def _migrations(engine: Engine) -> str:
    # Read without Alembic, which would log two lines each time.
    with engine.connect() as connection:
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    if len(found) > 1:
        raise ServerUnavailable(
            f"the schema must have one revision, has {', '.join(sorted(found))}"
        )
    current = found[0] if found else None
    head, known = _revisions()
    # A newer release may upgrade the schema while this one runs.
    if current != head and (current is None or current in known):
        raise ServerUnavailable(f"the schema must be at {head}, was at {current}")
    return f"at {current}"


@cache
def _revisions() -> tuple[str | None, frozenset[str]]:
    """Return the newest revision of this release, and all of them."""
    return schema.head_revision(), schema.known_revisions()


def _broker(broker: Redis) -> str:
    broker.ping()
    return "answers"


def _workers(memory: MemoryOverview, clock: Clock) -> str:
    """Read the memory reports, which every worker process sends while it is alive."""
    roles = {name.rpartition("/")[2].partition("-")[0] for name in _recent(memory, clock())}
    seen = sorted(roles & WORKER_QUEUES.keys())
    if _NEEDED not in seen:
        raise ServerUnavailable(f"a worker of the class {_NEEDED} is needed, seen were {seen}")
    return f"seen: {', '.join(seen)}"


def _queues(operations: Operations) -> str:
    """Report the queues without a recent canary.

    Queues of orders that no worker asks for make the system unready; a blocked queue of reports is no
    reason to refuse orders, and neither is a lane that waits behind more urgent ones.
    """
    ages = operations.canaries.ages()
    unheard = {q for q in WORKER_QUEUES[_NEEDED] if ages.get(q, 0.0) > _DEAF_SECONDS}
    if unheard and (deaf := operations.consumers.unheard(unheard)):
        raise ServerUnavailable(f"no worker takes messages of {', '.join(deaf)}")
    if not ages:
        return "no canary was sent yet"
    silent = sorted(queue for queue, age in ages.items() if age > _SILENT_SECONDS)
    return f"not heard from: {', '.join(silent)}" if silent else "all heard from"


def _schedule(schedule: PeriodicSchedule) -> str:
    """Read the lateness of periodic tasks: expiry, square-off at the cut-off, Greeks."""
    late = schedule.late()
    if late:
        words = ", ".join(f"{turn.name} by {turn.late_seconds:.0f} s" for turn in late)
        raise ServerUnavailable(f"Beat is late: {words}")
    return "in time"


def _recent(memory: MemoryOverview, now: datetime) -> list[str]:
    oldest = now.timestamp() - STALE_AFTER
    return [name for name, report in memory.all().items() if float(str(report["seen_at"])) > oldest]
