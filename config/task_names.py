"""The names of the tasks: the wire contract between everything that sends and everything that runs.

A name stays for one release after its task is gone, so that an older sender finds a listener.
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
    REFRESH_GREEKS = "greeks.refresh"
    COMPUTE_GREEKS_CHUNK = "greeks.compute_chunk"
    SNAPSHOT_GREEKS = "greeks.snapshot"
    UPDATE_PORTFOLIOS = "portfolio.update"
    REFRESH_PORTFOLIOS = "portfolio.refresh"
    SNAPSHOT_PORTFOLIOS = "portfolio.snapshot"
    CHECK_MEMORY = "monitor.check_memory"
    CHECK_QUEUES = "monitor.check_queues"
    MAINTAIN_PARTITIONS = "monitor.maintain_partitions"
    CANARY = "monitor.canary"


#: The queue of each task.  Order batches go to the queue of their priority instead, and a workflow
#: that gets somebody out of the market goes to the emergency queue.
ROUTES: dict[TaskName, QueueName] = {
    TaskName.SUBMIT_ORDERS: QueueName.INTAKE,
    TaskName.PROCESS_ORDER_BATCH: QueueName.NORMAL,
    TaskName.MATCH_ORDERS: QueueName.HIGH,
    TaskName.EXPIRE_ORDERS: QueueName.HIGH,
    TaskName.ADVANCE_WORKFLOW: QueueName.HIGH,
    TaskName.CANCEL_ALL: QueueName.EMERGENCY,
    TaskName.CLOSE_INTRADAY: QueueName.EMERGENCY,
    TaskName.REFRESH_GREEKS: QueueName.GREEKS,
    TaskName.COMPUTE_GREEKS_CHUNK: QueueName.GREEKS,
    # It takes seconds of waiting for the database, in which chunks would expire behind it.
    TaskName.SNAPSHOT_GREEKS: QueueName.PORTFOLIO,
    TaskName.UPDATE_PORTFOLIOS: QueueName.PORTFOLIO,
    TaskName.REFRESH_PORTFOLIOS: QueueName.PORTFOLIO,
    TaskName.SNAPSHOT_PORTFOLIOS: QueueName.PORTFOLIO,
    TaskName.CHECK_MEMORY: QueueName.MONITOR,
    TaskName.CHECK_QUEUES: QueueName.MONITOR,
    TaskName.MAINTAIN_PARTITIONS: QueueName.MONITOR,
    # Whoever sends one says which queue.
    TaskName.CANARY: QueueName.MONITOR,
}
