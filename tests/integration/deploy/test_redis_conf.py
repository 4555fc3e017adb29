from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import redis
from psutil import Process
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.servers.binaries import find_valkey
from tests.unit.deploy import compose

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"
PASSWORD = "letters0and0digits"
DEADLINE_SECONDS = 120
#: The command of the image, in the place of which the installed server runs.
CONTAINERS = "docker-entrypoint.sh valkey-server /etc/valkey/broker.conf -"


@pytest.fixture
def directory() -> Iterator[Path]:
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="ax-conf-") as name:
        yield Path(name)


@contextmanager
def started(conf: Path, directory: Path) -> Iterator[redis.Redis]:
    """Start the server by the command of the container, but on a socket."""
    socket = directory / "server.sock"
    overrides = f"--port 0 --unixsocket {socket} --dir {directory}"
    (*shell, script) = compose.document()["services"]["broker"]["command"]
    found = f"{find_valkey()} {conf} {overrides} -"
    assert CONTAINERS in script
    server = subprocess.Popen(
        [*shell, script.replace(CONTAINERS, found).replace("$$", "$")],
        env={**os.environ, "REDISCLI_AUTH": PASSWORD},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with closing(client_of(socket, PASSWORD)) as client:
            _await_pong(client, server)
            arguments = Process(server.pid).cmdline()
            assert "valkey-server" in arguments[0]
            assert not any(PASSWORD in argument for argument in arguments)
            yield client
    finally:
        server.kill()
        server.communicate(timeout=DEADLINE_SECONDS)


def client_of(socket: Path, password: str | None = None) -> redis.Redis:
    """Return a client that says at once what it meets, where the default asks ten times."""
    retry = Retry(NoBackoff(), 0)
    return redis.Redis(unix_socket_path=str(socket), password=password, retry=retry)


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
