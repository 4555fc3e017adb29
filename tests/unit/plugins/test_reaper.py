from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins import reaper
from tests.plugins.runs import Run


def test_a_process_whose_environment_names_the_run_is_found_and_no_other() -> None:
    name = f"ax-test-{os.getpid()}-found"
    with (
        subprocess.Popen(
            [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={"X": f"/tmp/{name}/y"}
        ) as ours,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={}) as other,
    ):
        assert [each.pid for each in reaper.processes_of(name.encode())] == [ours.pid]
        reaper.end_processes(name.encode())
        assert ours.wait() == -9
        assert other.poll() is None


def test_a_database_outside_its_home_goes_with_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside, foreign = tmp_path / "angel-x-1", tmp_path / "another"
    for each in (outside, foreign):
        (each / "data").mkdir(parents=True)
    home = tmp_path / "run" / "home" / "servers"
    other = tmp_path / "run" / "other" / "servers"
    for servers, names in ((home, outside), (other, foreign)):
        servers.mkdir(parents=True)
        (servers / "postgres.path").write_text(str(names))
    monkeypatch.setattr(reaper, "OUTSIDE", (f"{tmp_path}/angel-x-",))

    reaper.remove(tmp_path / "run")

    assert [each.name for each in tmp_path.iterdir()] == ["another"]


def test_a_run_ends_with_its_processes_and_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.begin()
    assert all(each.is_dir() for each in run.directories)
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={"X": str(run.disk)}
    ) as left:
        run.end()

        assert left.wait() == -9
    assert not any(each.exists() for each in run.directories)
