from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
import redis
from celery import Celery
from kombu.exceptions import OperationalError
from psutil import Process
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.redis.memory_ratio import memory_ratio
from angel_x.adapters.redis.periodic_entries import PeriodicEntries
from angel_x.adapters.redis.queue_depths import QueueDepths
from angel_x.adapters.servers.binaries import find_valkey
from config import beat_keys
from tests.unit.deploy import compose

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
PASSWORD = "letters0and0digits"
SENDER_PASSWORD = "sends0and0nothing0else"
METRICS_PASSWORD = "counts0and0nothing0else"
DEADLINE_SECONDS = 120
SCRIPT = "/etc/valkey/broker.sh"
#: The entry point of the image, which gets the name of the server and of its configuration.
ENTRY_POINT = """#!/bin/sh
shift 2
exec {server} {conf} --port 0 --unixsocket {socket} --dir {directory} "$@"
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="ax-conf-") as name:
        yield Path(name)


@contextmanager
def launched(conf: Path, directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the broker by the command of its container, with the entry point of a test."""
    command = compose.document()["services"]["broker"]["command"]
    assert SCRIPT in command
    server = subprocess.Popen(
        [str(DEPLOY / "broker.sh") if word == SCRIPT else word for word in command],
        cwd=directory,
        env={
            **os.environ,
            "REDISCLI_AUTH": PASSWORD,
            "BROKER_SENDER_PASSWORD": SENDER_PASSWORD,
            "BROKER_METRICS_PASSWORD": METRICS_PASSWORD,
            "PATH": _path_with_entry_point(conf, directory),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.communicate(timeout=DEADLINE_SECONDS)


def _path_with_entry_point(conf: Path, directory: Path) -> str:
    commands = directory / "bin"
    commands.mkdir(exist_ok=True)
    entry_point = commands / "docker-entrypoint.sh"
    socket = directory / "server.sock"
    text = ENTRY_POINT.format(server=find_valkey(), conf=conf, socket=socket, directory=directory)
    entry_point.write_text(text, encoding="utf-8")
    entry_point.chmod(0o755)
    return f"{commands}:{os.environ['PATH']}"


@contextmanager
def started(conf: Path, directory: Path) -> Iterator[redis.Redis]:
    """Start the broker and wait until it answers."""
    with (
        launched(conf, directory) as server,
        closing(client_of(directory / "server.sock", PASSWORD)) as client,
    ):
        _await_pong(client, server)
        yield client


def client_of(
    socket: Path, password: str | None = None, username: str | None = None
) -> redis.Redis:
    """Return a client that says at once what it meets, where the default asks ten times."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis(
        unix_socket_path=str(socket), username=username, password=password, retry=retry
    )


def _await_pong(client: redis.Redis, server: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            client.ping()
        except redis.RedisError:
            if server.poll() is not None:
                raise AssertionError(f"the server ended: {server.communicate()[0]}") from None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return


def config(client: redis.Redis, name: str) -> str:
    found = client.config_get(name)
    assert isinstance(found, dict)
    return str(found[name])


def test_a_full_broker_refuses_and_drops_nothing(directory: Path) -> None:
    with started(DEPLOY / "redis-broker.conf", directory) as broker:
        assert config(broker, "maxmemory-policy") == "noeviction"
        assert config(broker, "appendfsync") == "everysec"
        broker.lpush("orders.normal", "first")
        broker.config_set("maxmemory", 1)

        with pytest.raises(redis.exceptions.OutOfMemoryError):
            broker.lpush("orders.normal", "second")

        assert broker.lrange("orders.normal", 0, -1) == [b"first"]


def test_a_broker_that_was_killed_still_has_its_messages(directory: Path) -> None:
    with started(DEPLOY / "redis-broker.conf", directory) as broker:
        broker.lpush("orders.normal", "first")

    with started(DEPLOY / "redis-broker.conf", directory) as broker:
        assert broker.lrange("orders.normal", 0, -1) == [b"first"]


def test_a_log_that_the_server_cannot_read_is_put_aside_so_that_the_next_start_succeeds(
    directory: Path,
) -> None:
    conf = DEPLOY / "redis-broker.conf"
    with started(conf, directory) as broker:
        broker.lpush("orders.normal", "first")
    for _ in range(3):
        (log,) = directory.glob("appendonlydir/*.incr.aof")
        with log.open("ab") as stream:
            stream.write(bytes(64))

        with launched(conf, directory) as server:
            output, _ = server.communicate(timeout=DEADLINE_SECONDS)

        assert server.returncode == 1
        assert "its log was put aside as appendonlydir.damaged-" in output
        with started(conf, directory) as broker:
            assert broker.dbsize() == 0
    assert 1 <= len(list(directory.glob("appendonlydir.damaged-*"))) <= 2


def test_a_broker_that_is_asked_to_stop_keeps_its_messages(directory: Path) -> None:
    conf = DEPLOY / "redis-broker.conf"
    with launched(conf, directory) as server:
        with closing(client_of(directory / "server.sock", PASSWORD)) as broker:
            _await_pong(broker, server)
            broker.lpush("orders.normal", "first")
        server.terminate()
        server.communicate(timeout=DEADLINE_SECONDS)
        assert server.returncode == 0

    with started(conf, directory) as broker:
        assert broker.lrange("orders.normal", 0, -1) == [b"first"]


def test_the_password_is_no_argument_of_a_process(directory: Path) -> None:
    with launched(DEPLOY / "redis-broker.conf", directory) as server:
        with closing(client_of(directory / "server.sock", PASSWORD)) as broker:
            _await_pong(broker, server)
        shell = Process(server.pid)
        arguments = [each.cmdline() for each in [shell, *shell.children(recursive=True)]]

    assert any("valkey-server" in words[0] for words in arguments)
    assert not any(PASSWORD in word for words in arguments for word in words)


def test_a_sender_can_send_orders_and_do_nothing_else(directory: Path) -> None:
    with started(DEPLOY / "redis-broker.conf", directory) as broker:
        broker.lpush("orders.normal", "first")
        url = f"redis+socket://sender:{SENDER_PASSWORD}@{directory / 'server.sock'}"
        with Celery(broker=url, set_as_current=False) as sender:
            sender.send_task("orders.submit", args=[{"client_order_id": "c-1"}], retry=False)
            with pytest.raises(OperationalError, match="No permissions"):
                sender.send_task("orders.process_batch", queue="orders.normal", retry=False)

        with closing(client_of(directory / "server.sock", SENDER_PASSWORD, "sender")) as client:
            assert refused(
                client,
                ("LRANGE", "celery", "0", "-1"),
                ("RPOP", "celery"),
                ("DEL", "celery"),
                ("LPUSH", "orders.normal", "forged"),
                ("PUBLISH", "/0.celery.pidbox", "shutdown"),
                ("SUBSCRIBE", "/0.celeryev/task.*"),
                ("KEYS", "*"),
                ("INFO",),
                ("CLIENT", "LIST"),
                ("CONFIG", "GET", "*"),
                ("FLUSHALL",),
                ("ACL", "WHOAMI"),
            )

        assert broker.llen("celery") == 1
        assert broker.lrange("orders.normal", 0, -1) == [b"first"]


def test_the_user_of_the_metrics_process_counts_and_does_nothing_else(directory: Path) -> None:
    with started(DEPLOY / "redis-broker.conf", directory) as broker:
        broker.lpush("orders.normal", "first")
        broker.zadd(beat_keys.SCHEDULE, {beat_keys.key_of("orders.match"): 1})
        url = f"unix://metrics:{METRICS_PASSWORD}@{directory / 'server.sock'}"
        with closing(connect(url)) as client:
            entries = PeriodicEntries(client)

            assert client.ping()
            assert QueueDepths(client, ["orders.normal"]).read() == {"orders.normal": 1}
            assert [entry.name for entry in entries.read()] == ["orders.match"]
            assert entries.aside() == []
            assert 0 < memory_ratio(client) < 1
            assert refused(
                client,
                ("LRANGE", "orders.normal", "0", "-1"),
                ("LPUSH", "orders.normal", "forged"),
                ("RPOP", "orders.normal"),
                ("DEL", "orders.normal"),
                ("ZADD", beat_keys.SCHEDULE, "0", "forged"),
                ("GET", "redbeat::lock"),
                ("PUBLISH", "/0.celery.pidbox", "shutdown"),
                ("SUBSCRIBE", "/0.celeryev/task.*"),
                ("KEYS", "*"),
                ("CLIENT", "LIST"),
                ("CONFIG", "GET", "*"),
                ("FLUSHALL",),
            )
        assert broker.lrange("orders.normal", 0, -1) == [b"first"]


def refused(client: redis.Redis, *commands: tuple[str, ...]) -> bool:
    """Return whether the access list refuses every command."""
    for words in commands:
        with pytest.raises(redis.exceptions.NoPermissionError):
            client.execute_command(*words)  # type: ignore[no-untyped-call]
    return True


def test_a_full_cache_makes_room(directory: Path) -> None:
    with started(DEPLOY / "redis-cache.conf", directory) as cache:
        assert config(cache, "maxmemory-policy") == "allkeys-lfu"
        assert config(cache, "appendonly") == "no"
        cache.config_set("maxmemory", "4mb")
        for number in range(200):
            cache.set(f"ax:quotes:{number}", b"x" * 65536)

        assert 0 < int(str(cache.dbsize())) < 200
        assert not list(directory.glob("appendonly*"))


@pytest.mark.parametrize("name", ["redis-broker.conf", "redis-cache.conf"])
def test_nobody_comes_in_without_the_password(name: str, directory: Path) -> None:
    with (
        started(DEPLOY / name, directory),
        closing(client_of(directory / "server.sock")) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_a_word_that_the_server_does_not_know_would_be_found(directory: Path) -> None:
    conf = directory / "wrong.conf"
    text = (DEPLOY / "redis-broker.conf").read_text(encoding="utf-8")
    conf.write_text(text.replace("noeviction", "neviction"), encoding="utf-8")

    with pytest.raises(AssertionError, match="maxmemory-policy"), started(conf, directory):
        pass
