"""The fills of an account by time."""

from __future__ import annotations

from alembic import op

from angel_x.adapters.postgres.index_builds import IndexBuild

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_FILLS = IndexBuild("idx_fills_user_at", "fills", "(user_id, at, id)")
INDEXES = (_FILLS,)


def upgrade() -> None:
    op.execute(_FILLS.statement)


def downgrade() -> None:
    op.execute("DROP INDEX idx_fills_user_at")
