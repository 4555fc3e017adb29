"""Expand: results of the comparison with the broker."""

from __future__ import annotations

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """``unequal`` counts all differences; of very many only the first are kept."""
    op.execute("""
        CREATE TABLE reconciliations (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            at timestamptz NOT NULL,
            orders integer NOT NULL CHECK (orders >= 0),
            executions integer NOT NULL CHECK (executions >= 0),
            positions integer NOT NULL CHECK (positions >= 0),
            pending integer NOT NULL CHECK (pending >= 0),
            unequal integer NOT NULL CHECK (unequal >= 0),
            foreign_orders jsonb NOT NULL,
            differences jsonb NOT NULL
        );
    """)


def downgrade() -> None:
    op.execute("DROP TABLE reconciliations")
