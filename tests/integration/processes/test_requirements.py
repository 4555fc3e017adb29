"""The installed packages and the imports of the processes agree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from importlib.metadata import distribution, packages_distributions

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.integration.processes.importing import PACKAGES
from tests.plugins.runs import marked
from tests.unit.deploy.compose import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
ADDRESSES = {
    "ANGEL_X_DATABASE_URL": "postgresql://nobody/nothing",
    "ANGEL_X_REDIS_URL": "redis://127.0.0.1:1/0",
}


def closure(requirements: Iterable[str]) -> set[str]:
    """Return the names of the distributions that installing these would bring."""
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras}:
            if (name, extra) in found:
                continue
            found.add((name, extra))
            needed = map(Requirement, distribution(name).requires or ())
            waiting += [
                each for each in needed if not each.marker or each.marker.evaluate({"extra": extra})
            ]
    return {name for name, _ in found}


def locked() -> set[str]:
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return {
        canonicalize_name(Requirement(line).name)
        for line in lines
        if line and not line.startswith("#")
    }


def test_what_the_image_installs_is_all_that_the_processes_import() -> None:
    installed = closure([*PROJECT["dependencies"], *EXTRAS["fast"], *EXTRAS["desk"]])
    blocked = [
        module
        for module, owners in packages_distributions().items()
        if module not in PACKAGES and not installed & {canonicalize_name(o) for o in owners}
    ]

    imported = subprocess.run(
        [sys.executable, "-m", "tests.integration.processes.importing", json.dumps(blocked)],
        cwd=ROOT,
        env=marked({"PATH": os.environ["PATH"], **ADDRESSES}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert imported.returncode == 0, imported.stderr[-3000:]


def test_everything_that_is_needed_is_locked() -> None:
    # Packages to compare with are installed by those who compare.
    extras = (lines for name, lines in EXTRAS.items() if name not in {"bench", "rivals"})
    every = [*PROJECT["dependencies"], *(line for lines in extras for line in lines)]

    assert closure(every) - locked() == set()
