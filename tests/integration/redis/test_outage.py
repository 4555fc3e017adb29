"""The servers are asked as a probe asks them: with sockets, by the addresses of the settings."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from angel_x.adapters.outage import outage
from tests.plugins.servers import RedisUrls

UPTIME = b"$36\r\n# Server\r\nuptime_in_seconds:77\r\nx:1\r\n"


def test_servers_that_answer_are_not_away(redis_urls: RedisUrls, migrated_url: str) -> None:
    assert outage(redis_urls.broker_redis_url, migrated_url, settled_seconds=0) is None


def test_a_broker_that_started_lately_counts_as_away(
    redis_urls: RedisUrls, migrated_url: str
) -> None:
    reason = outage(redis_urls.broker_redis_url, migrated_url, settled_seconds=1e9)

    assert reason is not None
    assert reason.startswith("the message broker started ")


def test_a_server_that_is_not_there_is_named(
    redis_urls: RedisUrls, migrated_url: str, tmp_path: Path
) -> None:
    nowhere = f"unix://{tmp_path}/none.sock"

    without_broker = outage(nowhere, migrated_url, settled_seconds=0)
    without_database = outage(
        redis_urls.broker_redis_url, f"postgresql:///x?host={tmp_path}", settled_seconds=0
    )

    assert without_broker is not None
    assert without_database is not None
    assert without_broker.startswith("the message broker does not answer: ")
    assert without_database.startswith("the database does not answer: ")


@pytest.fixture
def mute() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_server_that_says_nothing_is_away(
    redis_urls: RedisUrls, mute: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angel_x.adapters.server_sockets.PATIENCE", 0.2)
    asked = outage(f"redis://127.0.0.1:{mute}/0", "", settled_seconds=0)
    database = f"postgresql://u@127.0.0.1:{mute}/x"

    assert asked == "the message broker does not answer: timed out"
    found = outage(redis_urls.broker_redis_url, database, settled_seconds=0)
    assert found == "the database does not answer: timed out"


@contextmanager
def answering(reply: bytes, last: bytes) -> Iterator[tuple[int, bytearray]]:
    """A server of one connection: its port and what it received; it replies once ``last`` came."""
    received = bytearray()

    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            while last not in received:
                received.extend(connection.recv(1000))
            connection.sendall(reply)

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        thread = threading.Thread(target=answer, args=(server,))
        thread.start()
        yield server.getsockname()[1], received
        thread.join()


def test_a_broker_with_a_password_is_asked_with_it() -> None:
    with answering(UPTIME, b"INFO") as (port, received):
        reason = outage(f"redis://me:p%22w@127.0.0.1:{port}/0", "", settled_seconds=100)

    assert received == b'AUTH "me" "p\\"w"\r\nINFO server\r\n'
    assert reason == "the message broker started 77 s ago"


def test_sentinels_are_asked_for_the_master_and_the_master_for_its_age() -> None:
    with answering(UPTIME, b"INFO") as (master, asked):
        named = f"+OK\r\n*2\r\n$9\r\n127.0.0.1\r\n${len(str(master))}\r\n{master}\r\n".encode()
        with answering(named, b"book") as (sentinel, received):
            # No one listens at the first: the next one is asked.
            hosts = f"127.0.0.1:1,127.0.0.1:{sentinel}"
            url = f"sentinel://:w@{hosts}/0?master=book&sentinel_password=s"
            reason = outage(url, "", settled_seconds=100)

    assert received == b'AUTH "s"\r\nSENTINEL GET-MASTER-ADDR-BY-NAME "book"\r\n'
    assert asked == b'AUTH "w"\r\nINFO server\r\n'
    assert reason == "the message broker started 77 s ago"


def test_a_master_that_no_sentinel_knows_is_away() -> None:
    with answering(b"*-1\r\n", b"book") as (sentinel, _):
        url = f"sentinel://127.0.0.1:{sentinel}/0?master=book"
        reason = outage(url, "", settled_seconds=0)

    assert reason == "the message broker does not answer: *-1"


def test_an_address_of_valkey_is_one_of_redis() -> None:
    with answering(UPTIME, b"INFO") as (port, _):
        reason = outage(f"valkey://127.0.0.1:{port}/0", "", settled_seconds=100)

    assert reason == "the message broker started 77 s ago"
