from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import click
import pytest

from angel_x.entrypoints.cli.root import COMMANDS, cli
from tests.unit.docs.pages import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))


def test_the_readme_begins_with_the_two_commands() -> None:
    language, first = BLOCKS[0]
    commands = [line.partition("#")[0].strip() for line in first.splitlines()]

    assert language == "sh"
    assert commands == ["make demo", "make test"]
    assert README.index("```sh") < 30


def test_the_makefile_has_what_it_promises() -> None:
    assert targets() == {
        "help",
        "demo",
        "up",
        "test",
        "unit",
        "lint",
        "audit",
        "alerts",
        "dashboards",
        "manifests",
        "docs",
        "fuzz",
        "mutants",
        "bench",
        "test-browser",
        "test-monitoring",
        "pictures",
    }
    assert set(re.findall(r"^make (\w+)", README, re.MULTILINE)) <= targets()


def test_continuous_integration_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    lines = script.read_text(encoding="utf-8").splitlines()

    assert os.access(script, os.X_OK)
    assert lines[0] == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in lines
    assert [line for line in lines if line.startswith("make ")] == [
        "make test",
        "make test-browser",
    ]


def test_help_is_what_make_does_by_default() -> None:
    shown = subprocess.run(["make", "-C", ROOT], capture_output=True, text=True, check=True).stdout

    assert len(targets()) > 3
    for target in targets():
        assert f"make {target} " in shown


@pytest.mark.parametrize(
    ("given", "was"),
    [("PYTHONS=python2.0 python2.1", "none of python2.0 python2.1"), ("PYTHON=false", "false")],
)
def test_a_machine_without_a_new_python_is_told_so(given: str, was: str, tmp_path: Path) -> None:
    asked = subprocess.run(
        ["make", "-C", ROOT, "lint", given, f"VENV={tmp_path / 'venv'}"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert asked.returncode != 0
    assert f"Python 3.11 or newer is needed, was {was}\n" in asked.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("page", ["README.md", "ARCHITECTURE.md"])
def test_every_command_that_is_mentioned_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    mentioned = re.findall(
        r"angel-x ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+(?:-[a-z]+)*))?(?=[^a-z]|$)", text
    )

    assert mentioned
    for name, sub in mentioned:
        assert name in COMMANDS, name
        command = cli.get_command(click.Context(cli), name)
        if sub and isinstance(command, click.Group):
            assert sub in command.commands, f"{name} {sub}"


def test_python_examples_compile() -> None:
    examples = [code for language, code in BLOCKS if language == "python"]

    assert examples
    for code in examples:
        compile(code, "README.md", "exec")
