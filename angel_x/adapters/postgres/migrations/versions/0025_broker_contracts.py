"""Expand: contracts under the names of the trading broker."""

from __future__ import annotations

from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A scrip master names more contracts than are listed, so nothing refers to ``contracts``."""
    op.execute("""
        CREATE TABLE broker_contracts (
            symbol text PRIMARY KEY,
            underlying text NOT NULL,
            expiry date NOT NULL,
            exchange text NOT NULL CHECK (exchange IN ('NFO', 'BFO')),
            trading_symbol text NOT NULL,
            token text NOT NULL,
            -- The time of the master in which these names were new.
            master_at timestamptz NOT NULL
        );
        CREATE INDEX idx_broker_contracts_chain ON broker_contracts (underlying, expiry);
        CREATE INDEX idx_broker_contracts_trading_symbol ON broker_contracts (trading_symbol);
    """)


def downgrade() -> None:
    op.execute("DROP TABLE broker_contracts")
