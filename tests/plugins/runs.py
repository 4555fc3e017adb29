"""What a run of the tests has for itself, and how all of it goes with the run, even if that is killed.

Each process of a run, which is pytest and every worker of xdist, has directories of its own, one on disk
and one in memory.  Their name marks the processes that were started in it.  A reaper outlives it.
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path

import pytest

from tests.plugins import reaper

#: The variable that names the directory of the run to which a process belongs.
MARK = "AX_TEST_RUN"
#: Set where pytest must not outlive its parent, which is make.
TETHERED = "AX_TEST_TETHERED"
PREFIX = "ax-test-"
MEMORY = Path("/dev/shm")
#: Bytes; several times what a session writes.
ROOM = 2 * 1024**3
_PR_SET_PDEATHSIG = 1
#: Below the priority of every finalizer of multiprocessing.
_LAST = -200


@dataclass(frozen=True)
class Run:
    """The directories of this process, and the reaper that removes them."""

    directories: list[Path]
    reaper: subprocess.Popen[bytes]

    @classmethod
    def begin(cls) -> Run:
        name = f"{PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        outer = os.environ.get(MARK)
        disk = (Path(outer).parent if outer else Path(tempfile.gettempdir())) / name
        directories = [disk, MEMORY / name] if _has_room() else [disk]
        # It knows them before they are there.
        started = _start_reaper(directories)
        for directory in directories:
            directory.mkdir()
            # As root, another user runs PostgreSQL in a directory below.
            directory.chmod(0o755)
        return cls(directories, started)

    @property
    def disk(self) -> Path:
        return self.directories[0]

    def adopt(self) -> None:
        """Let temporary files, and the processes that this one starts, belong to the run."""
        temporary = self.disk / "t"
        temporary.mkdir()
        temporary.chmod(0o1777)
        os.environ[MARK] = str(self.disk)
        os.environ["TMPDIR"] = str(temporary)
        tempfile.tempdir = None

    def end(self) -> None:
        """Have everything ended and removed that is left."""
        assert self.reaper.stdin is not None
        self.reaper.stdin.close()
        self.reaper.wait()
        for directory in self.directories:
            # Where there is no /proc there is no reaper.
            shutil.rmtree(directory, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Begin a run before anything asks for a temporary directory."""
    is_worker = hasattr(config, "workerinput")
    if os.environ.pop(TETHERED, None) and not is_worker:
        _die_with_parent()
    run = Run.begin()
    run.adopt()
    # After multiprocessing has removed its own directory, which lies in the run's.
    Finalize(None, run.end, exitpriority=_LAST)
    if not is_worker and config.option.basetemp is None:
        config.option.basetemp = str(run.disk / "tmp")


def memory_folder() -> Path:
    """Return the run's directory in memory, where there is room for it, else the one on disk."""
    disk = Path(os.environ[MARK])
    memory = MEMORY / disk.name
    return memory if memory.is_dir() else disk


def marked(environment: dict[str, str]) -> dict[str, str]:
    """Return an environment that inherits nothing else, for a process that belongs to the run."""
    return {MARK: os.environ[MARK], **environment}


def _has_room() -> bool:
    return MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM


def _start_reaper(directories: list[Path]) -> subprocess.Popen[bytes]:
    started = subprocess.Popen(
        [sys.executable, "-I", "-S", reaper.__file__],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        cwd="/",
        env={},
        start_new_session=True,
    )
    assert started.stdin is not None
    plan = reaper.Plan(parent=os.getpid(), directories=[str(each) for each in directories])
    started.stdin.write(json.dumps(plan).encode() + b"\n")
    return started


def _die_with_parent() -> None:
    """Ask the kernel to kill this process when its parent dies."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
