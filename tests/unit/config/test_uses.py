from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from config.settings import SETTINGS
from tests.unit.config.proofs import PROOFS

ROOT = Path(__file__).parents[3]
ROOMS = ("angel_x", "tasks", "beat_schedule", "config")
WAITING = {s.name for s in SETTINGS if s.doc.used_by.startswith("waiting for: ")}


@cache
def text_of(file: str) -> str:
    return (ROOT / "tests" / file).read_text(encoding="utf-8")


@cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse(text_of(file))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def names_read(file: Path) -> set[str]:
    """Return what is read from anything that is called settings."""
    return {
        node.attr
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and (getattr(node.value, "id", None) or getattr(node.value, "attr", None)) == "settings"
    }


def test_every_setting_is_proved_to_change_something_or_says_what_it_waits_for() -> None:
    names = {setting.name for setting in SETTINGS}

    assert names - WAITING - set(PROOFS) == set(), "write a test and name it in proofs.py"
    assert set(PROOFS) - names == set()
    assert set(PROOFS) & WAITING == set()


@pytest.mark.parametrize("name", PROOFS)
def test_a_proof_is_a_test_that_sets_the_setting(name: str) -> None:
    file, function = PROOFS[name].split("::")

    assert function in functions_of(file)
    assert name.upper() in text_of(file).upper()


def test_a_setting_that_waits_is_read_nowhere() -> None:
    read: set[str] = set()
    for file in (f for room in ROOMS for f in (ROOT / room).rglob("*.py")):
        read |= names_read(file)

    assert "order_batch_size" in read
    assert read & WAITING == set()
