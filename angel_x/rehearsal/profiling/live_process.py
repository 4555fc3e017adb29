"""A process that runs already, sampled from outside by py-spy."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from angel_x.errors import ProfilerMissing

_INSTALL = "py-spy is not installed: pip install 'angel-x[profile]'"
_RIGHTS = (
    "py-spy may not read the process: run it as root or with CAP_SYS_PTRACE, see docs/profiling.md"
)


def sample(pid: int, seconds: int, graph: Path) -> None:
    """Write a flame graph of a process, which goes on undisturbed.

    Raises:
        ProfilerMissing: py-spy is not installed, or may not read the process.
    """
    program = _program()
    graph.parent.mkdir(parents=True, exist_ok=True)
    command = [program, "record", "--nonblocking", "--pid", str(pid), "--duration", str(seconds)]
    done = subprocess.run(  # noqa: S603 - a program of this environment
        [*command, "--output", str(graph)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        words = (done.stderr or done.stdout).strip().splitlines()
        raise ProfilerMissing(f"{_RIGHTS} ({words[-1] if words else 'no reason given'})")


def _program() -> str:
    beside = Path(sys.executable).with_name("py-spy")
    found = str(beside) if beside.exists() else shutil.which("py-spy")
    if found is None:
        raise ProfilerMissing(_INSTALL)
    return found
