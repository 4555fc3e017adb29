"""The whole examination: every subject, also of a system that is down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

import msgspec

from angel_x.adapters.logging import configure_logging
from angel_x.domain.operations.check import Check, CheckStatus, Diagnosis
from angel_x.entrypoints.doctor import (
    books,
    capacity,
    clocks,
    database,
    home,
    limits,
    live,
    market,
    pages,
    security,
    servers,
    targets,
)
from angel_x.entrypoints.doctor.repairs import Repair, repaired
from angel_x.entrypoints.doctor.subject import BROKER, CACHE, DATABASE, SERVERS, Subject
from angel_x.entrypoints.presentation.progress import Tell, silently
from config.loading import load
from config.settings import SettingsError

if TYPE_CHECKING:
    from angel_x.bootstrap import Application
    from config.settings import Settings

SUBJECTS = (
    Subject("writes of the database", servers.database_checks, (DATABASE,)),
    Subject("writes of the message broker", servers.broker_checks, (BROKER,)),
    Subject("writes of the cache", servers.cache_checks, (CACHE,)),
    Subject("schema", database.schema_checks, (DATABASE,)),
    Subject("slow statements", database.statement_checks, (DATABASE,)),
    Subject("capacity of the machine", capacity.machine_checks),
    Subject("connections to the database", capacity.database_checks, (DATABASE,)),
    Subject("clients of Redis", capacity.redis_checks, (BROKER, CACHE)),
    Subject("load", capacity.load_checks, (DATABASE, CACHE)),
    Subject("clock of the database", clocks.database_checks, (DATABASE,)),
    Subject("clocks of Redis", clocks.redis_checks, (BROKER, CACHE)),
    Subject("TLS and users", security.address_checks),
    Subject("role in the database", security.role_checks, (DATABASE,)),
    Subject("contracts", market.contract_checks, (DATABASE, CACHE)),
    Subject("warmth of the cache", market.warmth_checks, (DATABASE, CACHE)),
    Subject("live trading", live.checks, (DATABASE,)),
    Subject("limits of alerts", limits.checks),
    Subject("pages", pages.checks),
    Subject("latency of orders", targets.order_checks),
    Subject("time of a query", targets.query_checks, (DATABASE,)),
    Subject("memory of a process", targets.memory_checks, (CACHE,)),
    Subject("invariants", books.checks, (DATABASE,)),
)


def examine(
    environ: Mapping[str, str], *, fix: bool = False, tell: Tell = silently
) -> tuple[Diagnosis, list[Repair]]:
    """Make every possible check; with ``fix`` make the safe repairs and check again.

    ``tell`` gets the subject of the next checks.
    """
    try:
        settings = load(environ)
        missing = list(servers.missing_addresses(settings))
        if missing:
            return Diagnosis.of([_sound(settings), *missing, *_unmade(settings)]), []
        with closing(_build(settings)) as app:
            return _examined(app, fix=fix, tell=tell)
    except SettingsError as error:
        return Diagnosis.of([_refused(error)]), []


def _build(settings: Settings) -> Application:
    from angel_x.bootstrap import build  # noqa: PLC0415 - a wrong setting needs none of it

    configure_logging(msgspec.structs.replace(settings, log_level="error"), "cli")
    # A server that is away would end the start.
    return build(msgspec.structs.replace(settings, warm_cache_on_startup=False), role="cli")


def _examined(app: Application, *, fix: bool, tell: Tell) -> tuple[Diagnosis, list[Repair]]:
    checks = list(_checks(app, tell))
    repairs = list(repaired(app, checks)) if fix else []
    return Diagnosis.of(_checks(app, tell) if repairs else checks), repairs


def _checks(app: Application, tell: Tell) -> Iterator[Check]:
    yield _sound(app.base.settings)
    yield home.check(app.base.settings)
    answers = servers.answers(app)
    yield from answers.values()
    away = frozenset(s for s in SERVERS if answers[s].status is CheckStatus.FAILED)
    for subject in SUBJECTS:
        tell(subject.name)
        yield from subject.made(app, away)


def _unmade(settings: Settings) -> Iterator[Check]:
    yield home.check(settings)
    for subject in SUBJECTS:
        yield Check.unmade(subject.name, "no system is known")


def _sound(settings: Settings) -> Check:
    return Check.passed("settings", f"all of them are sound, environment {settings.env}")


def _refused(error: SettingsError) -> Check:
    return Check.of_fault(
        "settings",
        str(error),
        detail="",
        fix="Correct it, see docs/reference/settings.md; the other checks need it.",
    )
