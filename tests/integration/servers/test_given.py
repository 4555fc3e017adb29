from __future__ import annotations

from pathlib import Path

import pytest

from angel_x.adapters.servers import given, start_servers
from angel_x.adapters.servers.urls import DRIVER_SCHEME
from angel_x.errors import ServerUnavailable
from tests.integration.servers.instances import answers
from tests.plugins.servers import RedisUrls


def test_given_servers_are_used_and_nothing_is_started(
    home: Path, database_url: str, redis_urls: RedisUrls
) -> None:
    plain = database_url.replace(DRIVER_SCHEME, "postgres")

    with start_servers(home, database_url=plain, redis_url=redis_urls.broker_redis_url) as running:
        assert running.urls.database_url == database_url
        assert running.urls.broker_url == redis_urls.broker_url
        assert running.urls.broker_redis_url == redis_urls.broker_redis_url
        assert running.urls.cache_url not in {redis_urls.broker_redis_url, redis_urls.cache_url}
        assert running.pids() == {}
        assert running.are_guarded

    assert answers(running.urls)
    assert not home.exists()


def test_only_the_server_that_is_not_given_is_started(
    home: Path, database_url: str, redis_urls: RedisUrls
) -> None:
    with start_servers(
        home, database_url=None, redis_url=redis_urls.broker_redis_url, durable=False
    ) as running:
        assert set(running.pids()) == {"guardian", "postgres"}
        assert answers(running.urls)

    with start_servers(home, database_url=database_url, redis_url=None, durable=False) as running:
        assert set(running.pids()) == {"guardian", "broker", "cache"}
        assert answers(running.urls)


@pytest.mark.parametrize(
    ("database_url", "redis_url", "complaint"),
    [
        ("sqlite:///x.db", None, "a database URL starts with postgresql://, was 'sqlite'"),
        (None, "amqp://localhost", "a Redis URL starts with .*, was 'amqp'"),
        (None, "redis://localhost/first", "a Redis database is a number, was 'first'"),
    ],
)
def test_a_url_of_another_kind_is_refused(
    home: Path, database_url: str | None, redis_url: str | None, complaint: str
) -> None:
    with pytest.raises(ServerUnavailable, match=complaint):
        start_servers(home, database_url=database_url, redis_url=redis_url)

    assert not home.exists()


@pytest.mark.parametrize("name", ["PostgreSQL", "Redis"])
def test_a_given_server_that_does_not_answer_is_named_without_its_password(
    home: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(given, "PATIENCE", 0.1)
    urls = {
        "PostgreSQL": ("postgresql://user:secret@localhost:1/angelx", None),
        "Redis": (None, "redis://user:secret@localhost:1/0"),
    }
    database_url, redis_url = urls[name]

    with pytest.raises(
        ServerUnavailable, match=f"no {name} answers at .*user@localhost"
    ) as refusal:
        start_servers(home, database_url=database_url, redis_url=redis_url)

    assert "secret" not in str(refusal.value)
    assert not home.exists()
