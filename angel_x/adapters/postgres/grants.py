"""The privileges of the roles of processes, where these roles exist.

The owner of the tables can remove every guard.  These roles own nothing, and reach partitions through
their table only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Connection

#: Of the processes.  Created by the operator of the server, if at all, as in ``deploy/postgres-roles.sql``.
ROLE = "angel_x_app"
#: Of processes and people that only look; likewise.
READER = "angel_x_reader"
#: Tables to which the processes can only add rows.
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

#: Tables with keys and addresses, sealed or digested, which nobody who only looks needs.
SECRET = ("api_keys", "alert_targets", "telegram_people")

_ALLOWED = {
    ROLE: f"""CASE
        WHEN relname = 'alembic_version' THEN 'SELECT'
        WHEN relname IN {APPEND_ONLY} THEN 'SELECT, INSERT'
        ELSE 'SELECT, INSERT, UPDATE, DELETE' END""",
    READER: f"CASE WHEN relname IN {SECRET} THEN NULL ELSE 'SELECT' END",
}
_SEQUENCES = {ROLE: f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};", READER: ""}


def _grants(role: str) -> str:
    return f"""
    DO $$
    DECLARE part regclass; allowed text;
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN RETURN; END IF;
        GRANT USAGE ON SCHEMA public TO {role};
        {_SEQUENCES[role]}
        FOR part, allowed IN
            SELECT oid, {_ALLOWED[role]}
            FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                AND NOT relispartition
        LOOP
            EXECUTE format('REVOKE ALL ON %%s FROM {role}', part);
            IF allowed IS NOT NULL THEN
                EXECUTE format('GRANT %%s ON %%s TO {role}', allowed, part);
            END IF;
        END LOOP;
    END $$;
    """


def grant(connection: Connection) -> None:
    """Grant each role its privileges, and revoke all others."""
    for role in _ALLOWED:
        connection.exec_driver_sql(_grants(role))
