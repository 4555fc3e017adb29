"""Stops of whole accounts, with their largest profit."""

from __future__ import annotations

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE portfolio_stops (
            user_id bigint PRIMARY KEY REFERENCES users (id),
            -- Rupees of each level; NULL where there is none.
            stop_loss numeric, trailing_stop numeric, take_profit numeric,
            armed_at timestamptz NOT NULL,
            base numeric NOT NULL,
            result numeric NOT NULL,
            peak numeric NOT NULL CHECK (peak >= 0),
            breached text CHECK (breached IN ('stop_loss', 'trailing_stop', 'take_profit')),
            breached_at timestamptz,
            enforced boolean NOT NULL DEFAULT false,
            CHECK ((breached IS NULL) = (breached_at IS NULL))
        );
    """)


def downgrade() -> None:
    op.execute("DROP TABLE portfolio_stops")
