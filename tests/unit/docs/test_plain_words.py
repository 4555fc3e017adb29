"""Docstrings of the product begin with a noun or a verb of the field.

A function that returns a truth says *Return whether*; nothing is described as *what …* or *whoever …*.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.unit.docs.pages import ROOT

PACKAGES = ("angel_x", "beat_schedule", "config", "tasks")
#: First words that leave the noun out.
RIDDLE = re.compile(r"(What|Whatever|Who|Whoever|Nobody|Says?|Whether)\b")


def docstrings(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def comments_of_fields(source: str) -> Iterator[str]:
    """Yield comments that begin with ``#:``, except flags, which may begin with *Whether*."""
    for comment in re.findall(r"^ *#: (.+)$", source, re.MULTILINE):
        if not comment.startswith("Whether "):
            yield comment


@pytest.mark.parametrize("package", PACKAGES)
def test_no_description_begins_with_a_riddle(package: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {text.splitlines()[0]}"
        for path in sorted((ROOT / package).rglob("*.py"))
        for source in [path.read_text(encoding="utf-8")]
        for text in (*docstrings(source), *comments_of_fields(source))
        if RIDDLE.match(text)
    ]

    assert found == []


@pytest.mark.parametrize(
    ("text", "is_riddle"),
    [
        ("What an account has.", True),
        ("Whoever calls.", True),
        ("Say whether it is open.", True),
        ("Whether it is open.", True),
        ("Return whether it is open.", False),
        ("Positions of an account.", False),
    ],
)
def test_a_riddle_is_known_by_its_first_word(text: str, *, is_riddle: bool) -> None:
    assert bool(RIDDLE.match(text)) is is_riddle
