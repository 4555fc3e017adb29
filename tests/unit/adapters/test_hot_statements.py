"""The registry of `angel-x db explain` is complete."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from angel_x.adapters import postgres
from angel_x.adapters.postgres.hot_statements import OFFLINE, STAGED, hot_statements, modules

FOLDER = Path(postgres.__path__[0])
LABELS = {statement.label for statement in hot_statements()}
SQL = re.compile(r"\s*(SELECT|WITH|INSERT INTO|UPDATE|DELETE FROM)\s")
#: Constants that a statement is made from, with the label of this one.
PARTS = {
    "audit_entries": "audit_timeline",
    "book_unit_lock_accounts_of": "lock_accounts",
    "minute_quotes_underlying": "minute_quotes_nearest",
    "reading_history": "reading_order",
    "silent_sessions_end": "silent_sessions_accounts",
}


def sources() -> dict[str, ast.Module]:
    return {path.stem: ast.parse(path.read_text()) for path in FOLDER.glob("*.py")}


def text_of(node: ast.expr | None) -> str:
    """Return the beginning of a constant text, also of one in `text(...)`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "text":
        node = node.args[0]
    if isinstance(node, ast.JoinedStr):
        node = node.values[0]
    return str(node.value) if isinstance(node, ast.Constant) else ""


def test_every_prepared_statement_is_explained() -> None:
    made = [
        node.args[0].value
        for name, tree in sources().items()
        if name not in {"hot_statements", "schema_plan"}
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "Statement"
        and isinstance(node.args[0], ast.Constant)
    ]

    assert len(made) >= 20
    assert set(made) <= LABELS


def test_every_constant_that_is_a_statement_is_explained() -> None:
    found = {
        f"{module}{ast.unparse(node.targets[0]).lower()}"
        for module, tree in sources().items()
        if module in modules()
        for node in tree.body
        if isinstance(node, ast.Assign) and SQL.match(text_of(node.value))
    }

    assert len(found) > 50
    assert found - LABELS == set(PARTS) | STAGED
    assert set(PARTS.values()) <= LABELS


def test_a_module_that_is_left_out_exists_and_says_why() -> None:
    assert set(OFFLINE) <= set(sources())
    assert all(OFFLINE.values())


def test_labels_are_unique_and_sorted() -> None:
    statements = hot_statements()

    assert [s.label for s in statements] == sorted(LABELS)
    assert len(statements) == len(LABELS)


@pytest.mark.parametrize(
    "label", ["reading_positions", "reading_trades", "page", "claim", "record"]
)
def test_the_statements_of_the_order_path_and_of_the_account_are_among_them(label: str) -> None:
    assert label in LABELS
