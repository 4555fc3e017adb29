"""The ends of the certificates on which connections of this system depend.

Counted are the certificates that a connection verifies: those that servers show, and the files that
addresses name.  Nothing is counted of a connection without TLS, or one that verifies nothing.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog

from angel_x.adapters.server_sockets import (
    SSL_REQUEST,
    database_places,
    database_socket,
    https_socket,
    parameter,
    redis_socket,
)

if TYPE_CHECKING:
    import socket

    from cryptography.x509 import Certificate

    from config.settings import Settings

log = structlog.get_logger()

#: Seconds for which a reading counts: servers are not asked at each scrape.
_PAUSE_SECONDS = 600.0
_DAY = timedelta(days=1)
_VERIFYING = frozenset({"verify-ca", "verify-full"})

#: Reads the end of one certificate.
Read = Callable[[], datetime]


class Certificates:
    """Reads the ends of the certificates, at most every ten minutes."""

    def __init__(
        self, settings: Settings, clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self._readers = dict(_readers(settings))
        self._clock = clock
        self._monotonic = monotonic
        self._ends: dict[str, datetime] = {}
        self._due = float("-inf")

    def days_left(self) -> Mapping[str, float]:
        """Return the days until each certificate ends, negative once it has.

        One that cannot be read keeps its last known end, and is logged; an unknown one is left out.
        """
        if self._monotonic() >= self._due:
            self._due = self._monotonic() + _PAUSE_SECONDS
            self._ends |= dict(self._read())
        now = self._clock()
        return {name: (end - now) / _DAY for name, end in self._ends.items()}

    def _read(self) -> Iterator[tuple[str, datetime]]:
        for name, read in self._readers.items():
            try:
                yield name, read()
            except (OSError, ValueError) as error:
                log.warning("certificate.unread", certificate=name, error=str(error))


def _readers(settings: Settings) -> Iterator[tuple[str, Read]]:
    """Yield the certificates: of a server by its name, of a file as ``broker.authorities``."""
    if settings.database_url is not None:
        yield from _of_database(settings.database_url)
    redis = {
        "broker": settings.broker_url,
        "cache": settings.cache_url,
        "results": settings.result_url,
    }
    for server, url in redis.items():
        if url is not None and urlsplit(url).scheme == "rediss":
            yield from _of_redis(server, url)
    if settings.api_url is not None and urlsplit(settings.api_url).scheme == "https":
        yield "api", partial(_end_at_api, settings.api_url)


def _of_database(url: str) -> Iterator[tuple[str, Read]]:
    parts = urlsplit(url)
    authorities, client = parameter(parts, "sslrootcert"), parameter(parts, "sslcert")
    if parameter(parts, "sslmode") in _VERIFYING:
        yield "database", partial(_end_at_database, url)
        # Else libpq looks for the authorities of the operating system.
        if authorities not in {None, "system"}:
            yield "database.authorities", partial(_last_end, str(authorities))
    if client is not None:
        yield "database.client", partial(_first_end, client)


def _of_redis(server: str, url: str) -> Iterator[tuple[str, Read]]:
    parts = urlsplit(url)
    authorities, client = parameter(parts, "ssl_ca_certs"), parameter(parts, "ssl_certfile")
    if parameter(parts, "ssl_cert_reqs") in {None, "required"}:
        yield server, partial(_end_at_redis, url)
        if authorities is not None:
            yield f"{server}.authorities", partial(_last_end, authorities)
    if client is not None:
        yield f"{server}.client", partial(_first_end, client)


def _first_end(file: str) -> datetime:
    """Return the end of a chain of certificates, which is the earliest end among them."""
    return min(each.not_valid_after_utc for each in _in_file(file))


def _last_end(file: str) -> datetime:
    """Return the end of a list of authorities.

    Behind it nothing is accepted; before, old authorities may end beside their successors.
    """
    return max(each.not_valid_after_utc for each in _in_file(file))


def _in_file(file: str) -> list[Certificate]:
    """Return the certificates of a file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds no certificate.
    """
    from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - slow to import

    return load_pem_x509_certificates(Path(file).read_bytes())


def _end_at_redis(url: str) -> datetime:
    parts = urlsplit(url)
    with redis_socket(parts) as connection:
        return _shown_end(connection, parts.hostname)


def _end_at_api(url: str) -> datetime:
    parts = urlsplit(url)
    with https_socket(parts) as connection:
        return _shown_end(connection, parts.hostname)


def _end_at_database(url: str) -> datetime:
    """Return the first end of the certificates that the servers of an address show."""
    return min(_end_at_place(host, port) for host, port in database_places(url))


def _end_at_place(host: str, port: int) -> datetime:
    with database_socket(host, port) as connection:
        connection.sendall(SSL_REQUEST)
        if connection.recv(1) != b"S":
            raise ConnectionError("the server has no TLS")
        return _shown_end(connection, host)


def _shown_end(connection: socket.socket, host: str | None) -> datetime:
    """Return the end of the certificate that a server shows.

    It is not verified, as one that has ended could not be read else; nothing is sent.
    """
    from cryptography.x509 import load_der_x509_certificate  # noqa: PLC0415 - slow to import

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with context.wrap_socket(connection, server_hostname=host) as secured:
        shown = secured.getpeercert(binary_form=True)
    if shown is None:
        raise ConnectionError("the server shows no certificate")
    return load_der_x509_certificate(shown).not_valid_after_utc
