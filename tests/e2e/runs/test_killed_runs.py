"""A run of the tests that is killed leaves no process and no directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.processes import ROOT, eventually
from tests.integration.servers.instances import ordinary_user, runs
from tests.plugins.runs import MEMORY, PREFIX

pytestmark = pytest.mark.e2e

WAITING = "tests/e2e/runs/waiting.py"
OPTIONS = ("-p", "no:cacheprovider", "--dist", "load")
#: Seconds; for everything to start, and to end, on a machine that does a lot besides.
START = 400
END = 200


class KilledRun:
    """A run of pytest that somebody else started, with tests that wait in it."""

    def __init__(self, command: Sequence[str], folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._log = folder / "log"
        with self._log.open("wb") as log:
            self.top = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "TOLD": str(folder)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_tests(self) -> list[dict[str, Any]]:
        """Wait until every test of it waits; return what they said, the test of each worker."""
        files = [self._folder / f"{number}.json" for number in range(self._count)]

        def has_come() -> bool:
            assert self.top.poll() is None, self._log.read_text()
            return all(file.exists() for file in files)

        try:
            eventually(has_come, "all tests wait", START)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._log.read_text()}") from None
        return [json.loads(file.read_text()) for file in files]

    def family(self) -> list[psutil.Process]:
        """Return every process of the run, whatever its parent is, and all below them."""
        own = [each for each in psutil.process_iter() if str(self._folder) in _environment(each)]
        found = dict.fromkeys(own)
        for each in own:
            with suppress(psutil.NoSuchProcess):
                found.update(dict.fromkeys(each.children(recursive=True)))
        return list(found)

    def end(self) -> None:
        """Kill what a test that failed has left."""
        for each in self.family():
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.top.wait()


@pytest.fixture
def folder() -> Path:
    """A folder that anybody may write to; it goes with the run of this test."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    return folder


@pytest.fixture
def direct(folder: Path) -> Iterator[KilledRun]:
    """Two workers under pytest, of an ordinary user."""
    run = KilledRun(
        [*ordinary_user(), sys.executable, "-m", "pytest", "-n", "2", *OPTIONS, WAITING], folder, 2
    )
    yield run
    run.end()


@pytest.fixture
def made(folder: Path) -> Iterator[KilledRun]:
    """One worker under pytest under make."""
    arguments = " ".join(["-n 1", *OPTIONS, f"'{WAITING}::test_it_waits[0]'"])
    venv = Path(sys.prefix)
    run = KilledRun(
        ["make", "-o", "lint", "-o", f"{venv}/.installed", f"VENV={venv}", "test",
         f"ARGS={arguments}"],
        folder,
        1,
    )  # fmt: skip
    yield run
    run.end()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the environment of a process")
def test_a_killed_worker_of_pytest_and_then_pytest_itself_leave_nothing(direct: KilledRun) -> None:
    first, second = direct.await_tests()
    everything = direct.family()
    of_first = _below(first["pid"])
    of_second = _below(second["pid"])
    assert len(of_first) > 10

    os.kill(first["pid"], signal.SIGKILL)

    _await_end(of_first)
    eventually(lambda: not _left(first["folders"][1:]), "its folders are gone", END)
    assert all(runs(each) for each in of_second)
    assert _left(second["folders"]) == second["folders"]

    direct.top.kill()
    direct.top.wait()

    _await_end(everything)
    _await_nothing(direct, [first, second])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of a parent's death")
def test_a_killed_make_leaves_nothing(made: KilledRun) -> None:
    (told,) = made.await_tests()
    everything = made.family()
    assert len(everything) > 10
    assert told["pid"] in {each.pid for each in everything}

    made.top.kill()
    made.top.wait()

    _await_end(everything)
    _await_nothing(made, [told])


def _await_end(watched: list[psutil.Process]) -> None:
    def survivors() -> list[psutil.Process]:
        return [each for each in watched if runs(each)]

    eventually(lambda: not survivors(), "every process has ended", END)


def _await_nothing(run: KilledRun, told: list[dict[str, Any]]) -> None:
    folders = [each for one in told for each in one["folders"]]
    names = [f"{PREFIX}{one['pid']}-*" for one in told]
    places = (MEMORY, Path(os.environ["AX_TEST_RUN"]).parent)
    eventually(lambda: not run.family(), "no process of the run is left", END)
    eventually(lambda: not _left(folders), "no folder of the run is left", END)
    assert [found for place in places for name in names for found in place.glob(name)] == []


def _left(folders: list[str]) -> list[str]:
    return [each for each in folders if Path(each).exists()]


def _below(pid: int) -> list[psutil.Process]:
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _environment(process: psutil.Process) -> str:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return ""
        return process.environ().get("TOLD", "")
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""
