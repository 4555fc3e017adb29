"""Opening positions, marks of positions by day, and marks in snapshots of portfolios."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE openings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    symbol text NOT NULL REFERENCES contracts,
    product text NOT NULL CHECK (product IN ('NRML', 'MIS')),
    quantity integer NOT NULL CHECK (quantity <> 0),
    price numeric(12,2) NOT NULL CHECK (price > 0),
    day date NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idx_openings_user ON openings (user_id, id);
-- P&L of open positions, realised and open, at the opening of a day and at their last mark.
CREATE TABLE position_marks (
    position_id bigint PRIMARY KEY REFERENCES positions ON DELETE CASCADE,
    user_id bigint NOT NULL,
    market_day date NOT NULL,
    opening_pnl numeric(18,2) NOT NULL,
    pnl numeric(18,2) NOT NULL
) WITH (fillfactor = 50);
ALTER TABLE portfolio_snapshots ADD COLUMN marks jsonb;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(
        "CREATE TRIGGER openings_only_grow BEFORE UPDATE OR DELETE ON openings "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
    op.execute(
        "CREATE TRIGGER openings_never_emptied BEFORE TRUNCATE ON openings "
        "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute("""
        ALTER TABLE portfolio_snapshots DROP COLUMN marks;
        DROP TABLE position_marks, openings;
    """)
