"""What the role that the application runs under may do, where there is such a role.

The owner of the tables can take every guard off again.  This role owns nothing: of events, ledger,
fills and audit it can read and add rows, and of partitions it sees what their table shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Made by whoever runs the server, if at all; ``deploy/postgres-roles.sql`` does.
ROLE = "angel_x_app"
#: What it can only add to.
APPEND_ONLY = ("order_events", "ledger_entries", "fills", "audit_entries")

_GRANT = f"""
DO $$
DECLARE part regclass; allowed text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN RETURN; END IF;
    GRANT USAGE ON SCHEMA public TO {ROLE};
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
    FOR part, allowed IN
        SELECT oid, CASE
            WHEN relname = 'alembic_version' THEN 'SELECT'
            WHEN relname IN {APPEND_ONLY} THEN 'SELECT, INSERT'
            ELSE 'SELECT, INSERT, UPDATE, DELETE' END
        FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
            AND NOT relispartition
    LOOP
        EXECUTE format('REVOKE ALL ON %%s FROM {ROLE}', part);
        EXECUTE format('GRANT %%s ON %%s TO {ROLE}', allowed, part);
    END LOOP;
END $$;
"""


def grant(connection: Connection) -> None:
    """Grant the role what it needs, and take from it what it has beyond that."""
    connection.exec_driver_sql(_GRANT)
