from __future__ import annotations

from pathlib import Path

import pytest

from angel_x.adapters.servers.urls import (
    RedisAddress,
    libpq_url,
    normalized_database_url,
    socket_database_url,
    without_password,
)


@pytest.mark.parametrize(
    ("url", "redis_url", "kombu_url"),
    [
        ("redis://h:1", "redis://h:1/0", "redis://h:1/0"),
        ("redis://u:p@h:1/3", "redis://u:p@h:1/3", "redis://u:p@h:1/3"),
        ("redis://h/?db=4", "redis://h/4", "redis://h/4"),
        (
            "rediss://h:1/2?ssl_cert_reqs=required",
            "rediss://h:1/2?ssl_cert_reqs=required",
            "rediss://h:1/2?ssl_cert_reqs=required",
        ),
        (
            "unix:///r/a.sock?db=5",
            "unix:///r/a.sock?db=5",
            "redis+socket:///r/a.sock?virtual_host=5",
        ),
        (
            "redis+socket:///r/a.sock?virtual_host=6",
            "unix:///r/a.sock?db=6",
            "redis+socket:///r/a.sock?virtual_host=6",
        ),
    ],
)
def test_a_redis_address_is_spelled_for_each_library(
    url: str, redis_url: str, kombu_url: str
) -> None:
    address = RedisAddress.parse(url)

    assert address.redis_url == redis_url
    assert address.kombu_url == kombu_url
    assert RedisAddress.parse(kombu_url) == address


def test_sentinels_keep_their_master_in_the_spelling_of_each_library() -> None:
    address = RedisAddress.parse("sentinel://:p@h1:1,h2:2/3?master=m")

    assert address.redis_url == "sentinel://:p@h1:1,h2:2/3?master=m"
    assert address.kombu_url == "sentinel://:p@h1:1/3;sentinel://:p@h2:2/3"
    assert address.with_database(4).redis_url == "sentinel://:p@h1:1,h2:2/4?master=m"


def test_the_cache_of_a_given_redis_has_a_number_of_its_own() -> None:
    broker = RedisAddress.parse("redis://u:p@h:1/3")

    assert broker.with_database(4).redis_url == "redis://u:p@h:1/4"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_a_database_url_gets_its_driver(scheme: str) -> None:
    url = normalized_database_url(f"{scheme}://u:p@h:5432/d?sslmode=require")

    assert url == "postgresql+psycopg2://u:p@h:5432/d?sslmode=require"
    assert libpq_url(url) == "postgresql://u:p@h:5432/d?sslmode=require"


def test_a_socket_directory_with_strange_characters_is_quoted() -> None:
    url = socket_database_url(Path("/a b/c&d%"), "angelx", "angelx")

    assert url == "postgresql+psycopg2://angelx@/angelx?host=/a%20b/c%26d%25"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://u:p@ss@h/0", "redis://u@h/0"),
        ("redis://:p@h/0", "redis://@h/0"),
        ("redis://h/0", "redis://h/0"),
        ("postgresql://u@/d?host=/s", "postgresql://u@/d?host=/s"),
    ],
)
def test_a_password_is_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown
