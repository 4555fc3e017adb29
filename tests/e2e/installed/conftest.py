"""The wheel of this checkout in an environment of its own, beside another project."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

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
