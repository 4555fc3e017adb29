-- The role that the processes of Angel-X run under.  PostgreSQL's image runs this once, as the owner,
-- when it makes the database; on another server run it as somebody who may make roles:
--   POSTGRES_APP_PASSWORD=... psql --file deploy/postgres-roles.sql angelx
-- `angel-x db upgrade`, run as the owner, then grants it what it needs: everything on most tables, and
-- only SELECT and INSERT on order_events, ledger_entries, fills and audit_entries.
\getenv password POSTGRES_APP_PASSWORD
CREATE ROLE angel_x_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
