"""The files of the repository's host and of pre-commit: valid by their schemas, and true."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.docs.pages import ROOT

HOST = ROOT / ".github"
WORKFLOW = HOST / "workflows" / "ci.yaml"
FORMS = sorted((HOST / "ISSUE_TEMPLATE").glob("*.yaml"))
PRE_COMMIT = ROOT / ".pre-commit-config.yaml"
VERSIONS = ["3.11", "3.12", "3.13", "3.14"]


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


def checked(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    path = Path(sys.executable).parent / program
    return subprocess.run([path, *arguments], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.github-workflows", [WORKFLOW]), ("vendor.github-issue-forms", FORMS)],
)
def test_the_files_of_the_host_are_valid_by_their_schema(schema: str, files: list[Path]) -> None:
    assert files

    done = checked("check-jsonschema", "--builtin-schema", schema, *files)

    assert done.returncode == 0, done.stdout


def test_a_wrong_workflow_would_be_noticed(tmp_path: Path) -> None:
    wrong = tmp_path / "ci.yaml"
    wrong.write_text(WORKFLOW.read_text(encoding="utf-8").replace("runs-on", "runs-at"))

    done = checked("check-jsonschema", "--builtin-schema", "vendor.github-workflows", wrong)

    assert done.returncode != 0


@pytest.mark.parametrize("file", [WORKFLOW, *FORMS, PRE_COMMIT], ids=lambda file: file.name)
def test_the_yaml_is_well_formed(file: Path) -> None:
    done = checked("yamllint", "--strict", "-c", ROOT / "deploy" / "yamllint.yaml", file)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("job", ["unit", "test"])
def test_tests_run_on_every_supported_python(job: str) -> None:
    assert read(WORKFLOW)["jobs"][job]["strategy"]["matrix"]["python"] == VERSIONS


def test_the_oldest_python_of_the_matrix_is_the_oldest_that_can_install() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert project["requires-python"] == f">={VERSIONS[0]}"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(f"python{version}" in makefile for version in VERSIONS)


def test_jobs_run_the_commands_of_a_developer_and_have_an_end() -> None:
    jobs = read(WORKFLOW)["jobs"]

    commands = {name: job["steps"][-1]["run"] for name, job in jobs.items()}
    assert commands == {
        "lint": "make lint",
        "audit": "make audit",
        "alerts": "make alerts",
        "manifests": "make manifests",
        "unit": "make unit",
        "test": ".ci/run",
    }
    assert all(job["timeout-minutes"] <= 90 for job in jobs.values())


def test_a_workflow_may_read_and_nothing_else() -> None:
    assert read(WORKFLOW)["permissions"] == {"contents": "read"}


def test_hooks_run_the_commands_of_make_lint() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (repository,) = read(PRE_COMMIT)["repos"]

    assert repository["repo"] == "local"
    hooks = {hook["id"]: hook for hook in repository["hooks"]}
    assert list(hooks) == ["ruff-check", "ruff-format", "mypy", "lint-imports"]
    for hook in hooks.values():
        assert hook["language"] == "system"
        assert hook["name"].split()[0] in makefile
        assert hook["entry"].startswith(".venv/bin/")
