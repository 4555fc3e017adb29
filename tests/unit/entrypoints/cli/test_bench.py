from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import angel_x
from angel_x.entrypoints.cli.root import cli

CHECKOUT = Path(angel_x.__file__).resolve().parents[1]


@pytest.mark.parametrize(("command", "module"), [("scale", "scale"), ("accounts", "contention")])
def test_a_benchmark_runs_in_the_checkout_and_its_exit_code_is_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str, module: str
) -> None:
    asked: list[tuple[list[str], Path]] = []

    def run(line: list[str], *, cwd: Path, check: bool) -> subprocess.CompletedProcess[Any]:
        assert not check
        asked.append((line, cwd))
        return subprocess.CompletedProcess(line, 3)

    monkeypatch.setattr(subprocess, "run", run)
    file = tmp_path / "out.json"

    result = CliRunner().invoke(cli, ["bench", command, "--quick", "--output", str(file), "--json"])

    program = [sys.executable, "-m", f"benchmarks.{module}"]
    assert asked == [([*program, "--quick", "--json", str(file), "--print-json"], CHECKOUT)]
    assert result.exit_code == 3


@pytest.mark.parametrize("command", ["scale", "accounts"])
def test_an_installed_package_says_where_the_benchmarks_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str
) -> None:
    monkeypatch.setattr(angel_x, "__file__", str(tmp_path / "site-packages/angel_x/__init__.py"))

    result = CliRunner().invoke(cli, ["bench", command])

    assert result.exit_code == 1
    assert "part of the repository" in result.output
    assert "pip install -e" in result.output
