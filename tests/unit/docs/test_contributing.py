"""The recipes of CONTRIBUTING.md name files and commands that exist."""

from __future__ import annotations

import re

import pytest

from tests.unit.docs.pages import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (.+?)\n(.*?)(?=^### |\Z)", PAGE, re.MULTILINE | re.DOTALL))
#: A file or folder of the repository, in prose or in a command.
PATH = re.compile(
    r"(?<![\w/.])((?:angel_x|beat_schedule|config|deploy|docs|tasks|tests)/[\w./-]*\w)"
)


def test_there_is_a_recipe_for_each_extension_that_is_asked_for() -> None:
    assert list(RECIPES) == [
        "A metric",
        "A risk limit",
        "An order type",
        "A venue",
        "A Greek",
        "A route",
        "A task, and an entry of Beat",
        "A queue",
        "A test of a page",
    ]


def test_every_file_that_is_named_exists() -> None:
    named = set(PATH.findall(PAGE))

    assert len(named) > 30
    assert {name for name in named if not (ROOT / name).exists()} == set()


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_ends_with_the_tests_that_show_it(recipe: str) -> None:
    commands = re.findall(r"^```sh\n(.*?)^```", RECIPES[recipe], re.MULTILINE | re.DOTALL)

    assert len(commands) == 1
    assert commands[0].startswith(".venv/bin/pytest ")


def test_every_target_of_make_that_is_named_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    named = set(re.findall(r"^make ([\w-]+)", PAGE, re.MULTILINE))
    assert named == {"lint", "unit", "test", "test-browser", "test-monitoring"}
    assert named <= set(re.findall(r"^([\w-]+):", makefile, re.MULTILINE))


def test_a_module_that_prints_a_reference_can_be_run() -> None:
    printed = re.findall(r"python -m ([\w.]+) > (\S+?)`", PAGE)

    assert len(printed) >= 4
    for module, page in printed:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert f"python -m {module}" in text or "config.reference" in module, module
