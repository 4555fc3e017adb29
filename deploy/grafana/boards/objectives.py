"""The dashboard of service-level objectives: the targets, and how fast their budgets are used."""

from __future__ import annotations

from angel_x.domain.operations.metric import Metric
from deploy.grafana.board import Board, Chart, Row, Series, Unit
from deploy.grafana.promql import least, most, quantile, within

_LATENCY = Metric.ORDER_LATENCY_SECONDS
#: Of orders that may take more than a second.
_BUDGET = 0.01


def _burn(window: str) -> str:
    """Return how many times faster than allowed the budget of slow orders is used."""
    return f"(1 - {within(1.0, _LATENCY, window)}) / {_BUDGET}"


OBJECTIVES = Board(
    "objectives",
    "Angel-X: service-level objectives",
    "Orders within 10 ms and 1 s, statements within 50 ms, answers within 200 ms, processes below 500 MB.",
    (
        Row(
            "Orders",
            (
                Chart(
                    title="Within 10 ms",
                    text="Part of the orders that were decided within the target.",
                    unit=Unit.PART,
                    series=(Series(within(0.01, _LATENCY), "within 10 ms"),),
                ),
                Chart(
                    title="Within a second",
                    text="The objective is 99 %.",
                    unit=Unit.PART,
                    series=(Series(within(1.0, _LATENCY), "within 1 s"),),
                    limit=1 - _BUDGET,
                    is_floor=True,
                ),
                Chart(
                    title="Burn rate of the budget of slow orders",
                    text="1 uses the budget up exactly; 14.4 over an hour uses a month's in two days.",
                    unit=Unit.COUNT,
                    series=(Series(_burn("5m"), "5 minutes"), Series(_burn("1h"), "1 hour")),
                    limit=14.4,
                ),
            ),
        ),
        Row(
            "Queries, API and memory",
            (
                Chart(
                    title="Statements within 50 ms",
                    text="Part of all statements.",
                    unit=Unit.PART,
                    series=(Series(within(0.05, Metric.DB_QUERY_SECONDS), "within 50 ms"),),
                    limit=0.99,
                    is_floor=True,
                ),
                Chart(
                    title="Answers of the API, p99",
                    text="The target is 200 ms.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.99, Metric.HTTP_REQUEST_SECONDS, "route"), "{{route}}"),
                    ),
                    limit=0.2,
                ),
                Chart(
                    title="Largest process",
                    text="The target is 500 MB.",
                    unit=Unit.BYTES,
                    series=(Series(most(Metric.WORKER_RESIDENT_BYTES), "largest"),),
                    limit=500 * 1024 * 1024,
                ),
            ),
        ),
        Row(
            "Whether it is there",
            (
                Chart(
                    title="Pages of metrics",
                    text="1 if Prometheus reads the page: MetricsDown.",
                    unit=Unit.COUNT,
                    series=(Series('min by (job) (up{job=~"angel-x.*"})', "{{job}}"),),
                    is_number=True,
                    limit=1,
                    is_floor=True,
                ),
                Chart(
                    title="Servers",
                    text="1 if every server is reached.",
                    unit=Unit.COUNT,
                    series=(Series(least(Metric.SERVER_UP), "servers"),),
                    is_number=True,
                    limit=1,
                    is_floor=True,
                ),
                Chart(
                    title="Critical alerts",
                    text="Alerts that fire now.",
                    unit=Unit.COUNT,
                    series=(
                        Series(
                            'count(ALERTS{alertstate="firing", severity="critical"}) or vector(0)',
                            "critical",
                        ),
                    ),
                    is_number=True,
                    limit=1,
                ),
            ),
        ),
    ),
)
