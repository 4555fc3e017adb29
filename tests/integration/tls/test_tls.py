"""TLS to PostgreSQL, Redis and the API, with certificates made here."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import unquote

import pytest
import redis
import trustme
from celery import Celery
from kombu.exceptions import OperationalError as BrokerAway
from redbeat.schedulers import get_redis
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from angel_x import Client
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.servers.given import given_database, given_redis
from angel_x.adapters.servers.places import POSTGRES_SOCKET
from angel_x.adapters.servers.urls import RedisAddress
from angel_x.bootstrap.foundation import _redis
from angel_x.errors import Unavailable
from beat_schedule.scheduler import Config
from config.celery_options import celery_options
from config.loading import load
from tests.integration.api.running import running
from tests.integration.tls.front import tls_front
from tests.plugins.servers import RedisUrls

REFUSED = "certificate verify failed"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    """The server's side, with a certificate for its address."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(made)
    return made


@pytest.fixture(params=["ours", "another"])
def trusted(
    request: pytest.FixtureRequest, authority: trustme.CA, tmp_path: Path
) -> tuple[bool, Path]:
    """Whether the client trusts the authority of the server, and the file with what it trusts."""
    file = tmp_path / "ca.pem"
    (authority if request.param == "ours" else trustme.CA()).cert_pem.write_to_path(str(file))
    return request.param == "ours", file


@pytest.fixture
def broker_url(
    redis_urls: RedisUrls, context: ssl.SSLContext, trusted: tuple[bool, Path]
) -> Iterator[str]:
    address = RedisAddress.parse(redis_urls.broker_redis_url)
    with tls_front(Path(address.path), context) as port:
        yield f"rediss://127.0.0.1:{port}/{address.database}?ssl_ca_certs={trusted[1]}"


def test_our_own_connections_to_redis(broker_url: str, trusted: tuple[bool, Path]) -> None:
    with closing(_redis(load({"ANGEL_X_REDIS_URL": broker_url}).needed("cache_url"), 2)) as client:
        if trusted[0]:
            assert client.set("seen", 1)
            assert given_redis(broker_url)[0].redis_url.startswith("rediss://")
        else:
            with pytest.raises(redis.ConnectionError, match=REFUSED):
                client.ping()


def test_celerys_connections_to_redis(broker_url: str, trusted: tuple[bool, Path]) -> None:
    with Celery(set_as_current=False) as app:
        app.conf.update(celery_options(load({"ANGEL_X_BROKER_URL": broker_url})))
        if trusted[0]:
            app.send_task("monitor.check_queues")
            with app.connection() as connection:
                message = connection.SimpleQueue("monitor").get(timeout=60)
                assert message.headers["task"] == "monitor.check_queues"
        else:
            with pytest.raises(BrokerAway, match=REFUSED):
                app.send_task("monitor.check_queues")


def test_celery_speaks_tls_without_any_parameter(
    redis_urls: RedisUrls, context: ssl.SSLContext
) -> None:
    address = RedisAddress.parse(redis_urls.broker_redis_url)
    with tls_front(Path(address.path), context) as port, Celery(set_as_current=False) as app:
        url = f"rediss://127.0.0.1:{port}/{address.database}"
        app.conf.update(celery_options(load({"ANGEL_X_BROKER_URL": url})))
        # No authority of this machine knows the certificate; without TLS there would be no check.
        with pytest.raises(BrokerAway, match=REFUSED):
            app.send_task("monitor.check_queues")


def test_beats_connections_to_redis(broker_url: str, trusted: tuple[bool, Path]) -> None:
    with Celery(set_as_current=False) as app:
        settings = load({"ANGEL_X_BROKER_URL": broker_url})
        app.conf.update(celery_options(settings))
        app.redbeat_conf = Config(app, settings.needed("broker_url"))
        with closing(get_redis(app)) as client:
            if trusted[0]:
                assert client.set("seen", 1)
            else:
                with pytest.raises(redis.ConnectionError, match=REFUSED):
                    client.ping()


def test_connections_to_postgresql(
    migrated_url: str, context: ssl.SSLContext, trusted: tuple[bool, Path]
) -> None:
    address, _, folder = migrated_url.partition("?host=")
    role, name = address.partition("://")[2].split("@/")
    upstream = Path(unquote(folder)) / POSTGRES_SOCKET
    with tls_front(upstream, context, is_postgres=True) as port:
        options = f"sslmode=verify-full&sslrootcert={trusted[1]}"
        url = f"postgresql://{role}@127.0.0.1:{port}/{name}?{options}"
        configured = load({"ANGEL_X_DATABASE_URL": url}).needed("database_url")
        engine = make_engine(configured, pool_size=1, max_pool_size=1)
        try:
            if trusted[0]:
                with engine.connect() as connection:
                    assert connection.execute(text("SELECT count(*) FROM users")).scalar_one() == 0
                    driver = connection.connection.driver_connection
                    assert driver is not None
                    assert driver.info.ssl_in_use
                assert given_database(url).endswith(options)
            else:
                with pytest.raises(OperationalError, match=REFUSED):
                    engine.connect()
        finally:
            engine.dispose()


def test_the_client_through_tls_in_front_of_the_api(
    environ: dict[str, str],
    context: ssl.SSLContext,
    trusted: tuple[bool, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted[1]))
    with (
        running(load({**environ, "ANGEL_X_METRICS_ENABLED": "false"})) as api,
        ExitStack() as stack,
    ):
        host, _, port = api.url.removeprefix("http://").partition(":")
        _, key = api.open_account("desk")
        front = stack.enter_context(tls_front((host, int(port)), context))
        client = stack.enter_context(Client(f"https://127.0.0.1:{front}", key, retries=0))
        if trusted[0]:
            assert client.positions() == []
        else:
            with pytest.raises(Unavailable, match=REFUSED):
                client.positions()
