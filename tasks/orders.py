"""The tasks of the order queues.  Each may run twice, or never, without harm."""

from __future__ import annotations

from time import sleep
from typing import Annotated, Any

import structlog
from celery.exceptions import Reject
from msgspec import Meta

from angel_x.adapters.celery_message import STANDS_FOR_LANE
from angel_x.adapters.redis.lane_queues import lane_of
from angel_x.bootstrap import TRANSIENT
from config.task_names import TaskName
from tasks import runtime
from tasks.app import app
from tasks.replying import ReplyingTask

log = structlog.get_logger()


#: An id as the database can hold it.
RowId = Annotated[int, Meta(ge=1, le=2**63 - 1)]
#: Order ids, at most as many as ORDER_BATCH_SIZE may be.
Doorbell = Annotated[list[RowId], Meta(max_length=1000)]

#: Seconds that a submission waits before it goes back to its queue while a server is away.
_PAUSE = 1.0


# Killed at its time limit it goes back as well: PostgreSQL was slow, and only the message has the order.
@app.task(name=TaskName.SUBMIT_ORDERS, base=ReplyingTask, acks_on_timeout=False)
def submit(request: dict[str, Any], user: str | None = None, signature: str | None = None) -> None:
    """Accept orders of a Celery client: the same JSON as over HTTP, and the same reply if asked.

    Here the message is all there is of the order, so while a server is away it goes back.
    """
    messaging, message = runtime.current().intake.messaging, submit.request
    try:
        if message.delivery_info.get("redelivered"):
            outcome = messaging.resubmit(message.id, request, user, signature)
        else:
            outcome = messaging.submit(message.id, request, user, signature)
    except TRANSIENT as error:
        log.warning("submission.postponed", error=str(error))
        sleep(_PAUSE)
        raise Reject(str(error), requeue=True) from error
    submit.reply(outcome)


@app.task(name=TaskName.PROCESS_ORDER_BATCH)
def process_batch(order_ids: Doorbell, exactly: bool = False) -> None:  # noqa: FBT001, FBT002 - sent by position
    """Decide a batch of stored orders and trade those that pass."""
    trading, message = runtime.current().trading, process_batch.request
    if exactly:
        trading.execution.run_exactly(order_ids)
        return
    queue = (message.delivery_info or {}).get("routing_key", "")
    stands_for_lane = message.get(STANDS_FOR_LANE) is True
    trading.doorbells.answer(order_ids, lane_of(queue), stands_for_lane=stands_for_lane)


@app.task(name=TaskName.MATCH_ORDERS)
def match() -> None:
    """Trade resting orders that the market has come to, and move the paper twins of live ones."""
    process = runtime.current()
    process.orders.follow_twins()
    process.trading.matching.run()


@app.task(name=TaskName.ADVANCE_WORKFLOW)
def advance(workflow_id: RowId) -> None:
    """Take the next step of a basket or a square-off."""
    runtime.current().workflows.advance.run(workflow_id)


@app.task(name=TaskName.CANCEL_ALL)
def cancel_all() -> None:
    """Cancel everything that the trading controls do not let stand."""
    runtime.current().controls.enforcement.run()


@app.task(name=TaskName.CLOSE_INTRADAY)
def close_intraday() -> None:
    """Square off intraday positions once the cut-off has come."""
    runtime.current().workflows.intraday_close.run()


@app.task(name=TaskName.CLOSE_DELIVERIES)
def close_deliveries() -> None:
    """Square off options on stocks whose delivery period has begun."""
    runtime.current().workflows.delivery_close.run()


@app.task(name=TaskName.EXPIRE_ORDERS)
def expire() -> None:
    """End orders whose session has closed."""
    runtime.current().trading.expiry.run()
