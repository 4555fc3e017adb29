"""The addresses of the servers, in the spelling that each library reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from angel_x.errors import ServerUnavailable
from config.addresses import kombu_address, redis_address, sqlalchemy_address

DRIVER_SCHEME = "postgresql+psycopg2"


@dataclass(frozen=True, slots=True)
class ServerUrls:
    #: As SQLAlchemy reads it.
    database_url: str
    #: As Celery and kombu read it.
    broker_url: str
    #: The broker again, as redis-py reads it.
    broker_redis_url: str
    #: As redis-py reads it.
    cache_url: str


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A Redis database, written as in settings or as kombu's ``redis+socket://``."""

    scheme: str
    netloc: str
    path: str
    query: tuple[tuple[str, str], ...]
    database: int

    @classmethod
    def parse(cls, url: str) -> Self:
        try:
            parts = urlsplit(redis_address(url))
        except ValueError as error:
            reason = str(error).replace("Expected an address that", "a Redis URL", 1)
            raise ServerUnavailable(f"{reason}, was {url.partition('://')[0]!r}") from None
        query = dict(parse_qsl(parts.query))
        if parts.scheme == "unix":
            database, path = query.pop("db", "0"), parts.path
        else:
            database, path = parts.path.strip("/") or query.pop("db", "0"), ""
        if not database.isdecimal():
            raise ServerUnavailable(f"a Redis database is a number, was {database!r}")
        return cls(parts.scheme, parts.netloc, path, tuple(query.items()), int(database))

    @classmethod
    def of_socket(cls, socket: Path, database: int = 0) -> Self:
        return cls("unix", "", quote(str(socket)), (), database)

    def with_database(self, database: int) -> RedisAddress:
        return RedisAddress(self.scheme, self.netloc, self.path, self.query, database)

    @property
    def redis_url(self) -> str:
        if self.scheme == "unix":
            return self._join("unix", self.path, ("db", str(self.database)))
        return self._join(self.scheme, f"/{self.database}")

    @property
    def kombu_url(self) -> str:
        return kombu_address(self.redis_url)

    def _join(self, scheme: str, path: str, *extra: tuple[str, str]) -> str:
        query = urlencode((*extra, *self.query))
        return f"{scheme}://{self.netloc}{path}" + (f"?{query}" if query else "")


def socket_database_url(directory: Path, database: str, role: str) -> str:
    """Address a database by the directory that holds the socket of its server."""
    return f"{DRIVER_SCHEME}://{role}@/{database}?host={quote(str(directory))}"


def normalized_database_url(url: str) -> str:
    """Name the driver, which people leave out.

    Raises:
        ServerUnavailable: The address is not one of PostgreSQL.
    """
    try:
        return sqlalchemy_address(url)
    except ValueError:
        scheme = url.partition("://")[0]
        raise ServerUnavailable(
            f"a database URL starts with postgresql://, was {scheme!r}"
        ) from None


def libpq_url(database_url: str) -> str:
    """Spell a SQLAlchemy URL as psycopg2 and psql read it."""
    return database_url.replace(f"{DRIVER_SCHEME}://", "postgresql://", 1)


def without_password(url: str) -> str:
    """Spell a URL so that it can be shown."""
    credentials, at, rest = url.rpartition("@")
    scheme, _, user_and_password = credentials.partition("://")
    return f"{scheme}://{user_and_password.partition(':')[0]}@{rest}" if at else url
