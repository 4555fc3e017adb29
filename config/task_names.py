"""The names of the tasks: the wire contract between senders and workers.

A name stays for one release after its task is removed, so that messages of older senders are taken.
"""

from __future__ import annotations

from enum import StrEnum

from config.queues import QueueName


class TaskName(StrEnum):
    SUBMIT_ORDERS = "orders.submit"
    PROCESS_ORDER_BATCH = "orders.process_batch"
    MATCH_ORDERS = "orders.match"
    EXPIRE_ORDERS = "orders.expire"
    ADVANCE_WORKFLOW = "orders.advance"
    CANCEL_ALL = "orders.cancel_all"
    CLOSE_INTRADAY = "orders.close_intraday"
    CLOSE_DELIVERIES = "orders.close_deliveries"
    REFRESH_GREEKS = "greeks.refresh"
    COMPUTE_GREEKS_CHUNK = "greeks.compute_chunk"
    SNAPSHOT_GREEKS = "greeks.snapshot"
    SETTLE_EXPIRIES = "portfolio.settle"
    MARK_MARGIN = "margin.mark"
    UPDATE_PORTFOLIOS = "portfolio.update"
    REFRESH_PORTFOLIOS = "portfolio.refresh"
    SNAPSHOT_PORTFOLIOS = "portfolio.snapshot"
    CHECK_MEMORY = "monitor.check_memory"
    CHECK_QUEUES = "monitor.check_queues"
    MAINTAIN_PARTITIONS = "monitor.maintain_partitions"
    ENFORCE_RETENTION = "monitor.enforce_retention"
    WRITE_REVIEWS = "monitor.write_reviews"
    PROVE_INVARIANTS = "monitor.prove_invariants"
    RECONCILE_BROKER = "monitor.reconcile_broker"
    SAMPLE_MINUTE = "monitor.sample_minute"
    CANARY = "monitor.canary"
    COLLECT_ALERTS = "alerts.collect"
    SEND_ALERTS = "alerts.send"


#: The queue of each task.  Order batches go to the queue of their priority instead, and a workflow
#: that closes positions goes to the emergency queue.
ROUTES: dict[TaskName, QueueName] = {
    TaskName.SUBMIT_ORDERS: QueueName.INTAKE,
    TaskName.PROCESS_ORDER_BATCH: QueueName.NORMAL,
    TaskName.MATCH_ORDERS: QueueName.MATCHING,
    TaskName.EXPIRE_ORDERS: QueueName.HIGH,
    TaskName.ADVANCE_WORKFLOW: QueueName.HIGH,
    TaskName.CANCEL_ALL: QueueName.EMERGENCY,
    TaskName.CLOSE_INTRADAY: QueueName.EMERGENCY,
    TaskName.CLOSE_DELIVERIES: QueueName.EMERGENCY,
    TaskName.REFRESH_GREEKS: QueueName.GREEKS,
    TaskName.COMPUTE_GREEKS_CHUNK: QueueName.GREEKS,
    # It waits for the database for seconds, in which chunks behind it would expire.
    TaskName.SNAPSHOT_GREEKS: QueueName.PORTFOLIO,
    TaskName.SETTLE_EXPIRIES: QueueName.PORTFOLIO,
    TaskName.MARK_MARGIN: QueueName.MARGIN,
    TaskName.UPDATE_PORTFOLIOS: QueueName.PORTFOLIO,
    TaskName.REFRESH_PORTFOLIOS: QueueName.PORTFOLIO,
    TaskName.SNAPSHOT_PORTFOLIOS: QueueName.PORTFOLIO,
    TaskName.CHECK_MEMORY: QueueName.MONITOR,
    TaskName.CHECK_QUEUES: QueueName.MONITOR,
    TaskName.MAINTAIN_PARTITIONS: QueueName.MONITOR,
    TaskName.ENFORCE_RETENTION: QueueName.MONITOR,
    TaskName.WRITE_REVIEWS: QueueName.MONITOR,
    TaskName.PROVE_INVARIANTS: QueueName.MONITOR,
    TaskName.RECONCILE_BROKER: QueueName.MONITOR,
    TaskName.SAMPLE_MINUTE: QueueName.MONITOR,
    # The sender of a canary names the queue.
    TaskName.CANARY: QueueName.MONITOR,
    TaskName.COLLECT_ALERTS: QueueName.ALERTS,
    TaskName.SEND_ALERTS: QueueName.ALERTS,
}
