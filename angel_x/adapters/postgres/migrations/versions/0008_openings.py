"""Orders that wait for the next opening of the market."""

from __future__ import annotations

from alembic import op

from angel_x.adapters.postgres.index_builds import IndexBuild

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_AWAITING = IndexBuild(
    "idx_orders_awaiting",
    "orders",
    "(id) WHERE awaits_opening AND status = 'received'",
    column="ALTER TABLE orders ADD COLUMN IF NOT EXISTS awaits_opening boolean NOT NULL DEFAULT false",
)
INDEXES = (_AWAITING,)


def upgrade() -> None:
    op.execute(f"""
        {_AWAITING.column};
        ALTER TABLE orders ADD CONSTRAINT orders_awaiting_is_held CHECK (
                NOT awaits_opening OR held OR status <> 'received');
        {_AWAITING.statement}
    """)


def downgrade() -> None:
    """Let the orders that wait be decided."""
    op.execute("""
        UPDATE orders SET held = false WHERE awaits_opening AND status = 'received' AND slices = 0;
        DROP INDEX idx_orders_awaiting;
        ALTER TABLE orders DROP CONSTRAINT orders_awaiting_is_held, DROP COLUMN awaits_opening;
    """)
