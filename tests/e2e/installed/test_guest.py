"""Beside another Celery project nothing of it is imported, and none of its variables is obeyed."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.installed.installing import Installation
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import START_PATIENCE, environment_of
from tests.plugins.servers import temporary_home

pytestmark = pytest.mark.e2e

#: What the shell of such a project exports, some of it meant for its own broker.
EXPORTED = {
    "APP": "shop",
    "BROKER_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "CELERY_RESULT_BACKEND": "redis://127.0.0.1:1/1",
    "CELERY_LOADER": "shop.loader:Loader",
    "CELERY_CONFIG_MODULE": "celeryconfig",
    "CONFIG_MODULE": "celeryconfig",
    "DJANGO_SETTINGS_MODULE": "shop.settings",
}


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as home:
        yield home


def plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment without what these tests themselves were started with."""
    return {name: value for name, value in environment.items() if name != "PYTHONPATH"}


def test_the_whole_system_runs_in_the_folder_of_another_project(
    installation: Installation, project: Path, home: Path
) -> None:
    environment = {**plain(environment_of(home)), **EXPORTED}
    screen = home.parent / "screen.log"
    with screen.open("wb") as output:
        up = subprocess.Popen(
            [installation.command, "up"],
            cwd=project,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:

        def is_ready() -> bool:
            assert up.poll() is None, screen.read_text(encoding="utf-8")
            return "Angel-X is ready" in screen.read_text(encoding="utf-8")

        eventually(is_ready, "the system is ready", START_PATIENCE)
        listed = installation.run(
            installation.command, "users", "list", "--json", cwd=project, environment=environment
        )
    finally:
        up.send_signal(signal.SIGTERM)
        code = up.wait(START_PATIENCE)

    assert code == 0
    assert listed.returncode == 0, listed.stderr
    assert "must not be imported" not in screen.read_text(encoding="utf-8")
    assert not list(project.rglob("__pycache__"))


@pytest.mark.parametrize("name", ["tasks", "config", "beat_schedule"])
def test_the_file_that_stands_in_front_of_a_package_is_named_with_the_way_out(
    installation: Installation, tmp_path: Path, name: str
) -> None:
    file = tmp_path / f"{name}.py"
    file.write_text("raise SystemExit('imported')\n", encoding="utf-8")

    for entry in (str(tmp_path), "."):
        environment = {**plain(os.environ), "PYTHONPATH": entry}
        done = installation.run(
            installation.command, "users", "list", cwd=tmp_path, environment=environment
        )

        assert done.returncode == 1
        assert f"{file} shadows the package {name} of Angel-X" in done.stderr
        assert f"take {tmp_path} off PYTHONPATH" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_package_of_the_same_name_is_named_as_well(
    installation: Installation, tmp_path: Path
) -> None:
    package = tmp_path / "config" / "__init__.py"
    package.parent.mkdir()
    package.touch()

    done = installation.run(
        installation.python, "-m", "angel_x.entrypoints.cli", "users", "list",
        cwd=tmp_path, environment=plain(os.environ),
    )  # fmt: skip

    assert done.returncode == 1
    assert f"{package} shadows the package config" in done.stderr
    assert "python -P" in done.stderr


def test_celery_says_which_file_stands_in_front_of_a_package(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "config.py").touch()

    done = installation.run(
        installation.python, "-m", "celery", "-A", "tasks.app", "worker",
        cwd=tmp_path, environment=plain(os.environ),
    )  # fmt: skip

    assert done.returncode != 0
    assert f"{tmp_path / 'config.py'} shadows the package config" in done.stderr
