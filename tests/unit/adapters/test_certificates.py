"""The days until certificates end, read from servers and from files."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from angel_x.adapters.certificates import Certificates
from config.loading import load
from config.settings import Settings
from tests.integration.tls.front import tls_front

NOW = datetime(2026, 11, 26, 10, tzinfo=UTC)
#: Nothing is behind these fronts; the handshake is enough.
NOWHERE = ("127.0.0.1", 1)


def ending(authority: trustme.CA, days: float) -> trustme.LeafCert:
    return authority.issue_cert("127.0.0.1", not_after=NOW + timedelta(days=days))


class Machine:
    """Servers with certificates, and files of others."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.authority = trustme.CA()
        self._folder = folder
        self._stack = stack

    def serve(self, days: float, *, is_postgres: bool = False) -> int:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ending(self.authority, days).configure_cert(context)
        return self._stack.enter_context(tls_front(NOWHERE, context, is_postgres=is_postgres))

    def file(self, *days: float) -> Path:
        path = self._folder / f"{'-'.join(map(str, days))}.pem"
        for each in days:
            certificate = ending(self.authority, each).cert_chain_pems[0]
            certificate.write_to_path(str(path), append=True)
        return path


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with ExitStack() as stack:
        yield Machine(tmp_path, stack)


def certificates(settings: Settings) -> Certificates:
    return Certificates(settings, lambda: NOW, lambda: 0.0)


def rounded(days: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 3) for name, value in days.items()}


def test_servers_show_the_end_of_their_certificates_also_of_one_that_has_ended(
    machine: Machine,
) -> None:
    databases = ",".join(f"127.0.0.1:{machine.serve(d, is_postgres=True)}" for d in (9, 7))
    settings = load(
        {
            "ANGEL_X_DATABASE_URL": f"postgresql://u:p@{databases}/d?sslmode=verify-full",
            "ANGEL_X_BROKER_URL": f"rediss://:p@127.0.0.1:{machine.serve(-2)}/0",
            "ANGEL_X_CACHE_URL": "redis://127.0.0.1:1/1",
            "ANGEL_X_API_URL": f"https://127.0.0.1:{machine.serve(30)}",
        }
    )

    found = certificates(settings).days_left()

    assert rounded(dict(found)) == {"database": 7, "broker": -2, "api": 30}


def test_of_authorities_the_last_end_counts_and_of_a_chain_the_first(machine: Machine) -> None:
    authorities, chain = machine.file(5, 50), machine.file(6, 60)
    redis = f"ssl_ca_certs={authorities}&ssl_certfile={chain}&ssl_keyfile=x"
    database = f"sslmode=verify-ca&sslrootcert={authorities}&sslcert={chain}"
    settings = load(
        {
            "ANGEL_X_DATABASE_URL": f"postgresql://u@127.0.0.1:1/d?{database}",
            "ANGEL_X_REDIS_URL": f"rediss://127.0.0.1:1/0?{redis}",
        }
    )

    found = certificates(settings).days_left()

    # The servers are away, so their own certificates are not known.
    assert rounded(dict(found)) == {
        f"{server}.{file}": days
        for server in ("database", "broker", "cache")
        for file, days in (("authorities", 50), ("client", 6))
    }


@pytest.mark.parametrize(
    ("database", "redis"),
    [
        ("postgresql:///d?host=/run/postgresql", "unix:///run/redis.sock"),
        ("postgresql://u@127.0.0.1:1/d?sslmode=require", "redis://127.0.0.1:1/0"),
        ("postgresql://u@127.0.0.1:1/d", "rediss://127.0.0.1:1/0?ssl_cert_reqs=none"),
    ],
)
def test_a_connection_that_verifies_nothing_counts_no_certificate(
    database: str, redis: str
) -> None:
    settings = load({"ANGEL_X_DATABASE_URL": database, "ANGEL_X_REDIS_URL": redis})

    assert certificates(settings).days_left() == {}


def test_a_certificate_that_cannot_be_read_keeps_its_last_end_and_is_read_again_in_ten_minutes(
    machine: Machine,
) -> None:
    file = machine.file(5)
    url = f"rediss://127.0.0.1:1/0?ssl_cert_reqs=none&ssl_certfile={file}"
    seconds = 0.0
    watched = Certificates(load({"ANGEL_X_BROKER_URL": url}), lambda: NOW, lambda: seconds)
    assert rounded(dict(watched.days_left())) == {"broker.client": 5}

    file.unlink()
    seconds = 600.0
    assert rounded(dict(watched.days_left())) == {"broker.client": 5}
    machine.file(80).rename(file)
    seconds = 1199.0
    assert rounded(dict(watched.days_left())) == {"broker.client": 5}
    seconds = 1200.0
    assert rounded(dict(watched.days_left())) == {"broker.client": 80}
