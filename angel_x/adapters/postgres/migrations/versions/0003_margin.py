"""Margin by account and underlying, where it was by contract."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

UP = """
CREATE TABLE margins (
    user_id bigint NOT NULL REFERENCES users,
    underlying text NOT NULL,
    margin numeric(18,2) NOT NULL CHECK (margin >= 0),
    PRIMARY KEY (user_id, underlying)
) WITH (fillfactor = 70);
INSERT INTO margins (user_id, underlying, margin)
SELECT user_id, split_part(symbol, '_', 1), sum(margin) FROM exposures
GROUP BY 1, 2 HAVING sum(margin) > 0;

-- What an account has ever traded stays here; every claim reads what of it is open.
ALTER TABLE exposures
    DROP COLUMN margin,
    ADD COLUMN is_open boolean NOT NULL GENERATED ALWAYS AS (
        net_quantity <> 0 OR open_buy_quantity <> 0 OR open_sell_quantity <> 0) STORED;
CREATE INDEX idx_exposures_open ON exposures (user_id) WHERE is_open;
"""
# What an underlying holds is divided by units short; the first contract gets what cannot be divided.
DOWN = """
DROP INDEX idx_exposures_open;
ALTER TABLE exposures
    DROP COLUMN is_open,
    ADD COLUMN margin numeric(18,2) NOT NULL DEFAULT 0 CHECK (margin >= 0);
WITH short AS (
    SELECT user_id, symbol, split_part(symbol, '_', 1) AS underlying,
        (open_sell_quantity - net_quantity)::numeric AS units
    FROM exposures WHERE open_sell_quantity > net_quantity
), shares AS (
    SELECT s.user_id, s.symbol, m.margin,
        trunc(m.margin * s.units / sum(s.units) OVER pair, 2) AS share,
        row_number() OVER (pair ORDER BY s.symbol) AS place, s.underlying
    FROM short s JOIN margins m USING (user_id, underlying)
    WINDOW pair AS (PARTITION BY s.user_id, s.underlying)
), exact AS (
    SELECT user_id, symbol, share + CASE WHEN place = 1
        THEN margin - sum(share) OVER (PARTITION BY user_id, underlying) ELSE 0 END AS margin
    FROM shares
)
UPDATE exposures e SET margin = x.margin FROM exact x
WHERE x.user_id = e.user_id AND x.symbol = e.symbol;
DROP TABLE margins;
"""


def upgrade() -> None:
    """Move margin to the underlyings, and mark what is open."""
    op.execute(UP)


def downgrade() -> None:
    """Move it back to the contracts that are short."""
    op.execute(DOWN)
