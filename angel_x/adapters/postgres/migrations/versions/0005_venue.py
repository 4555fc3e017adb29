"""Orders whose venue was asked to cancel or to amend them and has not answered."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_AT_VENUE = (
    "canceled",
    "expired",
    "filled",
    "partially_filled",
    "rejected",
    "trigger_pending",
    "working",
)
_PENDING = ("pending_amend", "pending_cancel")
#: The moves of this revision; a test holds them against the domain's table.
MOVES = {
    "received": ("denied", "submitting", *_AT_VENUE),
    "submitting": ("pending_cancel", *_AT_VENUE),
    "working": ("canceled", "expired", "filled", "partially_filled", *_PENDING),
    "trigger_pending": (
        "canceled",
        "expired",
        "filled",
        "partially_filled",
        "rejected",
        "working",
        *_PENDING,
    ),
    "partially_filled": ("canceled", "expired", "filled", *_PENDING),
    "pending_amend": ("pending_cancel", *_AT_VENUE),
    "pending_cancel": _AT_VENUE,
}
#: Those of the revision before.
_MOVES_BEFORE = {
    source: [target for target in targets if target not in _PENDING]
    for source, targets in MOVES.items()
    if source not in _PENDING
}

_STATUSES = """
    'received', 'denied', 'submitting', 'rejected', 'working', 'trigger_pending',
    'partially_filled', 'filled', 'canceled', 'expired'
"""


def _guard(moves: dict[str, tuple[str, ...]] | dict[str, list[str]]) -> str:
    legal = ",".join(f"{source}>{target}" for source in moves for target in moves[source])
    return f"""
DROP TRIGGER orders_move_is_legal ON orders;
CREATE TRIGGER orders_move_is_legal BEFORE UPDATE OF status ON orders FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND OLD.status || '>' || NEW.status <> ALL ('{{{legal}}}'))
    EXECUTE FUNCTION refuse_transition();
"""


def _statuses(pending: str) -> str:
    """Return the change of every constraint and index that names the statuses of open orders."""
    asked = f"'submitting'{pending}"
    placed = f"{asked}, 'working', 'trigger_pending', 'partially_filled'"
    return f"""
ALTER TABLE orders
    DROP CONSTRAINT orders_status_check,
    ADD CONSTRAINT orders_status_check CHECK (status IN ({_STATUSES}{pending})),
    DROP CONSTRAINT orders_only_placed_reserve,
    ADD CONSTRAINT orders_only_placed_reserve CHECK (reserved = 0 OR status IN ({placed})),
    DROP CONSTRAINT orders_submitting_has_lease,
    ADD CONSTRAINT orders_submitting_has_lease CHECK (
        status NOT IN ({asked}) OR lease_until IS NOT NULL);
DROP INDEX idx_orders_leased, idx_orders_open_until;
CREATE INDEX idx_orders_leased ON orders (lease_until) WHERE status IN ({asked});
CREATE INDEX idx_orders_open_until ON orders (valid_until) WHERE status IN ('received', {placed});
"""


def upgrade() -> None:
    op.execute(_statuses(", 'pending_cancel', 'pending_amend'"))
    op.execute(_guard(MOVES))


def downgrade() -> None:
    """Let orders that wait for an answer stand where they stood before they were asked about."""
    op.execute("""
        UPDATE orders SET lease_until = NULL,
            status = CASE WHEN filled_quantity > 0 THEN 'partially_filled' ELSE 'working' END
        WHERE status IN ('pending_cancel', 'pending_amend')
    """)
    op.execute(_statuses(""))
    op.execute(_guard(_MOVES_BEFORE))
