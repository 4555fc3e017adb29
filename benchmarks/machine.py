"""What every result says about where it was measured."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_PACKAGES = (
    "celery",
    "kombu",
    "redis",
    "sqlalchemy",
    "psycopg2-binary",
    "numpy",
    "numba",
    "fastapi",
    "uvicorn",
)


def described() -> dict[str, object]:
    """Return the machine, the interpreter, the packages and the revision."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),  # noqa: TID251 - when, for the record
        "command": " ".join(["python", "-m", *(_module(), *sys.argv[1:])]),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "revision": _revision(),
    }


def write(path: Path | None, result: dict[str, object]) -> None:
    """Keep a result as JSON."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


def _module() -> str:
    """Return the name that the running program was started by."""
    spec = sys.modules["__main__"].__spec__
    return spec.name.removesuffix(".__main__") if spec else Path(sys.argv[0]).stem


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((x.partition(":")[2].strip() for x in lines if x.startswith("model name")), "")


def _revision() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
