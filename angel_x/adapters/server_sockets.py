"""Sockets to the servers of addresses, with the standard library only."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

#: Seconds that a server has for each step.
PATIENCE = 2.0
_REDIS_PORT, _POSTGRES_PORT, _HTTPS_PORT = 6379, 5432, 443
#: PostgreSQL's request for TLS, which a server answers with one byte before anyone logs in.
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


def redis_socket(parts: SplitResult) -> socket.socket:
    """Connect to the Redis of an address, without TLS."""
    if parts.scheme == "unix":
        return _unix(unquote(parts.path))
    place = parts.hostname or "localhost", parts.port or _REDIS_PORT
    return socket.create_connection(place, PATIENCE)


def https_socket(parts: SplitResult) -> socket.socket:
    """Connect to the server of an address of HTTPS, without TLS."""
    place = parts.hostname or "localhost", parts.port or _HTTPS_PORT
    return socket.create_connection(place, PATIENCE)


def database_places(url: str) -> Iterator[tuple[str, int]]:
    """Yield host, or directory of the socket, and port of each server of an address."""
    parts = urlsplit(url)
    hosts = parameter(parts, "host") or parts.netloc.rpartition("@")[2] or "localhost"
    ports = (parameter(parts, "port") or "").split(",")
    for index, host in enumerate(unquote(hosts).split(",")):
        port = ports[min(index, len(ports) - 1)]
        if host.startswith("/"):
            yield host, int(port or _POSTGRES_PORT)
        else:
            place = urlsplit(f"//{host}")
            yield place.hostname or "localhost", place.port or int(port or _POSTGRES_PORT)


def database_socket(host: str, port: int) -> socket.socket:
    """Connect to one PostgreSQL, without TLS."""
    if host.startswith("/"):
        return _unix(f"{host}/.s.PGSQL.{port}")
    return socket.create_connection((host, port), PATIENCE)


def parameter(parts: SplitResult, name: str) -> str | None:
    """Return a parameter of an address, None where it has none of this name."""
    found = parse_qs(parts.query).get(name)
    return found[0] if found else None


def _unix(path: str) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(PATIENCE)
    try:
        connection.connect(path)
    except BaseException:
        connection.close()
        raise
    return connection
