from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import angel_x
from angel_x.entrypoints.cli.root import cli

CHECKOUT = Path(angel_x.__file__).resolve().parents[1]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Path]]:
    """The command lines of benchmarks, none of which is run, with their directories."""
    found: list[tuple[list[str], Path]] = []

    def run(line: list[str], *, cwd: Path, check: bool) -> subprocess.CompletedProcess[Any]:
        assert not check
        found.append((line, cwd))
        return subprocess.CompletedProcess(line, 3)

    monkeypatch.setattr(subprocess, "run", run)
    return found


@pytest.mark.parametrize(("command", "module"), [("scale", "scale"), ("accounts", "contention")])
def test_a_benchmark_runs_in_the_checkout_and_its_exit_code_is_passed_on(
    asked: list[tuple[list[str], Path]], tmp_path: Path, command: str, module: str
) -> None:
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


def test_the_whole_benchmark_is_the_command_itself_and_keeps_a_file_of_every_run(
    asked: list[tuple[list[str], Path]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = CliRunner().invoke(cli, ["bench", "--quick", "--only", "values", "--only", "ticks"])

    ((line, folder),) = asked
    *command, file = line
    program = [sys.executable, "-m", "benchmarks.suite"]
    assert command == [*program, "--only", "values", "--only", "ticks", "--quick", "--json"]
    assert re.fullmatch(r"bench-\d{8}T\d{6}Z\.json", Path(file).name)
    assert (Path(file).parent, folder) == (tmp_path, CHECKOUT)
    assert result.exit_code == 3


def test_two_runs_are_compared_in_the_checkout(
    asked: list[tuple[list[str], Path]], tmp_path: Path
) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        file.touch()

    CliRunner().invoke(cli, ["bench", "compare", *map(str, files)])

    assert asked == [([sys.executable, "-m", "benchmarks.comparing", *map(str, files)], CHECKOUT)]
