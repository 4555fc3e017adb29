from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

from config.settings import SETTINGS, Setting

ROOT = Path(__file__).parents[3]
ROOMS = ("angel_x", "tasks", "beat_schedule", "config", "benchmarks")
#: They describe settings; that is not a use.
NO_USE = {"settings.py", "reference.py", "development.py", "testing.py", "production.py"}
#: Read while the settings themselves are put together.
OWN = {"env", "redis_url"}


@cache
def read_names() -> frozenset[str]:
    """Every attribute that the code reads, and every literal that may name one."""
    names: set[str] = set()
    for file in (f for room in ROOMS for f in (ROOT / room).rglob("*.py")):
        if file.parent.name == "config" and file.name in NO_USE:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                names.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                names.add(node.value)
    return frozenset(names)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_setting_is_read_by_the_code_or_says_what_it_waits_for(setting: Setting) -> None:
    waits = setting.doc.used_by.startswith("waiting for: ")

    assert (setting.name in read_names() or setting.name in OWN) != waits
