"""Servers: whether each answers and takes writes, and why not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from psycopg2.errors import InsufficientPrivilege
from redis.exceptions import NoPermissionError
from sqlalchemy.exc import DBAPIError

from angel_x.adapters.postgres import server_state as postgres
from angel_x.adapters.redis import server_state as redis
from angel_x.bootstrap import TRANSIENT
from angel_x.domain.operations.check import Check, CheckStatus, Measured
from angel_x.entrypoints.doctor.subject import BROKER, CACHE, DATABASE, reason

if TYPE_CHECKING:
    from redis import Redis

    from angel_x.bootstrap import Application
    from config.settings import Settings

_ROUNDS = 5
#: Milliseconds.  A round trip stands in every statement, a commit in every order.
_LONGEST_ROUND_TRIP = 10.0
_LONGEST_WRITE = 50.0
_SETTINGS = {DATABASE: "DATABASE_URL", BROKER: "BROKER_URL", CACHE: "CACHE_URL"}
#: Words of an error with the remedy; ``{}`` stands for the setting.
_REMEDIES = (
    (r"password|WRONGPASS|NOAUTH|invalid username", "Correct user and password in {}."),
    (r"No space left|MISCONF", "Free space on the disk of the server."),
    (r"\bOOM\b", "Raise maxmemory of the server, or find the consumer that is missing."),
    (r"read-only|READONLY|in recovery", "Name the primary in {}: a standby takes no orders."),
    (r"too many|connection slots|max number of clients", "Allow the server more connections."),
    (r"does not exist", "Create the database or the role that {} names."),
    (r"starting up|shutting down|LOADING", "Wait until the server has started."),
    (r"SSL|certificate|TLS", "Correct the certificate, or the TLS options in {}."),
    (r"translate host|Name or service|name resolution", "Correct the host in {}."),
)
_AWAY = "Start the server, or correct {}; `angel-x up` starts servers of its own."
_UNREPLICATED = "A broker that is restarted loses its messages: the relay rings again."


def fix_of(server: str, words: str) -> str:
    """Return the remedy of an error of a server."""
    setting = f"ANGEL_X_{_SETTINGS[server]}"
    found = (fix for pattern, fix in _REMEDIES if re.search(pattern, words))
    return next(found, _AWAY).replace("{}", setting)


def missing_addresses(settings: Settings) -> Iterator[Check]:
    """Yield a failed check for each server without an address."""
    home = settings.home_path.absolute()
    for server, name in _SETTINGS.items():
        if getattr(settings, name.lower()) is None:
            yield Check(
                name=f"{server} answers",
                status=CheckStatus.FAILED,
                detail=f"no address: no system runs in {home}",
                fix=f"Start one with `angel-x up`, name its home with ANGEL_X_HOME, or set ANGEL_X_{name}.",
            )


def answers(app: Application) -> Mapping[str, Check]:
    """Ask each server, and return the check by its name."""
    base = app.base
    asked: dict[str, Callable[[], object]] = {
        DATABASE: lambda: _ask_database(app),
        BROKER: base.broker.ping,
        CACHE: base.cache.ping,
    }
    return {server: _answer(app, server, ask) for server, ask in asked.items()}


def _ask_database(app: Application) -> None:
    with app.base.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")


def _answer(app: Application, server: str, ask: Callable[[], object]) -> Check:
    name = f"{server} answers"
    try:
        ask()
        milliseconds = median(_milliseconds(ask) for _ in range(_ROUNDS))
    except TRANSIENT as error:
        words = reason(error, app.base.settings.secrets)
        return Check.of_fault(name, words, detail="", fix=fix_of(server, words))
    return Check.of_limit(
        name,
        Measured(round(milliseconds, 2), _LONGEST_ROUND_TRIP, "ms"),
        detail=f"median of {_ROUNDS} round trips",
        fix="Move the server nearer, or see what else its machine does.",
        otherwise=CheckStatus.WARNING,
    )


def _milliseconds(ask: Callable[[], object]) -> float:
    started = perf_counter()
    ask()
    return 1000 * (perf_counter() - started)


def database_checks(app: Application) -> Iterator[Check]:
    """Yield whether the database takes writes."""
    name = f"{DATABASE} takes writes"
    try:
        milliseconds = min(1000 * postgres.timed_write(app.base.engine) for _ in range(_ROUNDS))
    except DBAPIError as error:
        words = reason(error, app.base.settings.secrets)
        if isinstance(error.orig, InsufficientPrivilege):
            yield Check.unmade(name, words, "Grant TEMPORARY on the database to this role.")
        else:
            yield Check.of_fault(name, words, detail="", fix=fix_of(DATABASE, words))
        return
    yield Check.of_limit(
        name,
        Measured(round(milliseconds, 2), _LONGEST_WRITE, "ms"),
        detail="a table and a commit, on the disk",
        fix="Use a faster disk for the log of PostgreSQL: each order waits for it.",
        otherwise=CheckStatus.WARNING,
    )


def broker_checks(app: Application) -> Iterator[Check]:
    """Yield whether the message broker takes and keeps messages."""
    yield from _redis_checks(app, BROKER, app.base.broker)
    state = redis.read_state(app.base.broker)
    yield Check.of_fault(
        "messages are kept",
        None if state.policy == "noeviction" else f"maxmemory-policy is {state.policy}",
        detail="maxmemory-policy is noeviction",
        fix="CONFIG SET maxmemory-policy noeviction: any other one drops messages.",
    )
    yield Check.of_fault(
        "messages survive a restart",
        None if state.is_logged else "appendonly is off",
        detail="appendonly is on",
        fix=f"CONFIG SET appendonly yes. {_UNREPLICATED}",
        otherwise=CheckStatus.WARNING,
    )


def cache_checks(app: Application) -> Iterator[Check]:
    """Yield whether the cache takes writes."""
    yield from _redis_checks(app, CACHE, app.base.cache)


def _redis_checks(app: Application, server: str, client: Redis) -> Iterator[Check]:
    name = f"{server} takes writes"
    try:
        redis.write(client)
    except NoPermissionError as error:
        yield Check.unmade(name, str(error), "Allow the user the keys `ax:*`.")
        return
    except TRANSIENT as error:
        words = reason(error, app.base.settings.secrets)
        yield Check.of_fault(name, words, detail="", fix=fix_of(server, words))
        return
    faults = "; ".join(redis.read_state(client).faults)
    yield Check.of_fault(
        name, faults or None, detail="it does", fix=fix_of(server, "No space left")
    )
