"""What each metric is: its kind, its labels, its buckets and the sentence that Prometheus shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from angel_x.domain.operations.metric import Metric


class Kind(Enum):
    COUNTER = auto()
    HISTOGRAM = auto()
    #: Set by whoever knows; the newest value of any process is the value.
    GAUGE = auto()
    #: Read by the exporter when it is asked, so that a dead process leaves no stale number.
    SCRAPED = auto()


@dataclass(frozen=True, slots=True)
class Definition:
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    #: Seconds, for histograms.
    buckets: tuple[float, ...] = ()


#: Down to a millisecond, because the target is ten; 10 ms to 1 s are the guide's own.
FINE = (0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
LONG = (*FINE, 5.0, 10.0, 30.0, 60.0)
QUERY = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


def _counter(text: str, *labels: str) -> Definition:
    return Definition(Kind.COUNTER, text, labels)


def _histogram(text: str, buckets: tuple[float, ...], *labels: str) -> Definition:
    return Definition(Kind.HISTOGRAM, text, labels, buckets)


def _gauge_of(text: str) -> Definition:
    return Definition(Kind.GAUGE, text)


def _scraped(text: str, *labels: str) -> Definition:
    return Definition(Kind.SCRAPED, text, labels)


DEFINITIONS: Mapping[Metric, Definition] = {
    Metric.ORDER_PROCESSING_SECONDS: _histogram("Time to decide one batch of orders.", FINE),
    Metric.ORDER_LATENCY_SECONDS: _histogram(
        "Time from the acceptance of an order until it is closed or works.", LONG, "priority"
    ),
    Metric.ACTIVE_ORDERS: _scraped("Orders that are not closed.", "status"),
    Metric.ORDERS_PROCESSED: _counter("Orders decided.", "status"),
    Metric.ORDERS_ACCEPTED: _counter("Orders stored.", "priority"),
    Metric.ORDERS_REFUSED: _counter("Orders that could not be accepted."),
    Metric.ORDER_RATE_FALLBACKS: _counter("Submissions whose rate one process counted alone."),
    Metric.IDEMPOTENT_REPLAYS: _counter("Orders handed in again under the same id."),
    Metric.ORDERS_SWEPT: _counter("Orders that the relay had to ring for."),
    Metric.OLDEST_DUE_ORDER_SECONDS: _scraped("How long the most overdue order is overdue."),
    Metric.EXPIRED_LEASES: _scraped("Orders sent to the venue by a process that fell silent."),
    Metric.STALE_ATTEMPTS: _counter("Answers of the venue that came after their lease had ended."),
    Metric.WORKFLOWS_DUE: _scraped("Workflows whose next step is overdue."),
    Metric.PARKED_ORDERS: _scraped("Orders that could not be decided and were not sent again."),
    Metric.DOORBELLS_LOST: _counter("Messages that could not be sent; the relay rings again."),
    Metric.MESSAGES_DROPPED: _counter("Messages that nobody could run.", "reason"),
    Metric.MESSAGES_EXPIRED: _counter("Messages that waited too long to be worth running.", "task"),
    Metric.QUEUE_DEPTH: _scraped("Messages that wait on a queue.", "queue"),
    Metric.QUEUE_OLDEST_SECONDS: _scraped("Age of the oldest undecided order of a queue.", "queue"),
    Metric.QUEUE_WAIT_SECONDS: _histogram("Time that a canary lay on its queue.", LONG, "queue"),
    Metric.CANARY_AGE_SECONDS: _scraped(
        "Time since a worker last took a canary off a queue; infinite if none ever did.", "queue"
    ),
    Metric.GREEKS_CONTRACTS: _counter("Contracts priced."),
    Metric.GREEKS_CHUNKS_SENT: _counter("Chunks that refreshes asked for."),
    Metric.GREEKS_REFRESH_SECONDS: _histogram(
        "Time to find what has moved and to ask for it.", FINE
    ),
    Metric.GREEKS_STAGE_SECONDS: _histogram("Time of each part of a chunk.", LONG, "stage"),
    Metric.GREEKS_AGE_SECONDS: _scraped(
        "Age of the oldest Greeks of a contract that trades; infinite if one has none."
    ),
    Metric.PORTFOLIO_UPDATE_SECONDS: _histogram("Time to value one set of accounts.", LONG),
    Metric.DB_QUERY_SECONDS: _histogram("Time of one statement.", QUERY),
    Metric.CACHE_REQUESTS: _counter("Reads of the cache.", "cache", "result"),
    Metric.WORKER_RESIDENT_BYTES: _scraped("Resident memory of a process.", "worker"),
    Metric.MEMORY_ALERTS: _counter("Times that a process was over its memory threshold."),
    Metric.BROKER_REQUESTS: _counter("Calls of the trading broker.", "call", "outcome"),
    Metric.HTTP_REQUEST_SECONDS: _histogram(
        "Time to answer a request.", LONG, "route", "method", "code"
    ),
    Metric.TRADING_STATE: _scraped(
        "Strictest trading state of a scope: 0 active, 1 reducing, 2 halted.", "scope"
    ),
    Metric.MARGIN_FALLBACKS: _counter(
        "Contracts margined by percentage because their risk array was absent or old, by look-up."
    ),
    Metric.MARKET_TICKS: _counter("Ticks taken from the feed."),
    Metric.FEED_GAPS: _counter("Times that a source of quotes left something out.", "kind"),
    Metric.FEED_STALE_CONTRACTS: _gauge_of(
        "Contracts at the money of the next expiry without a new quote for too long."
    ),
    Metric.FEED_LAG_SECONDS: _gauge_of("How late the feed took the last move of its source."),
    Metric.METRICS_FILES_UNREADABLE: _scraped(
        "Files of counts that are empty or damaged and left out of this page."
    ),
    Metric.FEED_TICKS_DROPPED: _counter("Rows that left the full tick buffer unwritten."),
}
