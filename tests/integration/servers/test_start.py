from __future__ import annotations

import os
import signal
import stat
from dataclasses import asdict
from pathlib import Path

import psycopg2
import pytest
from kombu.connection import Connection

from angel_x.adapters.servers import RunningServers, erase, start_servers
from angel_x.adapters.servers.places import SOCKET_PATH_LIMIT, servers_root
from angel_x.adapters.servers.urls import RedisAddress
from angel_x.errors import ServerUnavailable
from tests.integration.servers.instances import connected, processes, query, survivors
from tests.plugins.servers import DatabaseFactory, RedisUrls


def start(home: Path, *, durable: bool = False) -> RunningServers:
    return start_servers(home, database_url=None, redis_url=None, durable=durable)


def test_data_outlives_a_stop_and_nothing_runs_after_it(home: Path) -> None:
    with start(home, durable=True) as running:
        everything = processes(running.pids().values())
        query(running.urls.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        with connected(running.urls.broker_redis_url) as broker:
            broker.lpush("orders.normal", "a ring")
        assert set(running.pids()) == {"guardian", "broker", "cache", "postgres"}

    assert survivors(everything) == []
    assert running.pids() == {}
    running.stop()
    with start(home, durable=True) as again:
        assert query(again.urls.database_url, "SELECT answer FROM kept") == [(42,)]
        with connected(again.urls.broker_redis_url) as broker:
            assert broker.lrange("orders.normal", 0, -1) == ["a ring"]


def test_broker_refuses_when_full_and_the_cache_evicts(servers: RunningServers) -> None:
    policies = {}
    for url in (servers.urls.broker_redis_url, servers.urls.cache_url):
        with connected(url) as client:
            assert client.config_get("maxmemory")["maxmemory"] != "0"
            policies[url] = client.config_get("maxmemory-policy")["maxmemory-policy"]

    assert list(policies.values()) == ["noeviction", "allkeys-lfu"]


def test_a_durable_broker_logs_its_messages_and_the_cache_does_not(prepared_home: Path) -> None:
    with start(prepared_home, durable=True) as running:
        urls = running.urls.broker_redis_url, running.urls.cache_url
        appends = []
        for url in urls:
            with connected(url) as client:
                appends.append(client.config_get("append*"))

    assert appends[0]["appendonly"] == "yes"
    assert appends[0]["appendfsync"] == "everysec"
    assert appends[1]["appendonly"] == "no"


def test_kombu_and_redis_see_the_same_broker(redis_urls: RedisUrls) -> None:
    with Connection(redis_urls.broker_url) as connection:  # type: ignore[no-untyped-call]  # kombu's
        queue = connection.SimpleQueue("orders.high")
        queue.put({"order_ids": [1]})
        queue.close()

    with connected(redis_urls.broker_redis_url) as client:
        assert client.llen("orders.high") == 1


def test_no_server_listens_on_a_port(servers: RunningServers) -> None:
    listening = [
        connection
        for process in processes(servers.pids().values())
        for connection in process.net_connections(kind="inet")
    ]
    assert listening == []


def test_only_the_user_who_started_them_may_connect(servers: RunningServers) -> None:
    for url in (servers.urls.broker_redis_url, servers.urls.cache_url):
        socket = Path(RedisAddress.parse(url).path)
        assert stat.S_IMODE(socket.stat().st_mode) & 0o077 == 0

    with pytest.raises(psycopg2.OperationalError, match="Peer authentication failed"):
        query(servers.urls.database_url.replace("angelx@", "somebody@"), "SELECT 1")


def test_settings_of_the_database_are_ours(servers: RunningServers, prepared_home: Path) -> None:
    names = ("jit", "max_connections", "log_min_duration_statement", "fsync", "full_page_writes")
    statement = "SELECT " + ", ".join(f"current_setting('{name}')" for name in names)

    assert query(servers.urls.database_url, statement) == [("off", "200", "200ms", "off", "off")]
    with start(prepared_home, durable=True) as running:
        assert query(running.urls.database_url, statement) == [("off", "200", "200ms", "on", "on")]


def test_a_database_of_tests_has_no_memory_that_outlives_it(servers: RunningServers) -> None:
    assert query(servers.urls.database_url, "SHOW dynamic_shared_memory_type") == [("mmap",)]


def test_a_home_in_use_is_refused_and_its_servers_stay(prepared_home: Path) -> None:
    with start(prepared_home) as running:
        before = running.pids()

        with pytest.raises(ServerUnavailable, match=f"process {os.getpid()} runs the servers"):
            start(prepared_home)
        with pytest.raises(ServerUnavailable, match="runs the servers of this home"):
            erase(prepared_home)

        assert running.pids() == before
        assert query(running.urls.database_url, "SELECT 1") == [(1,)]


def test_two_homes_run_side_by_side(prepared_home: Path) -> None:
    neighbor = prepared_home.with_name("neighbor")
    with start(prepared_home) as one, start(neighbor) as other:
        query(one.urls.database_url, "CREATE TABLE only_here ()")
        with connected(one.urls.cache_url) as cache:
            cache.set("only", "here")

        assert not set(asdict(one.urls).values()) & set(asdict(other.urls).values())
        assert query(other.urls.database_url, "SELECT to_regclass('only_here')") == [(None,)]
        with connected(other.urls.cache_url) as cache:
            assert cache.get("only") is None
    erase(neighbor)


def test_a_home_with_a_long_strange_path_gets_short_sockets(home: Path) -> None:
    strange = home / ("a long name, with 'quotes', \"more\" and % " + "x" * 60)
    with start(strange) as running:
        socket = Path(running.urls.cache_url.removeprefix("unix://").partition("?")[0])

        assert query(running.urls.database_url, "SELECT 1") == [(1,)]
        with connected(running.urls.cache_url) as cache:
            assert cache.ping()
        assert len(os.fsencode(socket)) <= SOCKET_PATH_LIMIT
        assert stat.S_IMODE(socket.parent.stat().st_mode) & 0o066 == 0

    assert not socket.parent.exists()
    erase(strange)


def test_a_server_that_cannot_start_shows_the_end_of_its_log(prepared_home: Path) -> None:
    version = servers_root(prepared_home) / "postgres" / "data" / "PG_VERSION"
    version.write_text("9.6\n")

    with pytest.raises(ServerUnavailable, match="postgres did not start") as refusal:
        start(prepared_home)

    assert "initialized by PostgreSQL version 9.6" in str(refusal.value)
    assert not (servers_root(prepared_home) / "running.json").exists()


def test_a_directory_of_somebody_else_is_refused(home: Path, as_root: None) -> None:
    home.mkdir()
    os.chown(home, 65534, 65534)

    with pytest.raises(ServerUnavailable, match="a directory of user id 0 is needed"):
        start(home)

    assert list(home.iterdir()) == []


def test_a_home_that_cannot_be_made_is_named(home: Path) -> None:
    home.write_text("not a directory")

    with pytest.raises(ServerUnavailable, match=f"cannot be used.*{home}"):
        start(home / "below")

    assert home.read_text() == "not a directory"
    home.unlink()


def test_a_database_is_copied_from_its_template(databases: DatabaseFactory) -> None:
    with databases.fresh() as template:
        query(template, "CREATE TABLE migrated AS SELECT 1 AS revision")
        with databases.fresh(template) as copy:
            assert query(copy, "SELECT revision FROM migrated") == [(1,)]
            query(copy, "DELETE FROM migrated")
        assert query(template, "SELECT revision FROM migrated") == [(1,)]


def test_a_hangup_of_the_terminal_reaches_no_server(prepared_home: Path) -> None:
    """Servers and guardian form a session of their own, so Ctrl-C ends the application first."""
    with start(prepared_home) as running:
        assert all(os.getsid(pid) != os.getsid(0) for pid in running.pids().values())
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
