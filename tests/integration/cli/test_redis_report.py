"""The command `redis report` beside a working server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from angel_x.bootstrap import Application
from tests.builders.shells import Shell


@pytest.fixture
def shell(application: Application, environ: dict[str, str]) -> Shell:
    return Shell(environ)


@pytest.fixture
def slow_secret(application: Application) -> Iterator[None]:
    """A slow command whose value must not be shown."""
    cache = application.base.cache
    limit = str(cache.config_get("slowlog-log-slower-than")["slowlog-log-slower-than"])
    cache.config_set("slowlog-log-slower-than", 0)
    cache.set("slow:key", "the value of an order")
    cache.config_set("slowlog-log-slower-than", limit)
    yield
    cache.slowlog_reset()


def test_the_report_names_the_largest_keys_of_each_server_and_blocks_none(
    shell: Shell, application: Application, slow_secret: None
) -> None:
    cache, broker = application.base.cache, application.base.broker
    cache.rpush("large", *["x" * 100] * 1000)
    for n in range(500):
        broker.set(f"small:{n}", n)
    before = cache.info("commandstats")

    shown = {each["server"]: each for each in shell.json("redis", "report")["servers"]}

    assert list(shown) == ["broker", "cache"]
    assert shown["cache"]["big_keys"][0]["name"] == "large"
    assert shown["cache"]["big_keys"][0]["type"] == "list"
    assert shown["cache"]["big_keys"][0]["bytes"] > 100_000
    assert shown["broker"]["keys_looked_at"] >= 500
    assert shown["broker"]["memory"]["policy"] == "noeviction"
    assert shown["broker"]["memory"]["used"] > 0
    assert shown["cache"]["latency"]["worst_ms"] >= shown["cache"]["latency"]["median_ms"] > 0
    assert sum(each["keys"] for each in shown["broker"]["keyspace"]) >= 500
    slow = [each["command"] for each in shown["cache"]["slow_commands"]]
    assert "SET slow:key" in slow
    assert not any("value" in command for command in slow)
    after = cache.info("commandstats")
    for command in ("cmdstat_keys", "cmdstat_monitor"):
        assert after.get(command) == before.get(command)


def test_no_more_keys_are_looked_at_than_asked_for(shell: Shell, application: Application) -> None:
    for n in range(500):
        application.base.broker.set(f"small:{n}", n)

    [broker, _] = shell.json("redis", "report", "--keys", "10")["servers"]

    assert broker["keys_looked_at"] == 10
    assert "Largest of 10 keys" in shell.run("redis", "report", "--keys", "10").stdout


def test_a_section_that_the_server_refuses_is_named(
    shell: Shell, application: Application, environ: dict[str, str]
) -> None:
    cache = application.base.cache
    cache.acl_setuser(
        "reader", enabled=True, passwords="+pass", keys="*",
        categories=["+@all"], commands=["-slowlog", "-latency"],
    )  # fmt: skip

    try:
        url = environ["ANGEL_X_CACHE_URL"].replace("unix://", "unix://reader:pass@", 1)
        reader = Shell({**environ, "ANGEL_X_CACHE_URL": url})
        [_, shown] = reader.json("redis", "report")["servers"]
    finally:
        cache.acl_deluser("reader")

    assert shown["refused"] == ["latency", "slow log"]
    assert shown["slow_commands"] == []
