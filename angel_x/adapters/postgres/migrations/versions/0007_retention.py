"""The day up to which the rows of a table have left the database for the archive."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of horizons."""
    op.execute(
        "CREATE TABLE retention_horizons (table_name text PRIMARY KEY, dropped_before date NOT NULL)"
    )


def downgrade() -> None:
    """Forget the horizons."""
    op.execute("DROP TABLE retention_horizons")
