"""Configured servers: their URLs are checked by connecting, and nothing is started."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import psycopg2

from angel_x.adapters.redaction import Redaction
from angel_x.adapters.servers.urls import (
    RedisAddress,
    libpq_url,
    normalized_database_url,
    without_password,
)
from angel_x.adapters.servers.valkey import redis_refusal
from angel_x.errors import ServerUnavailable
from config.addresses import passwords

#: The wait for an answer in seconds; a server may be starting at the same time.
PATIENCE = 5.0
#: In the place of libpq's errors, which quote parts of the password.
_UNREADABLE = "the address cannot be read; special characters of its password are written as %XX"


def given_database(url: str) -> str:
    """Return the URL in the format of SQLAlchemy, once PostgreSQL answers there."""
    normalized = normalized_database_url(url)
    _await_answer(partial(_postgres_refusal, normalized), "PostgreSQL", url)
    return normalized


def given_redis(url: str) -> tuple[RedisAddress, RedisAddress]:
    """Return the broker's address, which is the given one, and the cache's beside it."""
    broker = RedisAddress.parse(url)
    cache = broker.with_database(broker.database + 1)
    for address in (broker, cache):
        _await_answer(partial(redis_refusal, address.redis_url), "Redis", address.redis_url)
    return broker, cache


def _postgres_refusal(url: str) -> str | None:
    try:
        psycopg2.connect(libpq_url(url), connect_timeout=5).close()
    except psycopg2.ProgrammingError:
        return _UNREADABLE
    except psycopg2.OperationalError as error:
        return _UNREADABLE if "for connection option" in str(error) else str(error).strip()
    return None


def _await_answer(refusal: Callable[[], str | None], name: str, url: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while (reason := refusal()) is not None:
        if time.monotonic() > deadline:
            raise ServerUnavailable(
                f"no {name} answers at {without_password(url)}: "
                + Redaction(passwords(url)).masked(reason)
            )
        time.sleep(0.1)
