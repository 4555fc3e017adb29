"""Imports every module of ours as an installation would: ``python -m tests.integration.processes.importing BLOCKED LEFT``.

BLOCKED is a JSON list of top-level modules that the installation does not have, LEFT one of our modules and
packages that it cannot import and does not need.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("config", "angel_x", "tasks", "beat_schedule")


class Absent(MetaPathFinder):
    """Finds that a module is not installed."""

    def __init__(self, blocked: frozenset[str]) -> None:
        self._blocked = blocked

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] in self._blocked:
            raise ModuleNotFoundError(f"not installed: {fullname}", name=fullname)
        return None


def modules() -> Iterator[str]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = file.relative_to(ROOT).with_suffix("").parts
            # These act when they are imported.
            if "migrations" not in parts and parts[-1] != "__main__":
                yield ".".join(parts).removesuffix(".__init__")


def main() -> None:
    sys.meta_path.insert(0, Absent(frozenset(json.loads(sys.argv[1]))))
    left = tuple(json.loads(sys.argv[2]))
    for name in modules():
        if not f"{name}.".startswith(tuple(f"{each}." for each in left)):
            importlib.import_module(name)
    # What it loads by name it loads when it is used.
    fastapi = importlib.import_module("fastapi")
    importlib.import_module("angel_x.entrypoints.api.openapi").install(fastapi.FastAPI(), ())


if __name__ == "__main__":
    main()
