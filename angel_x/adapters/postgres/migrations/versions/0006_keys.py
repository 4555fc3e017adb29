"""API keys that expire; administrators' keys that trade say so."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# The scope admin included the scope trade until now: keys that were issued keep what they allowed.
UP = """
ALTER TABLE api_keys ADD COLUMN expires_at timestamptz;
UPDATE api_keys SET scopes = array_prepend('trade', scopes)
WHERE 'admin' = ANY (scopes) AND 'trade' <> ALL (scopes);
"""
# An expired key would be valid again.
DOWN = """
UPDATE api_keys SET revoked_at = expires_at
WHERE expires_at <= clock_timestamp() AND revoked_at IS NULL;
ALTER TABLE api_keys DROP COLUMN expires_at;
"""


def upgrade() -> None:
    """Add the expiry, and write the scope trade into keys of administrators."""
    op.execute(UP)


def downgrade() -> None:
    """Revoke expired keys, and drop the expiry."""
    op.execute(DOWN)
