"""The wheel of this checkout in an environment of its own, beside another project."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterable
from email import message_from_bytes
from email.message import Message
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.e2e.installed.installing import Installation
from tests.e2e.processes import ROOT

#: What a project may have that uses Celery itself, and names that Python and our libraries have.
MODULES = (
    "tasks", "config", "beat_schedule", "celery", "celeryconfig", "flower", "redis", "kombu",
    "sqlalchemy", "settings", "queue", "random", "json", "uuid", "secrets",
)  # fmt: skip


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a download."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder))
    _pip("wheel", *options, str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel in a fresh environment, which borrows all other packages from this one."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False)
    made = Installation(folder)
    _pip("--python", str(made.python), "install", "--no-deps", "--no-index", str(wheel))
    # Of a folder that is named here no .pth is read, so the checkout itself is not on the path.
    borrowed = made.packages / "borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return made


@pytest.fixture(scope="session")
def light(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The wheel without any extra: it borrows its own dependencies, and no other package."""
    folder = tmp_path_factory.mktemp("light") / "venv"
    venv.create(folder, with_pip=False)
    made = Installation(folder)
    _pip("--python", str(made.python), "install", "--no-deps", "--no-index", str(wheel))
    needed = _names(metadata(wheel).get_all("Requires-Dist") or ())
    for module, owners in packages_distributions().items():
        if needed & {canonicalize_name(owner) for owner in owners}:
            for found in Path(sysconfig.get_path("purelib")).glob(f"{module}*"):
                (made.packages / found.name).symlink_to(found)
    return made


def metadata(wheel: Path) -> Message:
    """Return the metadata of a wheel."""
    with zipfile.ZipFile(wheel) as opened:
        (name,) = (n for n in opened.namelist() if n.endswith(".dist-info/METADATA"))
        return message_from_bytes(opened.read(name))


def _names(requirements: Iterable[str]) -> set[str]:
    """Return the names of the requirements that no extra asks for."""
    parsed = map(Requirement, requirements)
    return {
        canonicalize_name(each.name)
        for each in parsed
        if each.marker is None or each.marker.evaluate({"extra": ""})
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of another project, none of whose modules Angel-X may import."""
    folder = tmp_path / "shop"
    folder.mkdir()
    for name in MODULES:
        text = f"raise ImportError('{name} of the project must not be imported')\n"
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def _pip(*arguments: str) -> None:
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
