from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest

from angel_x.adapters.children.logs import LogBounds
from angel_x.adapters.servers import RunningServers, start_servers
from angel_x.adapters.servers.places import servers_root
from tests.integration.servers.instances import (
    answers,
    connected,
    eventually,
    kill_everything,
    processes,
    query,
    survivors,
)


def start(home: Path) -> RunningServers:
    return start_servers(home, database_url=None, redis_url=None, durable=True)


@pytest.fixture
def killed(prepared_home: Path) -> Path:
    """A home with data whose servers were all killed at once."""
    with start(prepared_home) as running:
        query(running.urls.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
        with connected(running.urls.broker_redis_url) as broker:
            broker.rpush("orders.normal", "first", "second")
            broker.rpush("orders.normal", "third")
            # While the disk is busy, the server answers before it has written its log.
            assert broker.waitaof(1, 0, 120_000) == [1, 0]
        kill_everything(running)
    return prepared_home


def test_committed_data_survives_a_kill_of_all_servers(killed: Path) -> None:
    with start(killed) as running:
        assert query(running.urls.database_url, "SELECT answer FROM kept") == [(42,)]
        with connected(running.urls.broker_redis_url) as broker:
            assert broker.lrange("orders.normal", 0, -1) == ["first", "second", "third"]


def test_a_log_of_messages_that_ends_in_the_middle_of_one_is_read_up_to_there(
    killed: Path,
) -> None:
    (log,) = (servers_root(killed) / "broker" / "appendonlydir").glob("*.incr.aof")
    os.truncate(log, log.stat().st_size - 3)

    with start(killed) as running, connected(running.urls.broker_redis_url) as broker:
        assert broker.lrange("orders.normal", 0, -1) == ["first", "second"]


def test_a_pid_file_whose_number_went_to_another_process_is_no_obstacle(killed: Path) -> None:
    pid_file = servers_root(killed) / "postgres" / "data" / "postmaster.pid"
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        lines = pid_file.read_text().splitlines(keepends=True)
        pid_file.write_text("".join([f"{bystander.pid}\n", *lines[1:]]))

        with start(killed) as running:
            assert query(running.urls.database_url, "SELECT answer FROM kept") == [(42,)]

        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_an_initialization_that_was_cut_short_begins_again(home: Path) -> None:
    start(home).stop()
    postgres = servers_root(home) / "postgres"
    (postgres / "data").rename(postgres / "data.new")

    with start(home) as running:
        assert query(running.urls.database_url, "SELECT current_user") == [("angelx",)]
    assert not (postgres / "data.new").exists()


def test_a_server_that_dies_is_started_again_and_the_others_are_left_alone(
    prepared_home: Path,
) -> None:
    with start(prepared_home) as running:
        for name in ("postgres", "broker", "cache"):
            before = running.pids()

            os.kill(before[name], signal.SIGKILL)

            after = await_change(running, before)
            eventually(lambda: answers(running.urls))
            assert {n for n in before if before[n] != after[n]} == {name}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_a_guardian_that_is_killed_is_replaced_with_its_servers_and_their_data(
    prepared_home: Path,
) -> None:
    with start(prepared_home) as running:
        query(running.urls.database_url, "CREATE TABLE survived AS SELECT 43 AS answer")
        with connected(running.urls.broker_redis_url) as broker:
            broker.set("survived", "message")
        before = running.pids()
        everything = processes(before.values())
        running.restart()
        assert running.pids() == before

        os.kill(before["guardian"], signal.SIGKILL)
        eventually(lambda: not running.are_guarded)
        running.restart()

        after = running.pids()
        assert set(after) == set(before)
        assert not set(after.values()) & set(before.values())
        assert survivors(everything) == []
        assert query(running.urls.database_url, "SELECT answer FROM survived") == [(43,)]
        with connected(running.urls.broker_redis_url) as broker:
            assert broker.get("survived") == "message"
        everything = processes(after.values())

    assert survivors(everything) == []
    running.restart()
    assert running.pids() == {}


def test_the_log_of_a_server_is_bounded_while_it_writes(prepared_home: Path) -> None:
    bounds = LogBounds(bytes=2000, files=2)
    log = servers_root(prepared_home) / "logs" / "postgres.log"
    with start_servers(
        prepared_home, database_url=None, redis_url=None, durable=False, logs=bounds
    ) as running:

        def has_written() -> bool:
            with suppress(psycopg2.Error):
                query(running.urls.database_url, f"SELECT '{'x' * 500}'::int")
            return log.with_name("postgres.log.2").exists() and b"xxx" in log.read_bytes()

        eventually(has_written)
        eventually(lambda: log.stat().st_size <= bounds.bytes)

    assert {path.name for path in log.parent.glob("postgres.log*")} == {
        "postgres.log",
        "postgres.log.1",
        "postgres.log.2",
    }


def await_change(running: RunningServers, before: dict[str, int]) -> dict[str, int]:
    eventually(lambda: running.pids() != before)
    return running.pids()
