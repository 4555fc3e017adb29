"""Expand: the paper twins of live orders, beside the books."""

from __future__ import annotations

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row an order that was sent to the exchange in shadow mode.

    No foreign key: a twin must never lock a row that a live order needs.
    """
    op.execute("""
        CREATE TABLE shadow_orders (
            order_id bigint PRIMARY KEY,
            user_id bigint NOT NULL,
            time_priority bigint NOT NULL,
            arrived_at timestamptz NOT NULL,
            moved_at timestamptz NOT NULL,
            filled_at timestamptz,
            valid_until timestamptz NOT NULL,
            quantity integer NOT NULL CHECK (quantity > 0),
            filled_quantity integer NOT NULL CHECK (filled_quantity BETWEEN 0 AND quantity),
            symbol text NOT NULL,
            side text NOT NULL CHECK (side IN ('BUY', 'SELL')),
            order_type text NOT NULL,
            validity text NOT NULL,
            status text NOT NULL,
            reason text,
            limit_price numeric(12,2),
            trigger_price numeric(12,2),
            traded_value numeric(20,2) NOT NULL,
            CHECK ((status = 'filled') = (filled_quantity = quantity))
        );
        CREATE INDEX idx_shadow_orders_open ON shadow_orders (order_id)
            WHERE status IN ('working', 'trigger_pending', 'partially_filled');
        CREATE INDEX idx_shadow_orders_arrived ON shadow_orders (arrived_at);
    """)


def downgrade() -> None:
    op.execute("DROP TABLE shadow_orders")
