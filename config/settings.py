"""Every setting: its type, its bounds, its default and its meaning; ``config.loading`` reads them."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
from msgspec import Meta

from config.addresses import passwords

PREFIX = "ANGEL_X_"
Environment = Literal["development", "testing", "production"]
ENVIRONMENTS: tuple[Environment, ...] = get_args(Environment)
#: Hosts at which a fake exchange may be.
THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
#: The credentials of a session at the broker.
LIVE_CREDENTIALS = (
    "angel_one_client_code",
    "angel_one_api_key",
    "angel_one_pin",
    "angel_one_totp_secret",
)
Port = Annotated[int, Meta(ge=0, le=65535)]


class SettingsError(ValueError):
    """A setting is unknown, missing, of the wrong type or out of bounds."""


@dataclass(frozen=True, slots=True)
class Doc:
    """The meaning of a setting, and the module that uses it."""

    meaning: str
    used_by: str
    secret: bool = False


def _threads() -> int:
    return min(64, (os.cpu_count() or 1) * 4)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one process, all of them checked."""

    env: Annotated[
        Environment,
        Doc("The module of `config` whose values replace the defaults.", "config.loading"),
    ] = "development"
    home: Annotated[
        str,
        Meta(min_length=1),
        Doc("Directory of all files of a system on one machine.", "entrypoints.up"),
    ] = ".angel-x"
    node: Annotated[
        str,
        Meta(min_length=1),
        Doc("Name of this machine in metrics and memory reports.", "adapters.metrics, memory"),
    ] = msgspec.field(default_factory=socket.gethostname)
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Doc("Events below this level are not written.", "adapters.logging"),
    ] = "info"
    log_format: Annotated[
        Literal["text", "json"],
        Doc("Format of logs: text for people, or one JSON object a line.", "adapters.logging"),
    ] = "text"
    log_decisions: Annotated[
        bool,
        Doc(
            "Write an `order.decided` for each move of an order, with its account, lane, attempt and times.",
            "services.trading.aftermath",
        ),
    ] = False
    log_file_mb: Annotated[
        int,
        Meta(ge=1, le=100_000),
        Doc(
            "Megabytes at which the log file of a process or server of `angel-x up` is begun anew.",
            "entrypoints.up",
        ),
    ] = 20
    log_files: Annotated[
        int,
        Meta(ge=1, le=1000),
        Doc(
            "Older log files that are kept of each, of this run and those before.",
            "entrypoints.up",
        ),
    ] = 5

    database_url: Annotated[
        str | None,
        Doc(
            "PostgreSQL, with replicas as `postgresql://user@host1,host2/name`. Without one, "
            "`angel-x up` starts its own.",
            "adapters.postgres",
            secret=True,
        ),
    ] = None
    database_pooling: Annotated[
        Literal["session", "transaction"],
        Doc(
            "`transaction` for a PostgreSQL behind pgbouncer in transaction mode: sessions then hold "
            "no settings and no prepared statements.",
            "adapters.postgres.engine",
        ),
    ] = "session"
    redis_url: Annotated[
        str | None,
        Doc("Redis for both uses below, where they name none.", "config.loading", secret=True),
    ] = None
    broker_url: Annotated[
        str | None,
        Doc(
            "Redis or Valkey that carries the messages (noeviction); with Sentinels "
            "`sentinel://host1,host2,host3/0?master=name`.",
            "config.celery_options",
            secret=True,
        ),
    ] = None
    cache_url: Annotated[
        str | None,
        Doc("Redis that holds quotes, Greeks and live events.", "bootstrap", secret=True),
    ] = None
    result_url: Annotated[
        str | None,
        Doc(
            "Redis for the results that senders of `orders.submit` ask for with "
            "`ignore_result=False`. Without one, none are written.",
            "adapters.redis.task_results",
            secret=True,
        ),
    ] = None
    result_ttl_seconds: Annotated[
        int,
        Meta(ge=1, le=86_400),
        Doc("Seconds that such a result is kept.", "adapters.redis.task_results"),
    ] = 3600
    api_url: Annotated[
        str | None,
        Doc(
            "Address of the API that `angel-x doctor` and the desk ask. For the desk API_PORT on this "
            "machine where absent.",
            "entrypoints.doctor, entrypoints.desk",
        ),
    ] = None

    api_host: Annotated[
        str,
        Meta(min_length=1),
        Doc("Address that the API, Flower and the exporter bind to.", "entrypoints"),
    ] = "127.0.0.1"
    api_port: Annotated[Port, Doc("Port of the API.", "entrypoints.api.server")] = 8000
    flower_port: Annotated[Port, Doc("Port of Flower.", "entrypoints.flower")] = 5555
    flower_url: Annotated[
        str | None,
        Doc(
            "Address of Flower in links of `angel-x status`; by default that of this machine.",
            "entrypoints.flower",
        ),
    ] = None
    flower_password: Annotated[
        # Flower splits its passwords at commas.
        Annotated[str, Meta(min_length=8, pattern="^[^,]+$")] | None,
        Doc(
            "Password of Flower's user `angel`; generated into the home where absent.",
            "entrypoints.flower",
            secret=True,
        ),
    ] = None
    grafana_url: Annotated[
        str | None,
        Doc(
            "Address of Grafana for browsers, in the links of the desk; no link without one.",
            "entrypoints.machine",
        ),
    ] = None
    metrics_port: Annotated[Port, Doc("Port of the exporter.", "entrypoints.metrics")] = 9464
    own_metrics_port: Annotated[
        int,
        Meta(ge=0, le=65535),
        Doc(
            "Port at which a process that is alone in its pod serves its own counts; 0 where "
            "`angel-x metrics` serves those of all processes of a machine.",
            "entrypoints.own_metrics",
        ),
    ] = 0
    desk_enabled: Annotated[
        bool,
        Doc(
            "Run the desk with `angel-x up`, where the extra `desk` is installed.",
            "entrypoints.up, entrypoints.api.front",
        ),
    ] = True
    desk_port: Annotated[Port, Doc("Port of the desk.", "entrypoints.desk.server")] = 8080
    desk_url: Annotated[
        str | None,
        Doc(
            "Address of the desk for browsers, to which `/` of the API leads. Without one, the host of "
            "the request and DESK_PORT.",
            "entrypoints.api.front",
        ),
    ] = None
    desk_session_hours: Annotated[
        float,
        Meta(gt=0, le=168),
        Doc("Hours after which the desk asks to log in again.", "entrypoints.desk.sessions"),
    ] = 12
    submit_user: Annotated[
        str | None,
        Doc("Account of an `orders.submit` message that names none.", "services.intake.senders"),
    ] = None
    submit_signed: Annotated[
        bool,
        Doc(
            "Refuse an `orders.submit` message that no API key of its account has signed.",
            "services.intake.senders",
        ),
    ] = False

    thread_pool_size: Annotated[
        int,
        Meta(ge=1, le=256),
        Doc(
            "Threads of one API process for blocking work: a quarter for emergency controls, a quarter "
            "for writes, an eighth for look-ups of keys, the rest for reads, one each at least. Unset, "
            "at most 3 fewer than DB_MAX_POOL_SIZE.",
            "entrypoints.api.bulkheads",
        ),
    ] = msgspec.field(default_factory=_threads)
    max_queue_size: Annotated[
        int,
        Meta(ge=1, le=10_000_000),
        Doc(
            "Waiting orders beyond which new ones are answered with 429.",
            "services.intake.admission",
        ),
    ] = 5000
    emergency_orders_per_second: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        Doc(
            "Orders a second of one account that have priority `emergency` and do not reduce a position.",
            "services.intake.admission",
        ),
    ] = 100
    order_batch_size: Annotated[
        int,
        Meta(ge=1, le=1000),
        Doc("The most orders of one commit and of one message.", "services.intake.acceptance"),
    ] = 50
    order_batch_timeout_ms: Annotated[
        int,
        Meta(ge=0, le=5000),
        Doc(
            "Longest wait for a batch to fill while another is written.",
            "entrypoints.api.group_commit",
        ),
    ] = 50
    order_processing_workers: Annotated[
        int, Meta(ge=1, le=256), Doc("Processes of the order worker.", "entrypoints.cli.processes")
    ] = 8
    parallel_greek_workers: Annotated[
        int,
        Meta(ge=1, le=256),
        Doc("Processes of the numeric worker.", "entrypoints.cli.processes"),
    ] = 4
    market_data_buffer_size: Annotated[
        int,
        Meta(ge=1, le=10_000_000),
        Doc("The most ticks that the feed keeps before it drops the oldest.", "entrypoints.feed"),
    ] = 5000
    cache_ttl_market_data: Annotated[
        int, Meta(ge=1, le=86_400), Doc("TTL of quotes in seconds.", "adapters.redis.quote_board")
    ] = 60
    cache_ttl_greeks: Annotated[
        int,
        Meta(ge=1, le=86_400),
        Doc(
            "TTL of Greeks and risk arrays in seconds. Unchanged ones are renewed at half of it.",
            "services.pricing.greeks",
        ),
    ] = 30
    greeks_refresh_seconds: Annotated[
        int,
        Meta(ge=1, le=3_600),
        Doc(
            "Seconds between two refreshes of moved chains, and the expiry of a chunk.",
            "beat_schedule, services.greeks",
        ),
    ] = 2
    greeks_snapshot_seconds: Annotated[
        int,
        Meta(ge=1, le=86_400),
        Doc("Seconds between two copies of the Greeks to the database.", "beat_schedule"),
    ] = 60
    margin_mark_seconds: Annotated[
        int,
        Meta(ge=1, le=3600),
        Doc("Seconds between two markings of all accounts to the market.", "beat_schedule"),
    ] = 30
    margin_mark_move_percent: Annotated[
        float,
        Meta(ge=0.01, le=100),
        Doc("The move of a spot in percent that makes a marking due at once.", "bootstrap"),
    ] = 0.5
    margin_grace_seconds: Annotated[
        int,
        Meta(ge=0, le=86_400),
        Doc(
            "Seconds of a margin shortfall after which the position that frees the most margin is closed, and "
            "then another one with each marking; 0 closes none.",
            "bootstrap",
        ),
    ] = 0
    daily_loss_square_off: Annotated[
        bool,
        Doc(
            "Whether an account is squared off once a day when it reaches `max_daily_loss`.",
            "bootstrap",
        ),
    ] = False
    greeks_retention_days: Annotated[
        int,
        Meta(ge=1, le=36_500),
        Doc("Days that the database keeps the Greeks of an expired contract.", "bootstrap"),
    ] = 90
    order_events_retention_days: Annotated[
        int,
        Meta(ge=1, le=36_500),
        Doc(
            "Days that the database keeps the moves of orders; older ones are in the archive. The "
            "default is the five years that brokers have to keep records.",
            "adapters.postgres.retention",
        ),
    ] = 1827
    closed_positions_retention_days: Annotated[
        int,
        Meta(ge=1, le=36_500),
        Doc(
            "Days that the database keeps closed positions; older ones are in the archive. Their trades "
            "and fills stay.",
            "adapters.postgres.retention",
        ),
    ] = 1827
    portfolio_snapshots_retention_days: Annotated[
        int,
        Meta(ge=1, le=36_500),
        Doc(
            "Days that the database keeps snapshots of portfolios; older ones are in the archive.",
            "adapters.postgres.retention",
        ),
    ] = 1827
    minute_quotes_retention_days: Annotated[
        int,
        Meta(ge=1, le=36_500),
        Doc("Days that the database keeps the quotes of every minute.", "bootstrap"),
    ] = 90
    archive_directory: Annotated[
        str | None,
        Doc(
            "Directory of the files with rows that have left the database; `archive` in the home where "
            "absent.",
            "adapters.archive_files",
        ),
    ] = None
    pricing_backend: Annotated[
        Literal["auto", "numpy", "numba"],
        Doc(
            "Pricing back end of the numeric worker; `auto` is numba where it is installed.",
            "bootstrap.kernels",
        ),
    ] = "auto"
    pricing_model: Annotated[
        Literal["black76", "bsm", "exchange"],
        Doc(
            "Pricing model of volatilities and Greeks: on the implied forward, on the spot, or on the "
            "spot by the convention of the exchange's website.",
            "services.pricing.greeks",
        ),
    ] = "black76"
    cache_ttl_portfolio: Annotated[
        int,
        Meta(ge=1, le=86_400),
        Doc(
            "TTL of a portfolio in seconds; one with a listener is renewed twice in that time.",
            "beat_schedule",
        ),
    ] = 10
    redis_pool_size: Annotated[
        int, Meta(ge=1, le=10_000), Doc("Connections of one process to the cache.", "bootstrap")
    ] = 100
    warm_cache_on_startup: Annotated[
        bool,
        Doc(
            "Load the universe before the first request or task, and dispatch missing Greeks.",
            "bootstrap",
        ),
    ] = True
    db_pool_size: Annotated[
        int, Meta(ge=1, le=1000), Doc("Connections that an API process keeps open.", "bootstrap")
    ] = 30
    db_max_pool_size: Annotated[
        int, Meta(ge=1, le=2000), Doc("The most connections of an API process.", "bootstrap")
    ] = 60
    db_query_timeout_seconds: Annotated[
        float,
        Meta(gt=0, le=3600),
        Doc("The server cancels a statement that runs longer.", "adapters.postgres.engine"),
    ] = 30
    api_response_timeout: Annotated[
        float,
        Meta(gt=0, le=3600),
        Doc(
            "Seconds after which a submission without a known outcome is answered with 503.",
            "entrypoints.api.group_commit",
        ),
    ] = 30
    api_header_timeout: Annotated[
        float,
        Meta(gt=0, le=60),
        Doc(
            "Seconds in which the headers of a request arrive, else it is answered with 408.",
            "entrypoints.api.bounded_http",
        ),
    ] = 10
    api_body_timeout: Annotated[
        float,
        Meta(gt=0, le=3600),
        Doc(
            "Seconds in which the body of a request arrives, else it is answered with 408.",
            "entrypoints.api.bounded_http",
        ),
    ] = 30
    api_max_connections: Annotated[
        int,
        Meta(ge=1, le=100_000),
        Doc(
            "Connections of one API process; more are answered with 503. Fewer where the process may "
            "open fewer files.",
            "entrypoints.api.connections",
        ),
    ] = 2000
    api_max_connections_per_address: Annotated[
        int,
        Meta(ge=1, le=100_000),
        Doc(
            "Connections of one client address; more are answered with 503. Behind a proxy, which is "
            "one address, as many as `API_MAX_CONNECTIONS`.",
            "entrypoints.api.connections",
        ),
    ] = 500
    api_lock_timeout_ms: Annotated[
        int,
        Meta(ge=50, le=10_000),
        Doc(
            "Longest wait of a statement of the API for a lock; then the request is answered with 503.",
            "bootstrap",
        ),
    ] = 2000
    bad_keys_per_second: Annotated[
        float,
        Meta(gt=0, le=10_000),
        Doc(
            "Bad API keys a second of one address, and of one prefix of a key; more are answered with "
            "429. Those of five seconds may come at once.",
            "services.accounts.bad_keys",
        ),
    ] = 10
    api_retry_attempts: Annotated[
        int,
        Meta(ge=0, le=10),
        Doc("Retries of a call that is safe to repeat.", "waiting for: the live broker"),
    ] = 2
    rate_limit_enabled: Annotated[
        bool, Doc("Hold the limits on orders a second.", "services.intake.admission")
    ] = True
    gzip_enabled: Annotated[
        bool, Doc("Compress large answers to reads where the caller accepts it.", "entrypoints.api")
    ] = True
    metrics_enabled: Annotated[
        bool, Doc("Record metrics; off costs nothing.", "adapters.metrics")
    ] = True
    prometheus_enabled: Annotated[
        bool, Doc("Serve the recorded metrics.", "entrypoints.metrics")
    ] = True
    slow_query_threshold_ms: Annotated[
        int,
        Meta(ge=0, le=3_600_000),
        Doc("A statement that takes longer is logged.", "adapters.postgres.engine"),
    ] = 200
    traces_url: Annotated[
        str | None,
        Doc(
            "Address of a collector of OpenTelemetry for OTLP over HTTP, `/v1/traces` where it has no path. "
            "Needs the extra `tracing`.",
            "adapters.tracing",
            secret=True,
        ),
    ] = None
    traces_file: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Doc(
            "File to which spans are appended, one JSON object a line; a relative path begins at HOME. Needs "
            "the extra `tracing`.",
            "adapters.tracing",
        ),
    ] = None
    traces_ratio: Annotated[
        float,
        Meta(ge=0, le=1),
        Doc(
            "Part of the traces that begin here which is recorded; a caller decides for those that it "
            "continues.",
            "adapters.tracing",
        ),
    ] = 1
    memory_alert_threshold_mb: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        Doc(
            "A process above it collects garbage and raises the alert.",
            "services.operations.memory",
        ),
    ] = 500
    memory_hard_limit_mb: Annotated[
        int,
        Meta(ge=1, le=1_000_000),
        Doc("A worker process above it is replaced after its task.", "config.celery_options"),
    ] = 700

    paper_slippage_ticks: Annotated[
        int,
        Meta(ge=0, le=100),
        Doc("The most ticks of slippage of a fill by the paper exchange.", "bootstrap"),
    ] = 0
    market_hours: Annotated[
        Literal["exchange", "always"],
        Doc(
            "When orders trade: in the sessions of the exchange's calendar, or always. A simulated "
            "market always trades.",
            "bootstrap",
        ),
    ] = "exchange"
    market_tables: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Doc(
            "Directory of tables that replace those of `config/market` of the same file name. "
            "They are read at the start and at the beginning of every day in India.",
            "bootstrap",
        ),
    ] = None
    paper_latency_ms: Annotated[
        int,
        Meta(ge=0, le=5000),
        Doc("The least latency of an order to the paper exchange.", "bootstrap"),
    ] = 0
    paper_latency_jitter_ms: Annotated[
        int,
        Meta(ge=0, le=5000),
        Doc("The most random latency added to that.", "bootstrap"),
    ] = 0
    paper_seed: Annotated[
        int,
        Meta(ge=0, le=2**63 - 1),
        Doc("Random seed of the paper exchange.", "bootstrap"),
    ] = 0
    claim_limit: Annotated[
        int,
        Meta(ge=1, le=5000),
        Doc("The most orders of one claim.", "services.trading.execution"),
    ] = 200
    relay_interval_ms: Annotated[
        int,
        Meta(ge=10, le=60_000),
        Doc("Pause between two sweeps of the relay.", "entrypoints.relay"),
    ] = 500
    ring_after_ms: Annotated[
        int,
        Meta(ge=10, le=600_000),
        Doc("Age at which an unclaimed order is rung for again.", "services.trading.relay"),
    ] = 2000
    max_rings: Annotated[
        int,
        Meta(ge=1, le=1000),
        Doc("Rings after which an order is denied as PROCESSING_FAILED.", "services.trading.relay"),
    ] = 20
    canary_interval_seconds: Annotated[
        float,
        Meta(ge=0.1, le=3600),
        Doc("Seconds between two canaries of a queue.", "services.operations.canaries"),
    ] = 10
    bulk_niceness: Annotated[
        int,
        Meta(ge=0, le=19),
        Doc(
            "Niceness of every worker except the emergency worker, and of its sessions with a "
            "PostgreSQL on the same machine.",
            "entrypoints.cli, adapters.postgres",
        ),
    ] = 10
    settlement_wait_seconds: Annotated[
        float,
        Meta(ge=0, le=86_400),
        Doc(
            "Market time after an expiry in which only a price of the exchange settles positions; "
            "afterwards the closing value of the feed or the entry of an operator does too.",
            "services.trading.settlement",
        ),
    ] = 0
    order_lease_seconds: Annotated[
        float,
        Meta(ge=0.1, le=3600),
        Doc(
            "Lease of orders by a process. When it has expired the transaction is ended, and "
            "orders on their way to the venue are placed again.",
            "adapters.postgres",
        ),
    ] = 15
    deaf_after_seconds: Annotated[
        int,
        Meta(ge=1, le=3600),
        Doc(
            "Seconds after which a worker that asks for no messages counts as deaf; `angel-x up` then "
            "replaces it, unless the message broker or the database is away. Longer than the 20 s of a "
            "task.",
            "entrypoints.up, deploy",
        ),
    ] = 25
    queue_age_alert_seconds: Annotated[
        float,
        Meta(gt=0, le=86_400),
        Doc(
            "A queue whose oldest order waits longer raises an alert.", "services.operations.queues"
        ),
    ] = 10

    trading_mode: Annotated[
        Literal["paper", "live"],
        Doc(
            "Orders trade on paper, or at Angel One with money. `live` needs the credentials of "
            "Angel One, LIVE_USERS, and `angel-x live confirm` every day.",
            "bootstrap.venues",
        ),
    ] = "paper"
    live_users: Annotated[
        str,
        Meta(pattern=r"^[!-~]{0,4096}$"),
        Doc(
            "Names of the accounts that trade live, with commas between them. Where TRADING_MODE is "
            "`live`, orders of all others are denied.",
            "bootstrap.live",
        ),
    ] = ""
    shadow: Annotated[
        bool,
        Doc(
            "Decide a paper twin of every live order beside it, for `angel-x shadow`. Needs TRADING_MODE "
            "`live`; orders are sent and answered as without it.",
            "bootstrap.shadow",
        ),
    ] = False
    alerts_key: Annotated[
        str | None,
        Doc(
            "Key of `angel-x alerts key` that encrypts the addresses of alert targets, behind commas "
            "former ones that still open theirs. Without one there are no alerts.",
            "adapters.sealing, entrypoints.up, beat_schedule",
            secret=True,
        ),
    ] = None
    alerts_per_minute: Annotated[
        float,
        Meta(gt=0, le=60),
        Doc(
            "Notifications a minute to one target; notices in between travel together in the next one.",
            "bootstrap.alerts",
        ),
    ] = 6
    alerts_repeat_seconds: Annotated[
        int,
        Meta(ge=0, le=86_400),
        Doc(
            "Seconds in which a target is not told of the same subject again.",
            "services.operations.alert_collector",
        ),
    ] = 900
    alerts_attempts: Annotated[
        int,
        Meta(ge=1, le=100),
        Doc(
            "Attempts to send a notice, the second after 10 seconds, then at pauses that double to a "
            "quarter of an hour; then it is dead.",
            "adapters.postgres.alert_outbox",
        ),
    ] = 10
    telegram_token: Annotated[
        str | None,
        Doc(
            "Token of the bot that takes commands by Telegram, for `angel-x telegram`; needs ALERTS_KEY. "
            "Without one there are no commands.",
            "bootstrap.telegram, entrypoints.up",
            secret=True,
        ),
    ] = None
    telegram_url: Annotated[
        str,
        Meta(min_length=1),
        Doc(
            "Address of the Bot API; https, unless it is on this machine.",
            "bootstrap.telegram",
        ),
    ] = "https://api.telegram.org"
    angel_one_url: Annotated[
        str,
        Meta(min_length=1),
        Doc(
            "Address of Angel One's API; https, unless it is a fake exchange on this machine.",
            "bootstrap.broker",
        ),
    ] = "https://apiconnect.angelone.in"
    angel_one_stream_url: Annotated[
        str,
        Meta(min_length=1),
        Doc(
            "Address of Angel One's market data socket; wss, unless it is a fake exchange on this machine.",
            "bootstrap.broker",
        ),
    ] = "wss://smartapisocket.angelone.in/smart-stream"
    angel_one_updates_url: Annotated[
        str,
        Meta(min_length=1),
        Doc(
            "Address of Angel One's order updates; wss, unless it is a fake exchange on this machine.",
            "bootstrap.broker",
        ),
    ] = "wss://tns.angelone.in/smart-order-update"
    angel_one_client_code: Annotated[
        str | None, Doc("Client code at Angel One.", "bootstrap.broker")
    ] = None
    angel_one_api_key: Annotated[
        str | None, Doc("API key of the client at Angel One.", "bootstrap.broker", secret=True)
    ] = None
    angel_one_pin: Annotated[
        str | None, Doc("PIN of the client at Angel One.", "bootstrap.broker", secret=True)
    ] = None
    angel_one_totp_secret: Annotated[
        str | None,
        Doc(
            "Shared secret of the client's one-time passwords (TOTP), in base 32.",
            "bootstrap.broker",
            secret=True,
        ),
    ] = None
    angel_one_timeout_seconds: Annotated[
        float,
        Meta(ge=0.1, le=60),
        Doc("Longest wait for an answer of Angel One.", "adapters.angel_one.wire"),
    ] = 5
    angel_one_source_address: Annotated[
        str | None,
        Doc(
            "Address of this machine from which requests to Angel One leave; any where absent.",
            "adapters.angel_one.wire",
        ),
    ] = None
    angel_one_public_address: Annotated[
        str | None,
        Doc(
            "Static address that is registered at Angel One, for its request headers; the source "
            "address where absent.",
            "adapters.angel_one.wire",
        ),
    ] = None
    angel_one_funds_tolerance: Annotated[
        float,
        Meta(ge=0, le=1e9),
        Doc(
            "Rupees by which the cash at Angel One may differ from that of the accounts here.",
            "services.trading.reconciliation",
        ),
    ] = 1
    angel_one_algo_id: Annotated[
        str | None,
        Doc(
            "Id of the algo that is registered at Angel One. Without one, the limit of orders a second "
            "of unregistered algos applies.",
            "entrypoints.doctor.live",
        ),
    ] = None
    angel_one_processes: Annotated[
        int,
        Meta(ge=1, le=10_000),
        Doc(
            "Processes of all machines that send requests to Angel One: while the message broker is "
            "away, each of them keeps to this part of the rate limits.",
            "bootstrap.broker",
        ),
    ] = 20
    angel_one_mac_address: Annotated[
        str,
        Meta(pattern=r"^([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}$"),
        Doc(
            "MAC address of this machine for the request headers of Angel One.",
            "adapters.angel_one.wire",
        ),
    ] = "00:00:00:00:00:00"

    fault_at: Annotated[
        Annotated[str, Meta(pattern=r"^[a-z_]+\.[a-z_]+(:[1-9][0-9]*)?$")] | None,
        Doc(
            "Step of `angel_x.domain.orders.step` at which a process dies, `step:n` for its n-th passing, "
            "once in a home. For tests: refused outside the environment `testing`.",
            "adapters.fault_points",
        ),
    ] = None
    fault_action: Annotated[
        Literal["kill", "stop"],
        Doc("Signal at this step: SIGKILL, or SIGSTOP.", "adapters.fault_points"),
    ] = "kill"

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{s.name}={s.shown(self)}' for s in SETTINGS)})"

    def needed(self, name: str) -> str:
        """Return a required address.

        Raises:
            SettingsError: The setting has no value.
        """
        value = getattr(self, name)
        if value is None:
            raise SettingsError(
                f"{PREFIX}{name.upper()} is needed: set it, or run `angel-x up` in {self.home}"
            )
        return str(value)

    @property
    def secrets(self) -> tuple[str, ...]:
        """All passwords, including those within addresses; logs mask them."""
        values = (getattr(self, s.name) for s in SETTINGS if s.doc.secret)
        return tuple(secret for value in values if value for secret in passwords(str(value)))

    @property
    def is_live(self) -> bool:
        """Return whether orders trade at the exchange, with money."""
        return self.trading_mode == "live"

    @property
    def live_accounts(self) -> tuple[str, ...]:
        """The names in LIVE_USERS, sorted."""
        return tuple(sorted({name for name in self.live_users.split(",") if name}))

    @property
    def pools_transactions(self) -> bool:
        """Return whether a pooler may give each transaction another session of the database."""
        return self.database_pooling == "transaction"

    @property
    def portfolio_pace_seconds(self) -> float:
        """Seconds between refreshes of portfolios: two in their TTL."""
        return self.cache_ttl_portfolio / 2

    @property
    def greeks_pace_seconds(self) -> float:
        """Seconds between refreshes of Greeks, at most half of their TTL so that they do not expire."""
        return min(self.greeks_refresh_seconds, self.cache_ttl_greeks / 2)

    @property
    def traces_enabled(self) -> bool:
        """Return whether spans have a destination."""
        return self.traces_url is not None or self.traces_file is not None

    @property
    def archive_path(self) -> Path:
        return (
            Path(self.archive_directory) if self.archive_directory else self.home_path / "archive"
        )

    @property
    def home_path(self) -> Path:
        return Path(self.home)


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of :class:`Settings` with its documentation."""

    name: str
    type: Any
    doc: Doc

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()

    def shown(self, settings: Settings) -> str:
        """Return the value as text; a secret is masked."""
        value = getattr(settings, self.name)
        return "***" if self.doc.secret and value is not None else repr(value)


def _settings() -> tuple[Setting, ...]:
    hints = get_type_hints(Settings, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(Settings):
        (doc,) = (extra for extra in get_args(hints[field.name]) if isinstance(extra, Doc))
        rows.append(Setting(field.name, hints[field.name], doc))
    return tuple(rows)


SETTINGS = _settings()
