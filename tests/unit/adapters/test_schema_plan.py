from __future__ import annotations

import pytest

from angel_x.adapters.postgres.schema_plan import Loss, Nature, check_losses, nature_of, statements
from angel_x.errors import MigrationRefused

SCRIPT = """
BEGIN;
-- A comment; with a semicolon.
CREATE TABLE a (name text DEFAULT ';');
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'no; never';
END $$;
UPDATE a SET name = 'it''s; so' WHERE 3 - 1 = 2
;;
COMMIT;
"""


def test_a_script_is_split_at_the_ends_of_its_statements() -> None:
    found = list(statements(SCRIPT))

    assert [statement.split()[:2] for statement in found] == [
        ["CREATE", "TABLE"],
        ["CREATE", "FUNCTION"],
        ["UPDATE", "a"],
    ]
    assert found[1].endswith("END $$")
    assert found[2].endswith("3 - 1 = 2")


@pytest.mark.parametrize(
    ("statement", "nature"),
    [
        ("CREATE TABLE a ()", Nature.ADDS),
        ("alter table a add column b int", Nature.ADDS),
        ("ALTER TABLE a ADD COLUMN b int, DROP COLUMN c", Nature.REMOVES),
        ("DROP TABLE a, b", Nature.REMOVES),
        ("UPDATE a SET b = 1", Nature.REWRITES),
        ("WITH x AS (SELECT 1) UPDATE a SET b = 1", Nature.REWRITES),
        ("ALTER TABLE a DROP CONSTRAINT b", Nature.CHANGES),
        ("DROP INDEX i", Nature.CHANGES),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL", Nature.CHANGES),
    ],
)
def test_the_nature_of_a_statement_is_its_effect_on_data(statement: str, nature: Nature) -> None:
    assert nature_of(statement) is nature


def test_a_loss_that_is_not_named_is_refused_with_its_rows() -> None:
    found = [Loss("orders.held", 1200), Loss("workflows", 3)]

    with pytest.raises(MigrationRefused, match=r"loses data: orders.held \(1,200 rows\); take a"):
        check_losses(found, frozenset({"workflows", "another"}))

    check_losses(found, frozenset({"workflows", "orders.held"}))
    check_losses([], frozenset())
