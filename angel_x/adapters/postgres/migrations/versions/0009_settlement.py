"""Final settlement prices, settled positions and the last levels of the indices.

A settled loss can exceed the cash of an account: its debit is what is missing.  An option that expires
out of the money closes at zero.
"""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE settlement_prices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    underlying text NOT NULL,
    expiry date NOT NULL,
    price numeric(12,2) NOT NULL CHECK (price > 0),
    source text NOT NULL CHECK (source IN ('exchange', 'feed', 'operator')),
    actor text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idx_settlement_prices_expiry ON settlement_prices (underlying, expiry, id);
-- The price that all accounts are settled at, from the first one on.
CREATE TABLE final_prices (
    underlying text NOT NULL,
    expiry date NOT NULL,
    price_id bigint NOT NULL REFERENCES settlement_prices,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (underlying, expiry)
);
CREATE TABLE settlements (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    symbol text NOT NULL REFERENCES contracts,
    product text NOT NULL CHECK (product IN ('NRML', 'MIS')),
    quantity integer NOT NULL CHECK (quantity <> 0),
    index_price numeric(12,2) NOT NULL CHECK (index_price > 0),
    price numeric(12,2) NOT NULL CHECK (price >= 0),
    realised_pnl numeric(18,2) NOT NULL,
    charges numeric(18,2) NOT NULL CHECK (charges >= 0),
    expiry date NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idx_settlements_user ON settlements (user_id, expiry, id);
CREATE INDEX idx_settlements_symbol ON settlements (symbol);
CREATE TABLE index_levels (
    underlying text PRIMARY KEY,
    level numeric(12,2) NOT NULL CHECK (level > 0),
    at timestamptz NOT NULL
) WITH (fillfactor = 50);

ALTER TABLE users
    ADD COLUMN debit numeric(18,2) NOT NULL DEFAULT 0 CHECK (debit >= 0),
    DROP CONSTRAINT users_margin_is_backed,
    ADD CONSTRAINT users_margin_is_backed CHECK (margin_used <= cash + collateral + debit);
-- The check before implies the new one, so that no row has to be read.
ALTER TABLE trades DROP CONSTRAINT trades_exit_price_check,
    ADD CONSTRAINT trades_exit_price_check CHECK (exit_price >= 0) NOT VALID;
"""
APPEND_ONLY = ("settlement_prices", "final_prices", "settlements")


def upgrade() -> None:
    op.execute(TABLES)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_only_grow BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    """Drop the tables; refused while an account has a debit or a trade ended at zero."""
    op.execute("""
        DROP TABLE index_levels, settlements, final_prices, settlement_prices;
        ALTER TABLE users DROP CONSTRAINT users_margin_is_backed, DROP COLUMN debit,
            ADD CONSTRAINT users_margin_is_backed CHECK (margin_used <= cash + collateral);
        ALTER TABLE trades DROP CONSTRAINT trades_exit_price_check,
            ADD CONSTRAINT trades_exit_price_check CHECK (exit_price > 0);
    """)
