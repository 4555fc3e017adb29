"""Expand: confirmations of live trading, and runs of the system."""

from __future__ import annotations

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The newest confirmation and the newest run are in force."""
    op.execute("""
        CREATE TABLE live_confirmations (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            client_code text NOT NULL,
            address text NOT NULL,
            users text[] NOT NULL,
            actor text NOT NULL,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            -- Absent for a withdrawal.
            expires_at timestamptz
        );
        CREATE TRIGGER live_confirmations_only_grow BEFORE UPDATE OR DELETE ON live_confirmations
            FOR EACH ROW EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER live_confirmations_never_emptied BEFORE TRUNCATE ON live_confirmations
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
        CREATE TABLE trading_runs (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            mode text NOT NULL CHECK (mode IN ('paper', 'live')),
            client_code text CHECK (mode = 'paper' OR client_code IS NOT NULL),
            node text NOT NULL,
            started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            is_clean boolean NOT NULL,
            stopped_at timestamptz
        );
    """)


def downgrade() -> None:
    op.execute("DROP TABLE live_confirmations, trading_runs")
