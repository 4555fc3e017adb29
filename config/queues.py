"""The queues that workers consume, by the names that dashboards and operators rely on."""

from __future__ import annotations

from enum import StrEnum


class QueueName(StrEnum):
    """One Redis list each; priority is a queue of its own, never a Redis priority step."""

    EMERGENCY = "orders.emergency"
    HIGH = "orders.high"
    NORMAL = "orders.normal"
    LOW = "orders.low"
    #: The default queue of Celery clients that know only the address of the message broker.
    INTAKE = "celery"
    MATCHING = "orders.matching"
    GREEKS = "greeks"
    MARGIN = "margin"
    PORTFOLIO = "portfolio"
    MONITOR = "monitor"
    ALERTS = "alerts"


#: The queues of each class of worker, in strict order of priority.
WORKER_QUEUES: dict[str, tuple[QueueName, ...]] = {
    "emergency": (QueueName.EMERGENCY,),
    "orders": (
        QueueName.EMERGENCY,
        QueueName.INTAKE,
        QueueName.HIGH,
        QueueName.NORMAL,
        QueueName.LOW,
    ),
    "matching": (QueueName.MATCHING,),
    "greeks": (QueueName.GREEKS,),
    "portfolio": (QueueName.MARGIN, QueueName.PORTFOLIO),
    "monitor": (QueueName.MONITOR,),
    "alerts": (QueueName.ALERTS,),
}
