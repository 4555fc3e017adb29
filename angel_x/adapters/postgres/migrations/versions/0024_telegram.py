"""Expand: people who may send commands by Telegram, and the last update of each bot."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A key is stored encrypted."""
    op.execute("""
        CREATE TABLE telegram_people (
            person_id bigint PRIMARY KEY CHECK (person_id > 0),
            user_id bigint NOT NULL REFERENCES users,
            key_prefix text NOT NULL,
            api_key bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        CREATE TABLE telegram_cursors (
            bot_id bigint PRIMARY KEY,
            update_id bigint NOT NULL,
            moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
    """)


def downgrade() -> None:
    op.execute("DROP TABLE telegram_cursors, telegram_people")
