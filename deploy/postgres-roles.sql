-- The roles that the processes of Angel-X run under.  PostgreSQL's image runs this once, as the owner,
-- when it makes the database; on another server run it as somebody who may make roles:
--   POSTGRES_APP_PASSWORD=... POSTGRES_READER_PASSWORD=... psql --file deploy/postgres-roles.sql angelx
-- `angel-x db upgrade`, run as the owner, then grants them what they need.  angel_x_app: everything on most
-- tables, and only SELECT and INSERT on order_events, ledger_entries, fills and audit_entries.  angel_x_reader,
-- for the metrics process and people: SELECT, and nothing on tables with keys and addresses.
\getenv password POSTGRES_APP_PASSWORD
CREATE ROLE angel_x_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
\getenv reader_password POSTGRES_READER_PASSWORD
CREATE ROLE angel_x_reader LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'reader_password';
