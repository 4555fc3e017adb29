"""Risk parameter files of the clearing corporation, from which margin is computed while one is in force."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The newest row is in force; without a business day it is the end of the file before."""
    op.execute("""
        CREATE TABLE risk_files (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            name text NOT NULL,
            business_day date,
            contracts integer NOT NULL CHECK (contracts >= 0),
            -- Only the newest file is kept.
            content bytea,
            actor text NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
    """)


def downgrade() -> None:
    op.execute("DROP TABLE risk_files")
