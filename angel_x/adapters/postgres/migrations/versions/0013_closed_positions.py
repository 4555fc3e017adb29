"""Closed positions by the day on which they were closed."""

from __future__ import annotations

from alembic import op

from angel_x.adapters.postgres.index_builds import IndexBuild

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_CLOSED = IndexBuild("idx_positions_closed", "positions", "(exit_time) WHERE status = 'CLOSED'")
INDEXES = (_CLOSED,)
_COLUMNS = "id, user_id, portfolio_id, symbol, product, realised_pnl, entry_time, exit_time"


def upgrade() -> None:
    """The index finds closed positions that leave; one that opens has no part in it."""
    op.execute(f"""
        CREATE TABLE closed_positions (
            id bigint NOT NULL,
            user_id bigint NOT NULL,
            portfolio_id bigint NOT NULL,
            symbol text NOT NULL,
            product text NOT NULL,
            realised_pnl numeric(18,2) NOT NULL,
            entry_time timestamptz NOT NULL,
            exit_time timestamptz NOT NULL
        ) PARTITION BY RANGE (exit_time);
        CREATE TABLE closed_positions_default PARTITION OF closed_positions DEFAULT;
        {_CLOSED.statement}
    """)


def downgrade() -> None:
    """Put them back into the table of open positions."""
    op.execute(f"""
        DROP INDEX idx_positions_closed;
        INSERT INTO positions ({_COLUMNS}, status, quantity, cost) OVERRIDING SYSTEM VALUE
        SELECT {_COLUMNS}, 'CLOSED', 0, 0 FROM closed_positions;
        DROP TABLE closed_positions;
    """)
