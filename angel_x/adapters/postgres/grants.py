"""The privileges of the application's role, where this role exists.

The owner of the tables can remove every guard.  This role owns nothing: of events, ledger, fills and
audit it can read and add rows, and partitions are accessible through their table only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Created by the operator of the server, if at all, as in ``deploy/postgres-roles.sql``.
ROLE = "angel_x_app"
#: Tables to which it can only add rows.
APPEND_ONLY = (
    "order_events",
    "ledger_entries",
    "fills",
    "audit_entries",
    "settlement_prices",
    "final_prices",
    "settlements",
    "openings",
    "live_confirmations",
)

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
    """Grant the role its privileges, and revoke all others."""
    connection.exec_driver_sql(_GRANT)
