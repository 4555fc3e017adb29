"""Events and fills without foreign keys: one statement writes them together with their order.

An order itself is never removed, which the keys had also seen to.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

UP = """
ALTER TABLE order_events DROP CONSTRAINT order_events_order_id_fkey;
ALTER TABLE fills DROP CONSTRAINT fills_order_id_fkey, DROP CONSTRAINT fills_user_id_fkey;

CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are kept, and cannot be removed by %', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER orders_are_kept BEFORE DELETE ON orders
    FOR EACH ROW EXECUTE FUNCTION refuse_removal();
CREATE TRIGGER orders_never_emptied BEFORE TRUNCATE ON orders
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_removal();
"""
DOWN = """
DROP FUNCTION refuse_removal() CASCADE;
ALTER TABLE order_events
    ADD CONSTRAINT order_events_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE fills
    ADD CONSTRAINT fills_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders,
    ADD CONSTRAINT fills_user_id_fkey FOREIGN KEY (user_id) REFERENCES users;
"""


def upgrade() -> None:
    """Drop the keys, and guard the orders."""
    op.execute(UP)


def downgrade() -> None:
    """Put the keys back, which reads every event and fill."""
    op.execute(DOWN)
