from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from tests.e2e.installed.installing import Installation

PACKAGES = ("angel_x", "beat_schedule", "config", "tasks")
PROGRAM = """
from angel_x import Client
from angel_x.pricing import greeks

with Client("http://127.0.0.1:8000", "key") as client:
    reveal_type(client.order("1").status)
reveal_type(greeks(1.0, 1.0, 1.0, 0.0, 0.0, 0.1, True))
"""


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as opened:
        return opened.namelist()


def test_the_wheel_holds_the_packages_and_nothing_else(names: list[str]) -> None:
    folders = {name.partition("/")[0] for name in names}

    assert {folder for folder in folders if not folder.endswith(".dist-info")} == set(PACKAGES)
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_every_package_says_that_it_is_typed(names: list[str]) -> None:
    for package in PACKAGES:
        assert f"{package}/py.typed" in names


def test_the_tables_that_are_read_at_run_time_are_there(names: list[str]) -> None:
    assert "config/market/contracts.json" in names
    assert "angel_x/adapters/postgres/migrations/script.py.mako" in names


def test_a_program_that_uses_the_client_is_type_checked(
    installation: Installation, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")

    checked = installation.run(
        installation.python, "-P", "-m", "mypy", "--strict", "program.py",
        cwd=tmp_path, environment={**os.environ, "PYTHONPATH": ""},
    )  # fmt: skip

    assert checked.returncode == 0, checked.stdout
    assert 'OrderStatus"' in checked.stdout
    assert "float64" in checked.stdout
