from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from angel_x.adapters.servers import start_servers
from angel_x.adapters.servers.guarded import GuardedServers
from angel_x.adapters.servers.places import servers_root
from angel_x.adapters.servers.tether import Tether
from angel_x.errors import ServerUnavailable
from tests.integration.servers.instances import instance, processes, query, starting, survivors


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_no_server_outlives_a_parent_that_is_signaled(
    prepared_home: Path, signum: signal.Signals
) -> None:
    with instance(prepared_home) as started:
        started.owner.send_signal(signum)

        assert survivors(started.processes) == []
        assert not (servers_root(prepared_home) / "running.json").exists()


def test_no_server_outlives_a_parent_that_ends_or_raises_without_stopping_them(
    prepared_home: Path,
) -> None:
    with instance(prepared_home) as started:
        assert started.tell("end") == ""
        assert survivors(started.processes) == []

    with instance(prepared_home) as started:
        assert "RuntimeError: raised on request" in started.tell("raise")
        assert survivors(started.processes) == []


def test_a_forked_copy_of_the_dead_parent_keeps_no_server_alive(prepared_home: Path) -> None:
    with instance(prepared_home) as started:
        assert started.owner.stdin is not None
        started.owner.stdin.write("fork\n")
        started.owner.stdin.flush()

        assert started.owner.wait() == -signal.SIGKILL
        assert survivors(started.processes) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_no_server_outlives_a_guardian_that_is_killed(prepared_home: Path) -> None:
    with instance(prepared_home) as started:
        os.kill(started.pids["guardian"], signal.SIGKILL)

        assert survivors(started.processes) == []
        assert started.owner.poll() is None


def test_a_guardian_that_is_killed_before_all_is_ready_is_an_outage(
    prepared_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched: list[psutil.Process] = []
    await_all = GuardedServers._await_all

    def kill(guarded: GuardedServers, tether: Tether) -> None:
        await_all(guarded, tether)
        watched.extend(processes(tether.pids().values()))
        os.kill(tether.pids()["guardian"], signal.SIGKILL)
        assert survivors(watched) == []

    monkeypatch.setattr(GuardedServers, "_await_all", kill)

    with pytest.raises(ServerUnavailable, match="guardian of the servers ended with -9"):
        start_servers(prepared_home, database_url=None, redis_url=None, durable=False)

    assert len(watched) > 3


def test_no_server_outlives_parent_and_guardian_killed_together(prepared_home: Path) -> None:
    with instance(prepared_home) as started:
        started.owner.send_signal(signal.SIGSTOP)
        os.kill(started.pids["guardian"], signal.SIGKILL)
        started.owner.kill()

        assert survivors(started.processes) == []


def test_the_servers_of_a_killed_parent_are_waited_for(prepared_home: Path) -> None:
    with instance(prepared_home) as started:
        query(started.urls.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")

        started.owner.kill()
        started.owner.wait()
        with start_servers(
            prepared_home, database_url=None, redis_url=None, durable=False
        ) as again:
            assert query(again.urls.database_url, "SELECT answer FROM kept") == [(42,)]
            assert not set(again.pids().values()) & set(started.pids.values())


def test_a_parent_killed_while_the_database_is_made_leaves_no_process(home: Path) -> None:
    with starting(home) as started:
        started.await_initialization()

        started.owner.kill()

        assert survivors(started.processes) == []
        assert not (servers_root(home) / "postgres" / "data").exists()
