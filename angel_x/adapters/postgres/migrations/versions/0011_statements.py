"""The market's day of a fill, and the ledger of an account by time."""

from __future__ import annotations

from alembic import op

from angel_x.adapters.postgres.index_builds import IndexBuild

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

#: A fill of an earlier revision is of the day on which it was stored.
DAY = "(coalesce(trade_date, (at AT TIME ZONE 'Asia/Kolkata')::date))"

_FILLS = IndexBuild(
    "idx_fills_user_day",
    "fills",
    f"(user_id, {DAY}, id)",
    column="ALTER TABLE fills ADD COLUMN IF NOT EXISTS trade_date date",
)
_LEDGER = IndexBuild("idx_ledger_entries_user_at", "ledger_entries", "(user_id, at)")
INDEXES = (_FILLS, _LEDGER)


def upgrade() -> None:
    """No statement looked fills up by symbol, or the ledger by its account."""
    op.execute(f"""
        {_FILLS.column};
        {_FILLS.statement}
        DROP INDEX idx_fills_user_symbol;
        {_LEDGER.statement}
        DROP INDEX idx_ledger_entries_user;
    """)


def downgrade() -> None:
    """Put the indexes back, and forget the days."""
    op.execute("""
        CREATE INDEX idx_ledger_entries_user ON ledger_entries (user_id, account);
        DROP INDEX idx_ledger_entries_user_at;
        CREATE INDEX idx_fills_user_symbol ON fills (user_id, symbol);
        DROP INDEX idx_fills_user_day;
        ALTER TABLE fills DROP COLUMN trade_date;
    """)
