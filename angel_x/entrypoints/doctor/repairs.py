"""Repairs that are safe beside a running system: each can be made again, and takes nothing away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.server_state import analyze, unanalyzed_tables
from angel_x.adapters.redis.universe_pointer import RedisUniversePointer
from angel_x.domain.operations.check import Check, CheckStatus
from angel_x.entrypoints.doctor import database, market, security
from angel_x.entrypoints.doctor.subject import reason

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

_WRONG = frozenset({CheckStatus.WARNING, CheckStatus.FAILED})
_OWNERS = 0o600


@dataclass(frozen=True, slots=True)
class Repair:
    """The repair of a check."""

    name: str
    is_made: bool
    detail: str


def repaired(app: Application, checks: Iterable[Check]) -> Iterator[Repair]:
    """Repair the checks that are wrong and that a safe repair exists for."""
    for check in checks:
        if check.status in _WRONG and check.name in REPAIRS:
            yield _repair(app, check.name)


def _repair(app: Application, name: str) -> Repair:
    try:
        return Repair(name, is_made=True, detail=REPAIRS[name](app))
    except Exception as error:  # noqa: BLE001 - the others are made in any case
        return Repair(name, is_made=False, detail=reason(error, app.base.settings.secrets))


def _make_partitions(app: Application) -> str:
    return f"{app.operations.partitions.maintain()} made"


def _analyze(app: Application) -> str:
    tables = unanalyzed_tables(app.base.engine)
    analyze(app.base.engine, tables)
    return f"analyzed {', '.join(tables)}"


def _publish_universe(app: Application) -> str:
    version = app.market.universes.current().version
    RedisUniversePointer(app.base.cache).publish(version)
    return f"published {version}"


def _ask_for_greeks(app: Application) -> str:
    return f"{app.analytics.greeks.refresh()} chunks asked for"


def _close_files(app: Application) -> str:
    files = security.exposed_files(app.base.settings)
    for file in files:
        file.chmod(_OWNERS)
    return f"mode 600 for {', '.join(file.name for file in files)}"


REPAIRS: Mapping[str, Callable[[Application], str]] = {
    database.PARTITIONS: _make_partitions,
    database.STATISTICS: _analyze,
    market.POINTER: _publish_universe,
    market.GREEKS: _ask_for_greeks,
    security.SECRETS: _close_files,
}
