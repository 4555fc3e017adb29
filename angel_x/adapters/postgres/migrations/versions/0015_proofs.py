"""Expand: how far the proofs of the invariants are."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A proof of changes begins at ``first_order``, the oldest order that was open at the last one."""
    op.execute("""
        CREATE TABLE proofs (
            kind text PRIMARY KEY CHECK (kind IN ('changes', 'full')),
            subject text CHECK (subject IN ('orders', 'accounts')),
            after_id bigint NOT NULL DEFAULT 0,
            size integer NOT NULL DEFAULT 2000 CHECK (size > 0),
            first_order bigint NOT NULL DEFAULT 0,
            next_first_order bigint NOT NULL DEFAULT 0,
            began_at timestamptz,
            running_broken integer NOT NULL DEFAULT 0,
            running_example text,
            proven_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            broken integer NOT NULL DEFAULT 0,
            example text
        );
    """)


def downgrade() -> None:
    op.execute("DROP TABLE proofs")
