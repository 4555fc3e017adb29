"""Expand: futures beside options, with the strike zero."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_CHECKS = ("contracts_strike_check", "contracts_option_right_check")


def upgrade() -> None:
    """Not validated: every stored row has passed the stricter checks."""
    for name in _CHECKS:
        op.execute(f"ALTER TABLE contracts DROP CONSTRAINT {name}")
    op.execute("""
        ALTER TABLE contracts
            ADD CONSTRAINT contracts_option_right_check
                CHECK (option_right IN ('CE', 'PE', 'FUT')) NOT VALID,
            ADD CONSTRAINT contracts_strike_check
                CHECK (strike > 0 AND option_right <> 'FUT' OR strike = 0 AND option_right = 'FUT')
                NOT VALID
    """)


def downgrade() -> None:
    """Futures cannot stay; the checks fail while a future is listed."""
    for name in _CHECKS:
        op.execute(f"ALTER TABLE contracts DROP CONSTRAINT {name}")
    op.execute("""
        ALTER TABLE contracts
            ADD CONSTRAINT contracts_option_right_check CHECK (option_right IN ('CE', 'PE')),
            ADD CONSTRAINT contracts_strike_check CHECK (strike > 0)
    """)
