"""Accounts as they were last marked to the market."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Rows are rewritten every half a minute, in place where the page has room."""
    op.execute("""
        CREATE TABLE margin_marks (
            user_id bigint PRIMARY KEY REFERENCES users,
            market_day date NOT NULL,
            opening_pnl numeric(18,2) NOT NULL,
            unrealised_pnl numeric(18,2) NOT NULL,
            option_value numeric(18,2) NOT NULL,
            exposure numeric(18,2) NOT NULL,
            required numeric(18,2) NOT NULL,
            shortfall numeric(18,2) NOT NULL CHECK (shortfall >= 0),
            short_since timestamptz,
            marked_at timestamptz NOT NULL
        ) WITH (fillfactor = 50);
    """)


def downgrade() -> None:
    op.execute("DROP TABLE margin_marks")
