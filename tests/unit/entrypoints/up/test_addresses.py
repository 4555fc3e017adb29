from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from angel_x.adapters.servers import ServerUrls
from angel_x.entrypoints.up.addresses import (
    Addresses,
    RunFile,
    check_home,
    check_ports,
    free_ports,
    running_addresses,
)
from angel_x.errors import ServerUnavailable
from config.loading import defaults, load
from config.settings import Settings

URLS = ServerUrls(
    database_url="postgresql+psycopg2://angel@/angel?host=/s",
    broker_url="redis+socket:///b.sock?virtual_host=0",
    broker_redis_url="unix:///b.sock?db=0",
    cache_url="unix:///c.sock?db=0",
)


def settings(home: Path, **changes: object) -> Settings:
    return msgspec.structs.replace(defaults("testing"), home=str(home), **changes)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_other_commands_find_the_system_through_its_run_file(tmp_path: Path) -> None:
    RunFile(tmp_path, Addresses.of(URLS, settings(tmp_path, api_port=8123))).write({"api": 17})

    found = load({"ANGEL_X_HOME": str(tmp_path)})

    assert (found.database_url, found.cache_url) == (URLS.database_url, URLS.cache_url)
    assert found.broker_url == URLS.broker_redis_url
    assert found.api_url == "http://127.0.0.1:8123"


def test_the_run_file_holds_process_ids_and_is_private(tmp_path: Path) -> None:
    file = RunFile(tmp_path, Addresses.of(URLS, settings(tmp_path)))

    file.write({"api": 17})
    file.write({"api": 18})

    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["pids"] == {"api": 18}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.remove()
    file.remove()
    assert list(tmp_path.iterdir()) == []


def written(home: Path, pid: object) -> Path:
    RunFile(home, Addresses.of(URLS, settings(home, api_port=8123))).write({"up": pid})  # type: ignore[dict-item]
    return home / "run.json"


def test_a_home_in_which_a_system_runs_is_refused_with_its_process_and_its_address(
    tmp_path: Path,
) -> None:
    written(tmp_path, os.getpid())

    with pytest.raises(ServerUnavailable) as refused:
        check_home(tmp_path)

    for words in (f"process {os.getpid()}", "http://127.0.0.1:8123", f"kill {os.getpid()}"):
        assert words in str(refused.value)


@pytest.mark.parametrize("pid", [2**22 + 1, 0, -1, "17", None])
def test_what_a_killed_system_has_left_in_its_home_is_no_obstacle(
    tmp_path: Path, pid: object
) -> None:
    check_home(tmp_path)
    written(tmp_path, pid)
    check_home(tmp_path)
    # Its id may belong to a younger process by now.
    os.utime(written(tmp_path, os.getpid()), (1, 1))
    check_home(tmp_path)

    assert running_addresses(tmp_path)["api_url"] == "http://127.0.0.1:8123"


def test_processes_get_addresses_that_their_settings_accept(tmp_path: Path) -> None:
    given = settings(tmp_path, flower_port=7001, desk_port=7002, log_level="error")
    addresses = Addresses.of(URLS, given)

    environ = addresses.environment({"ANGEL_X_ENV": "testing", "PATH": "/bin"}, given)

    found = load(environ)
    assert (found.env, found.home, found.flower_port) == ("testing", str(tmp_path), 7001)
    assert (found.desk_port, found.desk_enabled) == (7002, False)
    # Readiness is read from what processes log at this level.
    assert found.log_level == "info"
    assert environ["PATH"] == "/bin"


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("box", "http://box:8000"),
    ],
)
def test_what_is_bound_everywhere_is_reached_over_loopback(
    host: str, url: str, tmp_path: Path
) -> None:
    assert Addresses.of(URLS, settings(tmp_path, api_host=host)).api_url == url


def test_a_taken_port_is_refused_with_the_setting_that_moves_it(taken: int, tmp_path: Path) -> None:
    free = free_ports("127.0.0.1", 2)

    with pytest.raises(ServerUnavailable, match=rf":{taken} .* ANGEL_X_METRICS_PORT"):
        check_ports(settings(tmp_path, api_port=free[0], flower_port=free[1], metrics_port=taken))


def test_free_ports_differ() -> None:
    assert len(set(free_ports("127.0.0.1", 5))) == 5
