"""Orders that wait for the next opening of the market."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE orders ADD COLUMN awaits_opening boolean NOT NULL DEFAULT false,
            ADD CONSTRAINT orders_awaiting_is_held CHECK (
                NOT awaits_opening OR held OR status <> 'received');
        CREATE INDEX idx_orders_awaiting ON orders (id) WHERE awaits_opening AND status = 'received';
    """)


def downgrade() -> None:
    """Let the orders that wait be decided."""
    op.execute("""
        UPDATE orders SET held = false WHERE awaits_opening AND status = 'received' AND slices = 0;
        DROP INDEX idx_orders_awaiting;
        ALTER TABLE orders DROP CONSTRAINT orders_awaiting_is_held, DROP COLUMN awaits_opening;
    """)
