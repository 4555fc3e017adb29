from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from angel_x.adapters.servers.account import stand_in
from angel_x.adapters.servers.binaries import find_postgres, within_reach

FILE = Path(__file__).resolve().parents[3] / "deploy" / "postgresql.conf"


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place that whoever stands in for root may read."""
    with tempfile.TemporaryDirectory(prefix="ax-conf-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def read(setting: str, conf: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    """Make PostgreSQL read a configuration file and print one setting, without starting."""
    account = stand_in(needed=True)
    server = within_reach(find_postgres(), account).server
    data = directory / "data"
    data.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        os.chown(data, account.uid, account.gid)
    return subprocess.run(
        [server, "-D", data, f"--config-file={conf}", "-C", setting],
        user=None if account is None else account.uid,
        group=None if account is None else account.gid,
        extra_groups=None if account is None else [],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def conf(directory: Path) -> Path:
    copy = directory / "postgresql.conf"
    shutil.copyfile(FILE, copy)
    copy.chmod(0o644)
    return copy


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        # PostgreSQL answers in the unit of each setting: pages of 8 kB, ms, MB.
        ("shared_buffers", "65536"),
        ("max_connections", "200"),
        ("synchronous_commit", "on"),
        ("log_min_duration_statement", "200"),
        ("idle_in_transaction_session_timeout", "15000"),
        ("max_wal_size", "4096"),
        ("jit", "off"),
        ("shared_preload_libraries", "pg_stat_statements"),
    ],
)
def test_postgres_reads_the_file(setting: str, value: str, conf: Path, directory: Path) -> None:
    answer = read(setting, conf, directory)

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == value


def test_a_setting_that_postgres_does_not_know_would_be_found(conf: Path, directory: Path) -> None:
    with conf.open("a", encoding="utf-8") as file:
        file.write("shared_bufers = 1GB\n")

    answer = read("shared_buffers", conf, directory)

    assert answer.returncode != 0
    assert "shared_bufers" in answer.stderr
