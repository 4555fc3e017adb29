"""One run of the suite under coverage: which tests run which line, and how long each takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from coverage import CoverageData

from tests.mutants.selection import stored, without_parameters

#: Tests that run the product in their own process and have to do with the areas.
_SUITE = ("tests/unit", "tests/integration")
_LEFT_OUT = (
    "tests/unit/domain/pricing",
    "tests/unit/docs",
    "tests/unit/mutants",
    "tests/integration/deploy",
    "tests/integration/servers",
    "tests/integration/supervisor",
)
_PACKAGES = ("angel_x", "config", "tasks")
_SECONDS = "ANGELX_MUTANTS_SECONDS"


def measure(root: Path, folder: Path) -> Path:
    """Run the suite once and return the file of its lines and times.

    Raises:
        RuntimeError: A test fails without any change.
    """
    folder.mkdir(parents=True, exist_ok=True)
    data, seconds = folder / "coverage", folder / "seconds.txt"
    seconds.unlink(missing_ok=True)
    arguments = [
        *(sys.executable, "-m", "pytest", "--quiet", "--no-header", "--numprocesses", "2"),
        *("--dist", "loadfile", "-p", "tests.mutants.measuring", "--cov-context=test"),
        *("--cov-report=", *(f"--cov={name}" for name in _PACKAGES)),
        *(f"--ignore={name}" for name in _LEFT_OUT),
        *("-W", "ignore::coverage.exceptions.CoverageWarning", *_SUITE),
    ]
    environ = os.environ | {"COVERAGE_FILE": str(data), _SECONDS: str(seconds)}
    done = subprocess.run(arguments, cwd=root, env=environ, check=False)
    if done.returncode:
        raise RuntimeError(f"the suite must pass without a change, exit code was {done.returncode}")
    target = folder / "measured.json"
    target.write_text(stored(_contexts(data, root), _times(seconds)), encoding="utf-8")
    return target


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Note how long a phase of a test took; pytest calls this where the plugin is named."""
    path = os.environ.get(_SECONDS)
    if path and "PYTEST_XDIST_WORKER" not in os.environ:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{report.duration:.4f} {without_parameters(report.nodeid)}\n")


def _contexts(data: Path, root: Path) -> dict[str, dict[int, list[str]]]:
    """Return the tests by file and line."""
    found: dict[str, dict[int, list[str]]] = {}
    coverage = CoverageData(str(data))
    coverage.read()
    for file in coverage.measured_files():
        rows: dict[int, list[str]] = defaultdict(list)
        for line, contexts in coverage.contexts_by_lineno(file).items():
            rows[line] = sorted({_test(c) for c in contexts if c})
        found[Path(file).relative_to(root).as_posix()] = rows
    return found


def _test(context: str) -> str:
    return without_parameters(context.partition("|")[0])


def _times(path: Path) -> dict[str, float]:
    times: Counter[str] = Counter()
    for line in path.read_text(encoding="utf-8").splitlines():
        seconds, _, name = line.partition(" ")
        times[name] += float(seconds)  # type: ignore[assignment]  # a Counter adds floats as well
    return dict(times)
