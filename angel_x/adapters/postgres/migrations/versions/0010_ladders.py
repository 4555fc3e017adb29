"""The index of resting orders in the order in which the market reaches them."""

from __future__ import annotations

from alembic import op

from angel_x.adapters.postgres.index_builds import IndexBuild

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_RESTING = "status IN ('working', 'trigger_pending', 'partially_filled')"
_LADDERS = IndexBuild(
    "idx_orders_ladders",
    "orders",
    f"""(
        symbol, side, (status = 'trigger_pending'),
        ((CASE WHEN (side = 'BUY') = (status = 'trigger_pending') THEN 100 ELSE -100 END
            * CASE WHEN status = 'trigger_pending' THEN trigger_price ELSE limit_price END)::bigint),
        time_priority
    ) WHERE {_RESTING}""",
)
INDEXES = (_LADDERS,)


def upgrade() -> None:
    """Replace the index; the search of the release before goes through the new one as well.

    The new one is made first, because dropping the old one locks out readers too.
    """
    op.execute(f"{_LADDERS.statement} DROP INDEX idx_orders_resting;")


def downgrade() -> None:
    op.execute(f"""
        CREATE INDEX idx_orders_resting ON orders (symbol, user_id) WHERE {_RESTING};
        DROP INDEX idx_orders_ladders;
    """)
