"""The dashboard of market data and Greeks."""

from __future__ import annotations

from angel_x.domain.operations.metric import Metric
from deploy.grafana.board import Board, Chart, Row, Series, Unit
from deploy.grafana.promql import increase, most, quantile, rate

MARKET = Board(
    "market",
    "Angel-X: market data and Greeks",
    "Quotes from their source to the cache, and the Greeks that are priced from them.",
    (
        Row(
            "Feed",
            (
                Chart(
                    title="Ticks",
                    text="Zero within a session: the feed or its source has stopped.",
                    unit=Unit.A_SECOND,
                    series=(
                        Series(rate(Metric.MARKET_TICKS), "taken"),
                        Series(rate(Metric.FEED_TICKS_DROPPED), "dropped from the full buffer"),
                    ),
                ),
                Chart(
                    title="Delay of the feed",
                    text="Above half a second: FeedLate.",
                    unit=Unit.SECONDS,
                    series=(Series(most(Metric.FEED_LAG_SECONDS), "lag"),),
                    limit=0.5,
                ),
                Chart(
                    title="Contracts without a new quote",
                    text="Near the money of the next expiry; above 20: FeedStale.",
                    unit=Unit.COUNT,
                    series=(Series(most(Metric.FEED_STALE_CONTRACTS), "stale"),),
                    limit=20,
                ),
                Chart(
                    title="Gaps",
                    text="Skipped sequence numbers and silences of the source.",
                    unit=Unit.COUNT,
                    series=(Series(increase(Metric.FEED_GAPS, "kind"), "{{kind}}"),),
                ),
            ),
        ),
        Row(
            "Greeks",
            (
                Chart(
                    title="Age of the oldest Greeks",
                    text="Above 20 s while quotes arrive: GreeksOld.",
                    unit=Unit.SECONDS,
                    series=(Series(most(Metric.GREEKS_AGE_SECONDS), "age"),),
                    limit=20,
                ),
                Chart(
                    title="Contracts priced",
                    text="Follows the contracts that move.",
                    unit=Unit.A_SECOND,
                    series=(Series(rate(Metric.GREEKS_CONTRACTS), "priced"),),
                ),
                Chart(
                    title="Chunks",
                    text="Chunks that expire mean too few Greeks workers: GreeksExpiring.",
                    unit=Unit.A_SECOND,
                    series=(
                        Series(rate(Metric.GREEKS_CHUNKS_SENT), "sent"),
                        Series(
                            rate(Metric.MESSAGES_EXPIRED, where='task="greeks.compute_chunk"'),
                            "expired",
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Time",
            (
                Chart(
                    title="Parts of a chunk, p99",
                    text="A long queue means too few workers, a long read or write a slow cache.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.99, Metric.GREEKS_STAGE_SECONDS, "stage"), "{{stage}}"),
                    ),
                ),
                Chart(
                    title="Time of a refresh",
                    text="To find the moved chains and to send their chunks.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.5, Metric.GREEKS_REFRESH_SECONDS), "median"),
                        Series(quantile(0.99, Metric.GREEKS_REFRESH_SECONDS), "p99"),
                    ),
                ),
            ),
        ),
    ),
)
