"""Revisions of a release that is to come: they expand the schema beside old code, then contract it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from angel_x.adapters.postgres import schema


@dataclass(frozen=True, slots=True)
class Revision:
    revision: str
    before: str
    title: str
    statements: str


#: A column that old code does not know, kept by a trigger for the rows that old code writes.
EXPAND = Revision(
    "9001",
    schema.head_revision() or "",
    "A note of each order.",
    """
    ALTER TABLE orders ADD COLUMN note text;
    CREATE FUNCTION keep_note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.note := NEW.status || ' ' || NEW.client_order_id;
        RETURN NEW;
    END $$;
    CREATE TRIGGER orders_keep_note BEFORE INSERT OR UPDATE ON orders
        FOR EACH ROW EXECUTE FUNCTION keep_note();
    """,
)
#: Applied once no old code runs any more.
CONTRACT = Revision(
    "9002",
    EXPAND.revision,
    "No note of an order.",
    """
    DROP FUNCTION keep_note() CASCADE;
    ALTER TABLE orders DROP COLUMN note;
    """,
)

_FILE = '''"""{title}"""

from __future__ import annotations

from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""{statements}""")


def downgrade() -> None:
    raise NotImplementedError
'''


def write_versions(folder: Path, *revisions: Revision) -> Path:
    """Write revisions into a folder of their own, and return it."""
    versions = folder / "versions"
    versions.mkdir(exist_ok=True)
    for each in revisions:
        text = _FILE.format(
            title=each.title,
            revision=each.revision,
            before=each.before,
            statements=each.statements,
        )
        (versions / f"{each.revision}_coming.py").write_text(text, encoding="utf-8")
    return versions
