"""What the broker and the cache have stored is expendable: whatever is wrong with it, they start."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
import redis
from structlog.testing import capture_logs

from angel_x.adapters.children.aside import KEPT
from angel_x.adapters.servers import RunningServers, start_servers
from angel_x.adapters.servers.places import servers_root
from tests.integration.servers.instances import connected, eventually
from tests.plugins.servers import temporary_home

OTHER_VERSION = b"REDIS9999" + bytes(32)


def start(home: Path, servers: RunningServers) -> RunningServers:
    """Start a broker and a cache, beside a database that runs."""
    return start_servers(home, database_url=servers.urls.database_url, redis_url=None)


@pytest.fixture(scope="module")
def filled(servers: RunningServers) -> Iterator[Path]:
    """A home whose broker has stored a message."""
    with temporary_home() as home:
        with start(home, servers) as running, connected(running.urls.broker_redis_url) as broker:
            broker.lpush("orders.normal", "a ring")
        yield home


@pytest.fixture
def stored(home: Path, filled: Path) -> Path:
    # cp keeps the owner of each file.
    subprocess.run(["cp", "-a", filled, home], check=True)
    return home


def only(folder: Path, pattern: str) -> Path:
    (found,) = (folder / "appendonlydir").glob(pattern)
    return found


def append_zeros(folder: Path) -> None:
    with only(folder, "*.incr.aof").open("ab") as file:
        file.write(bytes(64))


def replace_directory(folder: Path) -> None:
    shutil.rmtree(folder / "appendonlydir")
    (folder / "appendonlydir").write_text("no directory")


#: Damage to the folder of the message broker.
DAMAGE: dict[str, Callable[[Path], object]] = {
    "zeros behind its commands": append_zeros,
    "manifest of text": lambda f: only(f, "*.manifest").write_text("no manifest\n"),
    "manifest that is empty": lambda f: only(f, "*.manifest").write_bytes(b""),
    "base of another version": lambda f: only(f, "*.base.rdb").write_bytes(OTHER_VERSION),
    "base that is missing": lambda f: only(f, "*.base.rdb").unlink(),
    "a file in the place of the directory": replace_directory,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_broker_whose_file_is_unreadable_starts_without_it(
    stored: Path, servers: RunningServers, damage: Callable[[Path], object]
) -> None:
    folder = servers_root(stored) / "broker"
    damage(folder)

    with (
        capture_logs() as logs,
        start(stored, servers) as running,
        connected(running.urls.broker_redis_url) as broker,
    ):
        assert broker.llen("orders.normal") == 0
        assert broker.lpush("orders.normal", "another ring") == 1

    (aside,) = folder.glob("appendonlydir.damaged-*")
    (event,) = [entry for entry in logs if entry["event"] == "server_files.put_aside"]
    assert (event["server"], event["files"]) == ("broker", [str(aside)])
    assert event["log_level"] == "error"


@pytest.mark.parametrize("content", [b"", OTHER_VERSION], ids=["empty", "newer"])
def test_a_cache_whose_dump_is_unreadable_starts_without_it(
    home: Path, servers: RunningServers, content: bytes
) -> None:
    folder = servers_root(home) / "cache"
    folder.mkdir(parents=True)
    (folder / "dump.rdb").write_bytes(content)
    (folder / "temp-4711.rdb").write_bytes(content)

    with start(home, servers) as running, connected(running.urls.cache_url) as cache:
        assert cache.dbsize() == 0

    assert [f.read_bytes() for f in folder.glob("dump.rdb.damaged-*")] == [content]
    assert not (folder / "temp-4711.rdb").exists()


def test_a_running_broker_whose_file_is_damaged_comes_back_after_a_kill_and_says_so(
    stored: Path, servers: RunningServers
) -> None:
    folder = servers_root(stored) / "broker"
    with start(stored, servers) as running, capture_logs() as logs:
        for number in range(1, KEPT + 2):
            append_zeros(folder)
            before = running.pids()["broker"]
            os.kill(before, signal.SIGKILL)

            eventually(partial(is_back, running, before))

            running.hear()
            assert [entry["event"] for entry in logs] == ["server_files.put_aside"] * number

    assert len(list(folder.glob("appendonlydir.damaged-*"))) == KEPT
    assert "broker did not start with this" in (stored / "servers/logs/guardian.log").read_text()


def is_back(running: RunningServers, before: int) -> bool:
    with suppress(redis.RedisError), connected(running.urls.broker_redis_url) as broker:
        return broker.info("server")["process_id"] != before and bool(broker.ping())
    return False


def test_a_directory_in_the_place_of_a_socket_stops_no_server_and_costs_no_message(
    stored: Path, servers: RunningServers
) -> None:
    socket = servers_root(stored) / "sockets" / "broker.sock"
    socket.mkdir()

    with start(stored, servers) as running, connected(running.urls.broker_redis_url) as broker:
        assert broker.lrange("orders.normal", 0, -1) == ["a ring"]

    assert len(list(socket.parent.glob("broker.sock.damaged-*"))) == 1
