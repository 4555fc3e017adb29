"""A test that asserts only inside a loop says what it loops over: nothing is asserted over nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
_LOOPS = (ast.For, ast.AsyncFor)
#: What passes on the elements of its arguments.
_PASSING = {"enumerate", "sorted", "reversed", "list", "set", "tuple", "zip", "range", "product"}
#: One page, table or status of several, of which some have nothing to loop over.
MAY_BE_EMPTY = {
    "integration/postgres/test_guards.py::"
    "test_every_illegal_move_is_refused_and_every_legal_one_is_not",
    "unit/config/market/test_shapes.py::test_dated_rows_are_written_in_the_order_of_their_days",
    "unit/docs/test_links.py::test_every_link_leads_somewhere",
}
_EMPTY = {"()", "[]", "{}", "''", "0"}
#: How the names of helpers begin that assert.
_ASSERTING = ("assert", "check", "_check", "raises", "warns", "fail")


def is_given(node: ast.expr, local: set[str]) -> bool:
    """Say whether an iterable is written out, or a constant, or made of such."""
    match node:
        case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.Constant():
            return ast.unparse(node) not in _EMPTY
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in local or name[0].isupper()
        case ast.Call(func=ast.Attribute(value=owner, attr="items" | "values" | "keys")):
            return is_given(owner, local)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name in _PASSING:
            return any(is_given(each, local) for each in arguments)
    return False


def asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2].startswith(_ASSERTING)
    return isinstance(node, ast.Assert)


def places(node: ast.AST, local: set[str], *, maybe: bool = False) -> Iterator[bool]:
    """Yield for each assertion whether it may never be reached."""
    for child in ast.iter_child_nodes(node):
        empty = isinstance(node, _LOOPS) and child in node.body and not is_given(node.iter, local)
        if asserts(child):
            yield maybe or empty
        if not isinstance(child, ast.Assert):
            yield from places(child, local, maybe=maybe or empty)


def hardly_fails(test: ast.FunctionDef) -> bool:
    """Say whether all that a test asserts stands in loops over what may be empty."""
    if any("given" in ast.unparse(each) for each in test.decorator_list):
        return False
    named = [n for n in ast.walk(test) if isinstance(n, ast.Assign) and is_given(n.value, set())]
    local = {t.id for n in named for t in n.targets if isinstance(t, ast.Name)}
    found = list(places(test, local))
    return bool(found) and all(found)


def functions_of(source: str) -> Iterator[ast.FunctionDef]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def test_no_test_asserts_only_over_what_may_be_empty() -> None:
    files = sorted(TESTS.rglob("test_*.py"))
    assert len(files) > 200

    vague = [
        f"{file.relative_to(TESTS)}::{test.name}"
        for file in files
        for test in functions_of(file.read_text(encoding="utf-8"))
        if hardly_fails(test)
    ]

    assert set(vague) <= MAY_BE_EMPTY


@pytest.mark.parametrize(
    ("body", "vague"),
    [
        ("for x in found():\n  assert x", True),
        ("for x in found():\n  with pytest.raises(E):\n   f(x)", True),
        ("made = found()\n for x in made:\n  assert x", True),
        ("for x in found():\n  assert x\n assert y", False),
        ("for x in (1, 2):\n  assert x", False),
        ("made = [1]\n for x in made:\n  assert x", False),
        ("for x, y in zip(NAMES, found(), strict=True):\n  assert x", False),
        ("for x in ():\n  assert x", True),
        ("assert found()", False),
    ],
)
def test_what_may_be_empty_is_told_from_what_is_written_out(body: str, *, vague: bool) -> None:
    [test] = functions_of(f"def test_it():\n {body}")

    assert hardly_fails(test) is vague
