"""The calls of one order, as ARCHITECTURE.md lists them, are those of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.unit.docs.pages import ROOT

PAGE = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
#: Called by the server of HTTP, and by a message.
ENTRIES = {"DirectSubmissions.__call__", "_submit", "process_batch"}

#: File and qualified name.
Place = tuple[str, str]


def walk() -> list[Place]:
    """Return the listed calls."""
    table = re.search(r"^\| step \| calls \|\n.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    assert table
    return list(places(re.findall(r"`([^`]+)`", table[0])))


def places(words: list[str]) -> Iterator[Place]:
    file = ""
    for word in words:
        if word.endswith(".py"):
            file = word
        else:
            yield file, word


def functions() -> dict[Place, str]:
    """Return the source of every function of the files."""
    found: dict[Place, str] = {}
    for file in {file for file, _ in walk()}:
        path = ROOT / file if file.startswith("tasks/") else ROOT / "angel_x" / file
        source = path.read_text(encoding="utf-8")
        for owner in ast.walk(ast.parse(source)):
            prefix = f"{owner.name}." if isinstance(owner, ast.ClassDef) else ""
            if isinstance(owner, ast.ClassDef | ast.Module):
                for node in owner.body:
                    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                        text = ast.get_source_segment(source, node) or ""
                        found[file, prefix + node.name] = text
    return found


def test_every_call_of_the_walk_is_a_function_of_its_file() -> None:
    assert len(walk()) > 30
    assert set(walk()) - functions().keys() == set()


def test_every_call_of_the_walk_is_made_by_one_before_it() -> None:
    sources = functions()
    product = ROOT / "angel_x"
    assembly = [
        *(product / "bootstrap").glob("*.py"),
        product / "entrypoints" / "api" / "application.py",
    ]
    handed_over = "".join(path.read_text(encoding="utf-8") for path in assembly)
    before, unnamed = "", []
    for place in walk():
        name = place[1].rpartition(".")[2]
        is_called = re.search(rf"\b{name}\b", before) or re.search(rf"\.{name}\b", handed_over)
        if place[1] not in ENTRIES and not is_called:
            unnamed.append(place)
        before += sources[place]

    assert unnamed == []
