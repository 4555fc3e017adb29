"""The probes of the parts of the system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text

from angel_x.adapters.postgres import schema
from angel_x.entrypoints.api.readiness import Probe
from angel_x.errors import ServerUnavailable
from angel_x.services.operations.memory import STALE_AFTER
from config.queues import WORKER_QUEUES

if TYPE_CHECKING:
    from redis import Redis

    from angel_x.bootstrap import Application
    from angel_x.services.operations.canaries import Canaries
    from angel_x.services.operations.memory import MemoryOverview
    from angel_x.services.ports import Clock

#: The class of workers without which no order is decided.
_NEEDED = "orders"
#: The age of the last canary from which a queue is reported as silent.
_SILENT_SECONDS = 60.0


def probes_of(application: Application) -> Mapping[str, Probe]:
    """Return one probe for each part."""
    return {
        "database": partial(_database, application.base.engine),
        "migrations": partial(_migrations, application.base.engine),
        "broker": partial(_broker, application.base.broker),
        "workers": partial(_workers, application.operations.memory, application.base.clock),
        "queues": partial(_queues, application.operations.canaries),
    }


def _database(engine: Engine) -> str:
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return "answers"


def _migrations(engine: Engine) -> str:
    # Read without Alembic, which would log two lines each time.
    with engine.connect() as connection:
        current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
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


def _queues(canaries: Canaries) -> str:
    """Report the queues without a recent canary; they do not make the system unready.

    A blocked queue of reports is no reason to refuse orders.
    """
    ages = canaries.ages()
    if not ages:
        return "no canary was sent yet"
    silent = sorted(queue for queue, age in ages.items() if age > _SILENT_SECONDS)
    return f"not heard from: {', '.join(silent)}" if silent else "all heard from"


def _recent(memory: MemoryOverview, now: datetime) -> list[str]:
    oldest = now.timestamp() - STALE_AFTER
    return [name for name, report in memory.all().items() if float(str(report["seen_at"])) > oldest]
