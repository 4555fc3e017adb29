"""The tables of orders, positions, ledger, contracts and analytics.

What must never be is refused here, by the database: a second order under one client id, a filled
quantity above the quantity, a second fill under one execution id, two open positions of one
account in one contract, margin above what backs it.
"""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ACCOUNTS = """
CREATE TABLE users (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_.@-]{1,64}$'),
    cash numeric(18,2) NOT NULL DEFAULT 0,
    collateral numeric(18,2) NOT NULL DEFAULT 0 CHECK (collateral >= 0),
    margin_used numeric(18,2) NOT NULL DEFAULT 0 CHECK (margin_used >= 0),
    realised_pnl numeric(18,2) NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_margin_is_backed CHECK (margin_used <= cash + collateral)
) WITH (fillfactor = 50);

CREATE TABLE api_keys (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    prefix text NOT NULL UNIQUE,
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    scopes text[] NOT NULL CHECK (scopes <@ ARRAY['trade', 'read', 'admin']),
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
CREATE INDEX idx_api_keys_user ON api_keys (user_id);
"""

CONTRACTS = """
CREATE TABLE contracts (
    symbol text PRIMARY KEY,
    underlying text NOT NULL,
    expiry date NOT NULL,
    strike numeric(12,2) NOT NULL CHECK (strike > 0),
    option_right text NOT NULL CHECK (option_right IN ('CE', 'PE')),
    lot_size integer NOT NULL CHECK (lot_size > 0),
    tick_size numeric(6,2) NOT NULL CHECK (tick_size > 0),
    freeze_quantity integer NOT NULL CHECK (freeze_quantity >= lot_size),
    expires_at timestamptz NOT NULL,
    listed boolean NOT NULL DEFAULT true,
    UNIQUE (underlying, expiry, strike, option_right)
);
CREATE INDEX idx_contracts_listed ON contracts (underlying, expiry, strike) WHERE listed;
"""

ORDERS = """
CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    client_order_id text NOT NULL CHECK (length(client_order_id) BETWEEN 1 AND 64),
    request_hash bytea NOT NULL,
    symbol text NOT NULL REFERENCES contracts,
    side text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity integer NOT NULL CHECK (quantity > 0),
    filled_quantity integer NOT NULL DEFAULT 0,
    order_type text NOT NULL CHECK (order_type IN ('MARKET', 'LIMIT', 'SL', 'SL-M')),
    limit_price numeric(12,2) CHECK (limit_price > 0),
    trigger_price numeric(12,2) CHECK (trigger_price > 0),
    validity text NOT NULL CHECK (validity IN ('DAY', 'IOC')),
    product text NOT NULL CHECK (product IN ('NRML', 'MIS')),
    priority text NOT NULL CHECK (priority IN ('emergency', 'high', 'normal', 'low')),
    tag text,
    status text NOT NULL DEFAULT 'received' CHECK (status IN (
        'received', 'denied', 'submitting', 'rejected', 'working', 'trigger_pending',
        'partially_filled', 'filled', 'canceled', 'expired')),
    reason text,
    average_price numeric(14,4),
    reserved numeric(18,2) NOT NULL DEFAULT 0 CHECK (reserved >= 0),
    attempt integer NOT NULL DEFAULT 0 CHECK (attempt >= 0),
    ring_at timestamptz NOT NULL,
    rings integer NOT NULL DEFAULT 0,
    valid_until timestamptz NOT NULL,
    accepted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    UNIQUE (user_id, client_order_id),
    CONSTRAINT orders_fill_within_quantity CHECK (filled_quantity BETWEEN 0 AND quantity),
    CONSTRAINT orders_filled_means_all CHECK ((status = 'filled') = (filled_quantity = quantity)),
    CONSTRAINT orders_partial_means_some CHECK (status <> 'partially_filled' OR filled_quantity > 0),
    CONSTRAINT orders_denied_never_traded CHECK (
        status NOT IN ('received', 'denied', 'rejected') OR filled_quantity = 0),
    CONSTRAINT orders_denied_says_why CHECK (status NOT IN ('denied', 'rejected') OR reason IS NOT NULL),
    CONSTRAINT orders_limit_has_price CHECK (
        order_type NOT IN ('LIMIT', 'SL') OR limit_price IS NOT NULL),
    CONSTRAINT orders_only_resting_reserve CHECK (
        reserved = 0 OR status IN ('working', 'trigger_pending', 'partially_filled')),
    CONSTRAINT orders_closed_has_time CHECK (
        (status IN ('denied', 'rejected', 'filled', 'canceled', 'expired')) = (closed_at IS NOT NULL))
) WITH (fillfactor = 70);
-- Claiming: the oldest orders of an account in a lane.  Also the relay's due rows and the depth.
CREATE INDEX idx_orders_received ON orders (priority, user_id, id) WHERE status = 'received';
CREATE INDEX idx_orders_due ON orders (ring_at) WHERE status = 'received';
CREATE INDEX idx_orders_resting ON orders (symbol, user_id)
    WHERE status IN ('working', 'trigger_pending', 'partially_filled');
CREATE INDEX idx_orders_open_until ON orders (valid_until)
    WHERE status IN ('received', 'submitting', 'working', 'trigger_pending', 'partially_filled');
CREATE INDEX idx_orders_user ON orders (user_id, id DESC);

CREATE TABLE order_events (
    order_id bigint NOT NULL REFERENCES orders,
    status text NOT NULL,
    actor text NOT NULL,
    reason text,
    attempt integer NOT NULL DEFAULT 0,
    detail text,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (at);
CREATE TABLE order_events_default PARTITION OF order_events DEFAULT;
CREATE INDEX idx_order_events_order ON order_events (order_id, at);

CREATE TABLE fills (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id text NOT NULL UNIQUE,
    order_id bigint NOT NULL REFERENCES orders,
    user_id bigint NOT NULL REFERENCES users,
    symbol text NOT NULL,
    side text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity integer NOT NULL CHECK (quantity > 0),
    price numeric(12,2) NOT NULL CHECK (price > 0),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX idx_fills_order ON fills (order_id);
CREATE INDEX idx_fills_user_symbol ON fills (user_id, symbol);
"""

BOOKS = """
CREATE TABLE positions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    portfolio_id bigint NOT NULL,
    symbol text NOT NULL REFERENCES contracts,
    status text NOT NULL CHECK (status IN ('OPEN', 'CLOSED')),
    quantity integer NOT NULL,
    cost numeric(18,2) NOT NULL,
    realised_pnl numeric(18,2) NOT NULL DEFAULT 0,
    entry_time timestamptz NOT NULL DEFAULT clock_timestamp(),
    exit_time timestamptz,
    CONSTRAINT positions_closed_is_flat CHECK (
        (status = 'CLOSED') = (quantity = 0) AND (status = 'CLOSED') = (exit_time IS NOT NULL)),
    CONSTRAINT positions_flat_costs_nothing CHECK (quantity <> 0 OR cost = 0),
    CONSTRAINT positions_cost_has_side CHECK (cost * quantity >= 0)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX idx_positions_one_open ON positions (user_id, portfolio_id, symbol)
    WHERE status = 'OPEN';
CREATE INDEX idx_positions_user_status ON positions(user_id, status);

CREATE TABLE exposures (
    user_id bigint NOT NULL REFERENCES users,
    symbol text NOT NULL REFERENCES contracts,
    net_quantity integer NOT NULL DEFAULT 0,
    open_sell_quantity integer NOT NULL DEFAULT 0 CHECK (open_sell_quantity >= 0),
    margin numeric(18,2) NOT NULL DEFAULT 0 CHECK (margin >= 0),
    PRIMARY KEY (user_id, symbol)
) WITH (fillfactor = 70);

CREATE TABLE trades (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id bigint NOT NULL REFERENCES users,
    symbol text NOT NULL,
    status text NOT NULL CHECK (status IN ('OPEN', 'CLOSED')),
    side text NOT NULL CHECK (side IN ('BUY', 'SELL')),
    quantity integer NOT NULL CHECK (quantity > 0),
    entry_price numeric(14,4) NOT NULL CHECK (entry_price > 0),
    exit_price numeric(14,4) CHECK (exit_price > 0),
    realised_pnl numeric(18,2) NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    closed_at timestamptz,
    CONSTRAINT trades_closed_has_exit CHECK (
        (status = 'CLOSED') = (exit_price IS NOT NULL AND closed_at IS NOT NULL))
);
CREATE INDEX idx_trades_user_closed ON trades (user_id, closed_at DESC) WHERE status = 'CLOSED';
CREATE INDEX idx_trades_symbol ON trades (symbol, created_at DESC);

CREATE TABLE ledger_entries (
    user_id bigint NOT NULL REFERENCES users,
    order_id bigint,
    account text NOT NULL CHECK (account IN ('cash', 'position', 'pnl', 'charges', 'deposit')),
    amount numeric(18,2) NOT NULL CHECK (amount <> 0),
    at timestamptz NOT NULL DEFAULT clock_timestamp()
) PARTITION BY RANGE (at);
CREATE TABLE ledger_entries_default PARTITION OF ledger_entries DEFAULT;
CREATE INDEX idx_ledger_entries_user ON ledger_entries (user_id, account);
"""

ANALYTICS = """
CREATE TABLE greeks_snapshot (
    symbol text PRIMARY KEY,
    implied_vol double precision,
    price double precision,
    delta double precision,
    gamma double precision,
    vega double precision,
    theta double precision,
    rho double precision,
    as_of timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE portfolios (
    user_id bigint PRIMARY KEY REFERENCES users,
    cash numeric(18,2) NOT NULL,
    margin_used numeric(18,2) NOT NULL,
    free_balance numeric(18,2) NOT NULL,
    realised_pnl numeric(18,2) NOT NULL,
    unrealised_pnl numeric(18,2) NOT NULL,
    equity numeric(18,2) NOT NULL,
    greeks jsonb NOT NULL,
    scenarios jsonb NOT NULL,
    stale_positions integer NOT NULL DEFAULT 0,
    updated_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE portfolio_snapshots (
    user_id bigint NOT NULL REFERENCES users,
    taken_at timestamptz NOT NULL,
    equity numeric(18,2) NOT NULL,
    realised_pnl numeric(18,2) NOT NULL,
    unrealised_pnl numeric(18,2) NOT NULL,
    margin_used numeric(18,2) NOT NULL
) PARTITION BY RANGE (taken_at);
CREATE TABLE portfolio_snapshots_default PARTITION OF portfolio_snapshots DEFAULT;
CREATE INDEX idx_portfolio_snapshots_user ON portfolio_snapshots (user_id, taken_at DESC);

CREATE TABLE trading_controls (
    scope text NOT NULL CHECK (scope IN ('system', 'user', 'underlying')),
    name text NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'reducing', 'halted')),
    actor text NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (scope, name)
);
"""

TABLES = (
    "trading_controls",
    "portfolio_snapshots",
    "portfolios",
    "greeks_snapshot",
    "ledger_entries",
    "trades",
    "exposures",
    "positions",
    "fills",
    "order_events",
    "orders",
    "contracts",
    "api_keys",
    "users",
)


def upgrade() -> None:
    """Create everything."""
    for statements in (ACCOUNTS, CONTRACTS, ORDERS, BOOKS, ANALYTICS):
        op.execute(statements)


def downgrade() -> None:
    """Drop everything, dependents first."""
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
