"""Changes that are planted in SQL."""

from __future__ import annotations

import pytest

from tests.mutants.mutant import difference
from tests.mutants.sql_kinds import sql_mutants

DUE = '''
_DUE = """
SELECT id FROM orders
WHERE status = 'received' AND NOT held AND ring_at <= now()
ORDER BY ring_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
"""
'''
STORE = '''
_STORE = f"""
INSERT INTO orders (id, name) VALUES (%(id)s, '→')
ON CONFLICT (id) DO NOTHING
"""
_MOVE = "UPDATE orders o SET status = m.status, filled = m.filled FROM moved m WHERE o.id = m.id"
_LOCK = "SELECT pg_advisory_xact_lock(hashtext('a'), 1)"
'''


def changes(source: str) -> set[tuple[str, str, str]]:
    found = set()
    for mutant in sql_mutants("a.py", source):
        changed = mutant.change(source)
        assert changed is not None
        before, after = difference(source, changed)
        found.add((mutant.kind.removeprefix("SQL: "), before, " ".join(after.split())))
    return found


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        ("conjunct", "WHERE status = 'received' AND ring_at <= now()"),
        ("conjunct", "WHERE status = 'received' AND NOT held ORDER BY ring_at"),
        ("conjunct", "WHERE true AND NOT held AND ring_at <= now()"),
        ("negation", "WHERE status = 'received' AND held AND ring_at <= now()"),
        ("comparison or function", "WHERE status = 'received' AND NOT held AND ring_at < now()"),
        ("literal", "WHERE status = 'receivedx' AND NOT held AND ring_at <= now()"),
        ("order or limit", "LIMIT %(limit)s FOR UPDATE SKIP LOCKED"),
        ("order or limit", "ORDER BY ring_at FOR UPDATE SKIP LOCKED"),
        ("lock", "ORDER BY ring_at LIMIT %(limit)s"),
        ("lock", "ORDER BY ring_at LIMIT %(limit)s FOR UPDATE"),
    ],
)
def test_a_query_loses_each_of_its_parts(kind: str, after: str) -> None:
    found = {(k, a) for k, _, a in changes(DUE)}

    assert any(k == kind and a.startswith(after) for k, a in found), found


def test_the_member_of_an_enum_is_changed_as_the_word_that_it_stands_for() -> None:
    source = """_WAITING = f"SELECT id FROM orders WHERE status = '{OrderStatus.RECEIVED}'"\n"""

    after = "SELECT id FROM orders WHERE status = '{OrderStatus.RECEIVED}x'"
    assert any(kind == "literal" and after in changed for kind, _, changed in changes(source))


def test_writes_lose_conflict_clauses_columns_and_locks() -> None:
    found = {(kind, after) for kind, _, after in changes(STORE)}

    moved = '"UPDATE orders o SET {} FROM moved m WHERE o.id = m.id"'
    assert ("conflict clause", "") in found
    assert ("column", f"_MOVE = {moved.format('filled = m.filled')}") in found
    assert ("column", f"_MOVE = {moved.format('status = m.status')}") in found
    assert ("lock", '_LOCK = "SELECT true"') in found


def test_a_string_that_is_no_sql_is_left_alone() -> None:
    assert not sql_mutants("a.py", 'NAME = "where and when"\n')
