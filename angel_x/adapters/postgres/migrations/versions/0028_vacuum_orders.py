"""Expand: orders are vacuumed by what has moved, and not by a fifth of all that are stored."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Every order leaves the partial indexes of those that wait, so these hold mostly dead entries.

    By default a million stored orders are vacuumed after two hundred thousand moves, and the count of
    moves is lost whenever the server crashes.  So are the hints by which scans pass dead entries: the
    claims after a crash then read each of their rows, under the lock of an account.
    """
    op.execute("""
        ALTER TABLE orders SET (
            autovacuum_vacuum_threshold = 10000,
            autovacuum_vacuum_scale_factor = 0.01
        )
    """)


def downgrade() -> None:
    op.execute("""
        ALTER TABLE orders RESET (autovacuum_vacuum_threshold, autovacuum_vacuum_scale_factor)
    """)
