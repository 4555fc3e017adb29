"""The installed packages and the imports of the processes agree."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib.metadata import distribution, packages_distributions

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from angel_x.adapters import installation
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


#: Ours that need an extra beside the server: each is imported where it is used.
OF_EXTRAS = (
    "angel_x.adapters.angel_one",
    "angel_x.adapters.apprise_services",
    "angel_x.adapters.telegram_bot",
    "angel_x.adapters.tracing",
    "angel_x.bootstrap.broker",
    "angel_x.domain.pricing.compiled",
    "angel_x.entrypoints.cli.broker",
    "angel_x.entrypoints.desk",
    "angel_x.entrypoints.telegram",
    "angel_x.rehearsal.chaos",
    "angel_x.rehearsal.fake_exchange",
)


def assert_imports(installed: set[str], left: Sequence[str] = ()) -> None:
    """Import ours in an environment that has these distributions alone."""
    blocked = [
        module
        for module, owners in packages_distributions().items()
        if module not in PACKAGES and not installed & {canonicalize_name(o) for o in owners}
    ]

    imported = subprocess.run(
        [
            sys.executable,
            "-m",
            "tests.integration.processes.importing",
            json.dumps(blocked),
            json.dumps(left),
        ],
        cwd=ROOT,
        env=marked({"PATH": os.environ["PATH"], **ADDRESSES}),
        capture_output=True,
        text=True,
        check=False,
    )

    assert imported.returncode == 0, imported.stderr[-3000:]


def of_image() -> list[str]:
    """Return the extras that the image installs."""
    text = (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8")
    (named,) = re.findall(r"for extra in \(([^)]+)\)", text)
    return re.findall(r"'(\w+)'", named)


def test_what_the_image_installs_is_all_that_the_processes_import() -> None:
    extras = of_image()

    assert {"server", "live", "fast", "desk", "alerts", "tracing"} == set(extras)
    lines = (line for extra in extras for line in EXTRAS[extra])
    assert_imports(closure([*PROJECT["dependencies"], *lines]))


def test_the_server_on_paper_needs_no_other_extra() -> None:
    assert_imports(closure([*PROJECT["dependencies"], *EXTRAS["server"]]), OF_EXTRAS)


@pytest.mark.parametrize(("module", "extra"), sorted(installation._EXTRAS.items()))
def test_the_extra_that_a_command_names_brings_the_module(module: str, extra: str) -> None:
    owners = {canonicalize_name(name) for name in packages_distributions()[module]}

    assert owners & closure(EXTRAS[extra])


def test_everything_that_is_needed_is_locked() -> None:
    # Packages to compare with are installed by those who compare.
    extras = (lines for name, lines in EXTRAS.items() if name not in {"bench", "rivals"})
    every = [*PROJECT["dependencies"], *(line for lines in extras for line in lines)]

    assert closure(every) - locked() == set()
