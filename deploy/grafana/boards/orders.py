"""The dashboard of orders: traffic, latency, lanes, and orders that wait."""

from __future__ import annotations

from angel_x.domain.operations.metric import Metric
from deploy.grafana.board import Board, Chart, Row, Series, Unit
from deploy.grafana.promql import most, quantile, rate, total, within

_LATENCY = Metric.ORDER_LATENCY_SECONDS

ORDERS = Board(
    "orders",
    "Angel-X: orders",
    "Orders from their acceptance until they are closed or rest in the market.",
    (
        Row(
            "Now",
            (
                Chart(
                    title="Accepted",
                    text="Orders stored in a second.",
                    unit=Unit.A_SECOND,
                    series=(Series(rate(Metric.ORDERS_ACCEPTED), "accepted"),),
                    is_number=True,
                ),
                Chart(
                    title="Decided within a second",
                    text="Part of the orders that were closed or rested within a second.",
                    unit=Unit.PART,
                    series=(Series(within(1.0, _LATENCY), "within 1 s"),),
                    is_number=True,
                    limit=0.99,
                    is_floor=True,
                ),
                Chart(
                    title="Most overdue order",
                    text="Above 30 s neither workers nor the relay take it: OrdersOverdue.",
                    unit=Unit.SECONDS,
                    series=(Series(most(Metric.OLDEST_DUE_ORDER_SECONDS), "overdue"),),
                    is_number=True,
                    limit=30,
                ),
                Chart(
                    title="Parked orders",
                    text="Orders that could not be decided: angel-x orders parked.",
                    unit=Unit.COUNT,
                    series=(Series(most(Metric.PARKED_ORDERS), "parked"),),
                    is_number=True,
                    limit=1,
                ),
            ),
        ),
        Row(
            "Traffic",
            (
                Chart(
                    title="Accepted by priority",
                    text="Orders stored in a second.",
                    unit=Unit.A_SECOND,
                    series=(Series(rate(Metric.ORDERS_ACCEPTED, "priority"), "{{priority}}"),),
                    is_stacked=True,
                ),
                Chart(
                    title="Moves by status",
                    text="Many denials: angel-x orders --status denied shows the reasons.",
                    unit=Unit.A_SECOND,
                    series=(Series(rate(Metric.ORDERS_PROCESSED, "status"), "{{status}}"),),
                ),
                Chart(
                    title="Open orders by status",
                    text="A steady growth means that the feed or the matching worker has stopped.",
                    unit=Unit.COUNT,
                    series=(Series(most(Metric.ACTIVE_ORDERS, "status"), "{{status}}"),),
                    is_stacked=True,
                ),
            ),
        ),
        Row(
            "Latency",
            (
                Chart(
                    title="Accepted until decided, p99",
                    text="By priority; the objective is 10 ms for the median.",
                    unit=Unit.SECONDS,
                    series=(Series(quantile(0.99, _LATENCY, "priority"), "{{priority}}"),),
                ),
                Chart(
                    title="Accepted until decided, median",
                    text="By priority.",
                    unit=Unit.SECONDS,
                    series=(Series(quantile(0.5, _LATENCY, "priority"), "{{priority}}"),),
                    limit=0.01,
                ),
                Chart(
                    title="Time of a batch",
                    text="Claim, decision and commit of one batch.",
                    unit=Unit.SECONDS,
                    series=(
                        Series(quantile(0.5, Metric.ORDER_PROCESSING_SECONDS), "median"),
                        Series(quantile(0.99, Metric.ORDER_PROCESSING_SECONDS), "p99"),
                    ),
                ),
            ),
        ),
        Row(
            "Lanes",
            (
                Chart(
                    title="Messages that wait",
                    text="A lane of orders holds few doorbells, however many orders wait.",
                    unit=Unit.COUNT,
                    series=(Series(most(Metric.QUEUE_DEPTH, "queue"), "{{queue}}"),),
                ),
                Chart(
                    title="Oldest undecided order",
                    text="Above 30 s, or 300 s in the lane low: OrdersStalled.",
                    unit=Unit.SECONDS,
                    series=(Series(most(Metric.QUEUE_OLDEST_SECONDS, "queue"), "{{queue}}"),),
                    limit=30,
                ),
                Chart(
                    title="Since a worker took a canary",
                    text="Above 60 s no worker takes anything off the queue: QueueNotHeardFrom.",
                    unit=Unit.SECONDS,
                    series=(Series(most(Metric.CANARY_AGE_SECONDS, "queue"), "{{queue}}"),),
                    limit=60,
                ),
            ),
        ),
        Row(
            "Repairs",
            (
                Chart(
                    title="Rung for again",
                    text="Near zero while messages arrive.",
                    unit=Unit.A_SECOND,
                    series=(
                        Series(rate(Metric.ORDERS_SWEPT), "by the relay"),
                        Series(rate(Metric.DOORBELLS_LOST), "doorbells lost"),
                    ),
                ),
                Chart(
                    title="Messages dropped",
                    text="Messages that could not be run; message.dropped in the logs shows them.",
                    unit=Unit.A_SECOND,
                    series=(Series(rate(Metric.MESSAGES_DROPPED, "reason"), "{{reason}}"),),
                ),
                Chart(
                    title="Waiting for a venue",
                    text="Orders whose lease has expired, and steps of workflows that are overdue.",
                    unit=Unit.COUNT,
                    series=(
                        Series(total(Metric.EXPIRED_LEASES), "expired leases"),
                        Series(total(Metric.WORKFLOWS_DUE), "workflows due"),
                    ),
                    limit=1,
                ),
            ),
        ),
    ),
)
