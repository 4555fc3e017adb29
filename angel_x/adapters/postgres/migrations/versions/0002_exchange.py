"""Orders as an exchange knows them: slices, baskets, stops, controls, limits and what was done.

What must never be is refused here too: a move that the transition table does not hold, and any
change of an event, a ledger entry, a fill or an audit entry.
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ORDERS = """
CREATE SEQUENCE order_time_priority AS bigint;
ALTER TABLE orders
    ADD COLUMN parent_id bigint REFERENCES orders,
    ADD COLUMN slices integer NOT NULL DEFAULT 0 CHECK (slices >= 0),
    ADD COLUMN basket_id bigint,
    ADD COLUMN held boolean NOT NULL DEFAULT false,
    ADD COLUMN time_priority bigint,
    ADD COLUMN traded_value numeric(18,2) NOT NULL DEFAULT 0 CHECK (traded_value >= 0),
    ADD COLUMN lease_until timestamptz,
    DROP CONSTRAINT orders_client_order_id_check,
    -- Room for the place of a leg in its basket and of a slice in its order.
    ADD CONSTRAINT orders_client_order_id_check CHECK (length(client_order_id) BETWEEN 1 AND 96),
    DROP CONSTRAINT orders_only_resting_reserve,
    ADD CONSTRAINT orders_only_placed_reserve CHECK (
        reserved = 0 OR status IN ('submitting', 'working', 'trigger_pending', 'partially_filled')),
    ADD CONSTRAINT orders_parent_is_held CHECK (slices = 0 OR (held AND reserved = 0)),
    ADD CONSTRAINT orders_submitting_has_lease CHECK (
        status <> 'submitting' OR lease_until IS NOT NULL);
-- Who came first is told by the id, not by where in the table a row has got to.
UPDATE orders SET time_priority = id;
SELECT setval('order_time_priority', coalesce(max(id), 0) + 1, false) FROM orders;
ALTER TABLE orders
    ALTER COLUMN time_priority SET DEFAULT nextval('order_time_priority'),
    ALTER COLUMN time_priority SET NOT NULL;
ALTER SEQUENCE order_time_priority OWNED BY orders.time_priority;
UPDATE orders o SET traded_value = f.traded
FROM (SELECT order_id, sum(price * quantity) AS traded FROM fills GROUP BY order_id) f
WHERE f.order_id = o.id;
DROP INDEX idx_orders_received, idx_orders_due;
CREATE INDEX idx_orders_received ON orders (priority, user_id, id)
    WHERE status = 'received' AND NOT held;
CREATE INDEX idx_orders_due ON orders (ring_at) WHERE status = 'received' AND NOT held;
CREATE INDEX idx_orders_leased ON orders (lease_until) WHERE status = 'submitting';
CREATE INDEX idx_orders_parked ON orders (id) WHERE reason = 'PROCESSING_FAILED';
CREATE INDEX idx_orders_parent ON orders (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX idx_orders_basket ON orders (basket_id) WHERE basket_id IS NOT NULL;

CREATE SEQUENCE order_event_ids AS bigint;
ALTER TABLE order_events ADD COLUMN id bigint NOT NULL DEFAULT nextval('order_event_ids');
ALTER SEQUENCE order_event_ids OWNED BY order_events.id;
DROP INDEX idx_order_events_order;
CREATE INDEX idx_order_events_order ON order_events (order_id, id);
"""

ACCOUNTS = """
ALTER TABLE users
    ADD COLUMN open_orders integer NOT NULL DEFAULT 0 CHECK (open_orders >= 0),
    ADD COLUMN pnl_day date,
    ADD COLUMN day_pnl numeric(18,2) NOT NULL DEFAULT 0;
UPDATE users u SET open_orders = o.placed FROM (
    SELECT user_id, count(*) AS placed FROM orders
    WHERE status IN ('submitting', 'working', 'trigger_pending', 'partially_filled')
    GROUP BY user_id) o
WHERE o.user_id = u.id;

ALTER TABLE exposures
    ADD COLUMN open_buy_quantity integer NOT NULL DEFAULT 0 CHECK (open_buy_quantity >= 0);
UPDATE exposures e SET open_buy_quantity = o.leaves FROM (
    SELECT user_id, symbol, sum(quantity - filled_quantity) AS leaves FROM orders
    WHERE side = 'BUY' AND status IN ('working', 'trigger_pending', 'partially_filled')
    GROUP BY user_id, symbol) o
WHERE o.user_id = e.user_id AND o.symbol = e.symbol;

ALTER TABLE positions
    ADD COLUMN product text NOT NULL DEFAULT 'NRML' CHECK (product IN ('NRML', 'MIS'));
DROP INDEX idx_positions_one_open;
CREATE UNIQUE INDEX idx_positions_one_open ON positions (user_id, portfolio_id, symbol, product)
    WHERE status = 'OPEN';
"""

OPERATIONS = """
ALTER TABLE trading_controls ADD COLUMN reason text;

CREATE TABLE risk_limits (
    scope text NOT NULL CHECK (scope IN ('global', 'user')),
    name text NOT NULL,
    kind text NOT NULL,
    -- Neither NaN nor infinity, which are above every number.
    value numeric NOT NULL CHECK (value BETWEEN 0 AND 1e12),
    actor text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope, name, kind),
    -- Every claim reads all limits, so one that cannot be read would stop all trading.
    CONSTRAINT risk_limits_name_fits_scope CHECK (
        CASE scope WHEN 'global' THEN name = '' ELSE name ~ '^[1-9][0-9]{0,17}$' END),
    CONSTRAINT risk_limits_window_is_short CHECK (
        kind <> 'duplicate_window_seconds' OR value <= 60)
);

CREATE TABLE audit_entries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX idx_audit_entries_subject ON audit_entries (subject, id);

CREATE TABLE workflows (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    kind text NOT NULL CHECK (kind IN ('basket', 'square_off')),
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 64),
    request_hash bytea NOT NULL,
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed')),
    spec jsonb NOT NULL,
    outcome jsonb,
    actor text NOT NULL,
    due_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    rings integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    UNIQUE (user_id, kind, key),
    CONSTRAINT workflows_finished_has_time CHECK ((status = 'running') = (finished_at IS NULL))
);
CREATE INDEX idx_workflows_due ON workflows (due_at) WHERE status = 'running';
ALTER TABLE orders ADD FOREIGN KEY (basket_id) REFERENCES workflows;

CREATE TABLE canaries (
    queue text PRIMARY KEY,
    sent_at timestamptz NOT NULL,
    seen_at timestamptz
);
"""

#: The moves of this revision; a test holds them against the domain's table.
MOVES = {
    "received": (
        "canceled",
        "denied",
        "expired",
        "filled",
        "partially_filled",
        "rejected",
        "submitting",
        "trigger_pending",
        "working",
    ),
    "submitting": (
        "canceled",
        "expired",
        "filled",
        "partially_filled",
        "rejected",
        "trigger_pending",
        "working",
    ),
    "working": ("canceled", "expired", "filled", "partially_filled"),
    "trigger_pending": ("canceled", "expired", "filled", "partially_filled", "rejected", "working"),
    "partially_filled": ("canceled", "expired", "filled"),
}
_LEGAL = [f"{source}>{target}" for source, targets in MOVES.items() for target in targets]

# The condition is evaluated without entering the function, so a legal move costs next to nothing.
GUARDS = f"""
CREATE FUNCTION refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'order %: % cannot become %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation', CONSTRAINT = 'orders_move_is_legal';
END $$;
CREATE TRIGGER orders_move_is_legal BEFORE UPDATE OF status ON orders FOR EACH ROW
    WHEN (OLD.status <> NEW.status AND OLD.status || '>' || NEW.status <> ALL ('{{{",".join(_LEGAL)}}}'))
    EXECUTE FUNCTION refuse_transition();

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% can only be added to, not changed by %', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END $$;
"""
APPEND_ONLY = ("order_events", "ledger_entries", "fills", "audit_entries")

# A trigger on rows is one of each partition as well; one on statements is of the table named there.
GUARD_PARTITIONS = """
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT inhrelid FROM pg_inherits
        WHERE inhparent IN ('order_events'::regclass, 'ledger_entries'::regclass)
    LOOP
        EXECUTE format('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %s '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
    END LOOP;
END $$;
"""


def upgrade() -> None:
    """Add columns and tables, then the guards."""
    for statements in (ORDERS, ACCOUNTS, OPERATIONS, GUARDS):
        op.execute(statements)
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_only_grow BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(GUARD_PARTITIONS)


def downgrade() -> None:
    """Take it all away, guards first."""
    op.execute("DROP FUNCTION refuse_transition(), refuse_change() CASCADE")
    op.execute(DOWN)


DOWN = """
DROP TABLE canaries, audit_entries, risk_limits;
ALTER TABLE orders
    DROP CONSTRAINT orders_only_placed_reserve,
    DROP CONSTRAINT orders_parent_is_held,
    DROP CONSTRAINT orders_submitting_has_lease,
    DROP COLUMN basket_id;
DROP TABLE workflows;
DROP INDEX idx_orders_received, idx_orders_due, idx_orders_leased, idx_orders_parked,
    idx_orders_parent;
ALTER TABLE orders
    DROP COLUMN parent_id, DROP COLUMN slices, DROP COLUMN held, DROP COLUMN time_priority,
    DROP COLUMN traded_value, DROP COLUMN lease_until,
    ADD CONSTRAINT orders_only_resting_reserve CHECK (
        reserved = 0 OR status IN ('working', 'trigger_pending', 'partially_filled'));
CREATE INDEX idx_orders_received ON orders (priority, user_id, id) WHERE status = 'received';
CREATE INDEX idx_orders_due ON orders (ring_at) WHERE status = 'received';
DROP INDEX idx_order_events_order;
ALTER TABLE order_events DROP COLUMN id;
CREATE INDEX idx_order_events_order ON order_events (order_id, at);
ALTER TABLE users DROP COLUMN open_orders, DROP COLUMN pnl_day, DROP COLUMN day_pnl;
ALTER TABLE exposures DROP COLUMN open_buy_quantity;
DROP INDEX idx_positions_one_open;
ALTER TABLE positions DROP COLUMN product;
CREATE UNIQUE INDEX idx_positions_one_open ON positions (user_id, portfolio_id, symbol)
    WHERE status = 'OPEN';
ALTER TABLE trading_controls DROP COLUMN reason;
"""
