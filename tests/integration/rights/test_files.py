"""What strangers on the same machine can read or write of a home: nothing that is secret or steers."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from prometheus_client import values

from angel_x.adapters.children.logs import BoundedLog, LogBounds, begin_log
from angel_x.adapters.metrics.meter import DIRECTORY_VARIABLE, PrometheusMeter
from angel_x.adapters.servers import RunningServers
from angel_x.adapters.servers.urls import RedisAddress
from angel_x.bootstrap import Application
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints import flower
from angel_x.entrypoints.up import preparation
from angel_x.entrypoints.up.addresses import Addresses, RunFile
from config.loading import RUN_FILE
from config.settings import Settings

STRANGERS = stat.S_IRWXG | stat.S_IRWXO
WRITE = stat.S_IWGRP | stat.S_IWOTH
READ_OR_WRITE = stat.S_IRGRP | stat.S_IROTH | WRITE
#: Process ids, and which users PostgreSQL lets in: read by PostgreSQL's own user where root runs it.
PUBLIC = {"running.json", "pg_hba.conf", "pg_ident.conf"}


@pytest.fixture
def no_umask() -> Iterator[None]:
    """Keep nothing from strangers but what is asked for."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def settings(application: Application) -> Settings:
    return application.base.settings


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def within_reach(directory: Path) -> Iterator[Path]:
    """Yield what lies where a stranger may pass."""
    for path in sorted(directory.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink() and mode(path) & (stat.S_IXGRP | stat.S_IXOTH):
            yield from within_reach(path)


def test_strangers_reach_nothing_of_the_servers(servers: RunningServers) -> None:
    addresses = (servers.urls.broker_redis_url, servers.urls.cache_url)
    broker, cache = (Path(RedisAddress.parse(url).path) for url in addresses)
    # Where paths are long, the sockets lie outside.
    root = broker.parent.parent if broker.parent.name == "sockets" else broker.parent

    seen = list(within_reach(root))
    readable = [path for path in seen if mode(path) & READ_OR_WRITE and not path.is_symlink()]

    assert mode(root) & READ_OR_WRITE == 0
    assert {path.name for path in readable} <= PUBLIC, readable
    assert not any(mode(path) & WRITE for path in readable)
    for socket in (broker, cache):
        assert stat.S_ISSOCK(socket.stat().st_mode)
        assert mode(socket) & STRANGERS == 0


@pytest.mark.usefixtures("no_umask")
def test_the_password_of_flower_is_its_owners(settings: Settings) -> None:
    made = flower.password(msgspec.structs.replace(settings, flower_password=None))

    file = settings.home_path / flower.PASSWORD_FILE
    assert file.read_text() == made
    assert mode(file) & STRANGERS == 0


@pytest.mark.usefixtures("no_umask")
def test_addresses_with_their_passwords_are_their_owners(tmp_path: Path) -> None:
    addresses = Addresses("postgresql://u:secret@h/d", "b", "b", "c", "a", "f", "m", "d")

    for pid in (1, 2):
        RunFile(tmp_path, addresses).write({"api": pid})

    assert [path.name for path in tmp_path.iterdir()] == [RUN_FILE]
    assert mode(tmp_path / RUN_FILE) & STRANGERS == 0


@pytest.mark.usefixtures("no_umask")
def test_the_key_of_the_first_account_is_its_owners(settings: Settings) -> None:
    preparation.prepare(settings, None)
    file = settings.home_path / preparation.KEY_FILE
    first = file.read_text()
    file.write_text("no key\n")
    preparation.prepare(settings, None)

    assert first.startswith("ax_")
    assert file.read_text() not in {first, "no key\n"}
    assert mode(file) & STRANGERS == 0


@pytest.mark.usefixtures("no_umask")
def test_logs_are_their_owners(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "api.log"
    for _ in range(2):
        begin_log(log, 5)
        BoundedLog(log, LogBounds()).close()

    for path in (log.parent, log, log.with_suffix(".log.1")):
        assert mode(path) & STRANGERS == 0


@pytest.mark.usefixtures("no_umask")
def test_metrics_are_their_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ValueClass", "MmapedDict"):
        monkeypatch.setattr(values, name, getattr(values, name))
    monkeypatch.setenv(DIRECTORY_VARIABLE, "")
    directory = tmp_path / "metrics"
    directory.mkdir(mode=0o700)
    # Of an earlier release.
    (directory / "counter_node-api-0.db").touch(0o644)

    meter = PrometheusMeter(directory, "node", "api")
    meter.add(Metric.MESSAGES_DROPPED, reason="command")
    meter.observe(Metric.ORDER_PROCESSING_SECONDS, 0.5)

    files = sorted(directory.iterdir())
    assert [path.suffix for path in files].count(".db") >= 2
    for path in (directory, *files):
        assert mode(path) & STRANGERS == 0, path
