"""Expand: quotes of every minute of the market, one row for each chain."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """``contracts`` holds strikes in paise, negative for a put and zero for the future.

    ``prices``, in paise, and ``oi``, in units, are in its order.  Wide columns come first, so that no row is padded.
    """
    op.execute("""
        CREATE TABLE minute_quotes (
            minute timestamptz NOT NULL,
            written_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            expiry date NOT NULL,
            spot_paise integer,
            strike_paise integer,
            call_paise integer,
            put_paise integer,
            underlying text NOT NULL,
            contracts integer[] NOT NULL,
            prices integer[] NOT NULL,
            oi bigint[] NOT NULL,
            PRIMARY KEY (underlying, minute, expiry),
            CHECK (cardinality(prices) = cardinality(contracts)),
            CHECK (cardinality(oi) = cardinality(contracts))
        );
        CREATE INDEX idx_minute_quotes_written_at ON minute_quotes (written_at);
    """)


def downgrade() -> None:
    op.execute("DROP TABLE minute_quotes")
