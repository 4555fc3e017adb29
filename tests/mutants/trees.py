"""Copies of the checkout to plant changes in, each with a server that runs pytest there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_QUIET = ("--quiet", "--no-header", "--exitfirst", "--tb=line", "-p", "no:cacheprovider")
#: Exit codes of pytest: all passed, some failed, a file could not be imported.
_ENDED = {0, 1, 2}
#: Its code for wrong usage, which it gives where a conftest cannot be imported, too.
_USAGE = 4
#: What the server of the runs gives where pytest itself raised.
_BROKEN = 3
_SUMMARY = re.compile(r"^\d+ (?:passed|failed).* in [\d.]+s", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """How a run of tests with a change has ended."""

    #: The first test that failed, empty where it was none in particular.
    failed: str
    is_noticed: bool
    is_late: bool = False


#: What a loop that collects without end comes to, in the product or in pytest itself.
_NO_MEMORY = "\nMemoryError"


class Tree:
    """A copy of the tracked files of a checkout."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = folder
        if folder.exists():
            shutil.rmtree(folder)
        for name in _tracked(root):
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target)
        self._log = folder.with_suffix(".log")
        self._link_reference(root)
        collect = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "tests"]
        subprocess.run(collect, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.fork_server"],
            cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        if self.run(["tests/unit/domain/values/test_money.py"], timeout=600.0).is_noticed:
            raise RuntimeError("tests must pass without a change")

    @contextmanager
    def changed(self, path: str, source: str) -> Iterator[None]:
        """Let a file read otherwise for a while, with no compiled file to be taken for it."""
        file = self.root / path
        original, kept = file.read_bytes(), file.stat()
        compiled = Path(cache_from_source(str(file)))
        aside = compiled.with_suffix(".aside")
        if compiled.exists():
            compiled.rename(aside)
        try:
            file.write_text(source, encoding="utf-8")
            yield
        finally:
            file.write_bytes(original)
            _restore_time(file, kept.st_atime_ns, kept.st_mtime_ns)
            compiled.unlink(missing_ok=True)
            if aside.exists():
                aside.rename(compiled)

    def run(self, tests: Sequence[str], timeout: float) -> Run:
        """Run tests until one fails.

        Raises:
            RuntimeError: There is no such test.
        """
        request = {"arguments": [*_QUIET, *tests], "log": str(self._log), "timeout": timeout}
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        code = json.loads(self._server.stdout.readline())["code"]
        if code is None:
            return Run("", is_noticed=True, is_late=True)
        said = self._log.read_text(encoding="utf-8", errors="replace")
        if _NO_MEMORY in said:
            return Run("", is_noticed=True, is_late=True)
        if not _is_meant(code, said):
            raise RuntimeError(f"pytest must run the tests, was {code}: {said[-2000:]}")
        found = _FAILED.search(said)
        return Run(found[1] if found else "", is_noticed=code != 0)

    def close(self) -> None:
        if self._server.stdin is not None:
            self._server.stdin.close()
        self._server.wait()
        shutil.rmtree(self.root, ignore_errors=True)

    def _link_reference(self, root: Path) -> None:
        """Put the folder of reference values where the tests of the copy look for it."""
        reference, link = root.parent / "shared", self.root.parent / "shared"
        if reference.is_dir() and not link.exists():
            link.symlink_to(reference.resolve())


def _is_meant(code: int, said: str) -> bool:
    """Say whether pytest ran the tests, or could not because of the change."""
    if code == _BROKEN:
        # An error that no test caught came up when all of them had ended.
        return _SUMMARY.search(said) is not None
    return code in _ENDED or (code == _USAGE and "while loading conftest" in said)


def _tracked(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=root, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return [name for name in listed.stdout.splitlines() if (root / name).is_file()]


def _restore_time(file: Path, accessed: int, modified: int) -> None:
    os.utime(file, ns=(accessed, modified))
