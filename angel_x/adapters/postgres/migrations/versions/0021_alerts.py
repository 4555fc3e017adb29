"""Targets of alerts, the notices on their way to them, and how far their sources are read."""

from __future__ import annotations

from alembic import op

from angel_x.adapters.postgres.index_builds import IndexBuild

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_REFUSED = IndexBuild(
    "idx_order_events_refused", "order_events", "(id) WHERE status IN ('denied', 'rejected')"
)
INDEXES = (_REFUSED,)


def upgrade() -> None:
    """An address is stored encrypted.  A notice is claimed by moving ``due_at`` behind its lease."""
    op.execute(f"""
        CREATE TABLE alert_targets (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            user_id bigint REFERENCES users,
            name text NOT NULL CHECK (length(name) BETWEEN 1 AND 32),
            service text NOT NULL,
            address bytea NOT NULL,
            topics text[] NOT NULL,
            quiet_from time,
            quiet_until time,
            next_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            CONSTRAINT alert_targets_quiet_both CHECK ((quiet_from IS NULL) = (quiet_until IS NULL))
        );
        CREATE UNIQUE INDEX idx_alert_targets_name ON alert_targets (coalesce(user_id, 0), name);

        CREATE TABLE alert_notices (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            target_id bigint NOT NULL REFERENCES alert_targets ON DELETE CASCADE,
            topic text NOT NULL,
            subject text NOT NULL,
            text text NOT NULL,
            status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'dead')),
            attempts integer NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            due_at timestamptz NOT NULL,
            sent_at timestamptz,
            error text
        );
        CREATE INDEX idx_alert_notices_waiting ON alert_notices (due_at) WHERE status = 'waiting';
        CREATE INDEX idx_alert_notices_subject ON alert_notices (target_id, topic, subject, created_at);
        CREATE INDEX idx_alert_notices_created ON alert_notices (created_at);

        CREATE TABLE alert_cursors (
            source text PRIMARY KEY,
            after_id bigint NOT NULL,
            high_id bigint,
            writers text[] NOT NULL DEFAULT '{{}}'
        );
        CREATE TABLE alert_conditions (
            topic text NOT NULL,
            subject text NOT NULL,
            began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (topic, subject)
        );
        {_REFUSED.statement}
    """)


def downgrade() -> None:
    op.execute("""
        DROP INDEX idx_order_events_refused;
        DROP TABLE alert_conditions, alert_cursors, alert_notices, alert_targets;
    """)
