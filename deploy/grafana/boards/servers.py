"""The dashboard of PostgreSQL and Redis, as the system meets them."""

from __future__ import annotations

from angel_x.domain.operations.metric import Metric
from deploy.grafana.board import Board, Chart, Row, Series, Unit
from deploy.grafana.promql import increase, least, most, quantile, rate

_HITS = rate(Metric.CACHE_REQUESTS, "cache", where='result="hit"')

SERVERS = Board(
    "servers",
    "Angel-X: PostgreSQL and Redis",
    "Reachability, memory and disk of the servers, and the time of statements and reads.",
    (
        Row(
            "Reach and room",
            (
                Chart(
                    title="Reached",
                    text="1 if the metrics process reaches the server, else 0: ServerAway.",
                    unit=Unit.COUNT,
                    series=(Series(least(Metric.SERVER_UP, "server"), "{{server}}"),),
                    is_number=True,
                    limit=1,
                    is_floor=True,
                ),
                Chart(
                    title="Memory of Redis",
                    text="A full broker refuses messages: above 80 % BrokerNearlyFull.",
                    unit=Unit.PART,
                    series=(Series(most(Metric.REDIS_MEMORY_RATIO, "server"), "{{server}}"),),
                    limit=0.8,
                ),
                Chart(
                    title="Free disk",
                    text="Of ANGEL_X_HOME; below 10 %: DiskNearlyFull.",
                    unit=Unit.PART,
                    series=(Series(least(Metric.DISK_FREE_RATIO), "free"),),
                    limit=0.1,
                    is_floor=True,
                ),
                Chart(
                    title="Age of the newest backup",
                    text="Above 26 hours: BackupOld.",
                    unit=Unit.SECONDS,
                    series=(Series(least(Metric.BACKUP_AGE_SECONDS), "age"),),
                    is_number=True,
                    limit=93_600,
                ),
            ),
        ),
        Row(
            "PostgreSQL",
            (
                Chart(
                    title="Time of a statement",
                    text="The objective is 50 ms.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.5, Metric.DB_QUERY_SECONDS), "median"),
                        Series(quantile(0.99, Metric.DB_QUERY_SECONDS), "p99"),
                    ),
                    limit=0.05,
                ),
                Chart(
                    title="Statements",
                    text="Statements in a second, of all processes.",
                    unit=Unit.A_SECOND,
                    series=(
                        Series(
                            f"sum(rate({Metric.DB_QUERY_SECONDS}_count[$__rate_interval]))",
                            "statements",
                        ),
                    ),
                ),
                Chart(
                    title="Connections",
                    text="Of those that the server allows; above 90 %: PoolExhausted.",
                    unit=Unit.PART,
                    series=(Series(most(Metric.DB_CONNECTIONS_RATIO), "used"),),
                    limit=0.9,
                ),
                Chart(
                    title="Partitions that could not be exported",
                    text="They stay in the database: RetentionFailing.",
                    unit=Unit.COUNT,
                    series=(Series(increase(Metric.RETENTION_FAILURES, "table"), "{{table}}"),),
                ),
            ),
        ),
        Row(
            "Cache and streams",
            (
                Chart(
                    title="Reads that hit",
                    text="Misses of quotes or Greeks follow a feed that has stopped.",
                    unit=Unit.PART,
                    series=(
                        Series(f"{_HITS} / {rate(Metric.CACHE_REQUESTS, 'cache')}", "{{cache}}"),
                    ),
                ),
                Chart(
                    title="Submissions counted by one process",
                    text="The cache was away when the rate of an account was counted.",
                    unit=Unit.A_SECOND,
                    series=(Series(rate(Metric.ORDER_RATE_FALLBACKS), "fallbacks"),),
                ),
                Chart(
                    title="Event streams ended",
                    text="Listeners that were too slow, or events that were lost.",
                    unit=Unit.COUNT,
                    series=(Series(increase(Metric.STREAMS_DROPPED, "reason"), "{{reason}}"),),
                ),
            ),
        ),
    ),
)
