"""Puts messages on the queues of Celery, by task name, without ever holding up its caller.

A message is a doorbell.  What cannot be sent is counted and forgotten; the relay rings again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, cast

import structlog
from celery import Celery
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import KombuError, OperationalError
from redis.exceptions import RedisError

from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Priority
from config.queues import QueueName
from config.task_names import ROUTES, TaskName

if TYPE_CHECKING:
    from kombu.connection import Connection
    from kombu.messaging import Producer

log = structlog.get_logger()

#: The queue of each priority.
LANES: Mapping[Priority, QueueName] = {
    Priority.EMERGENCY: QueueName.EMERGENCY,
    Priority.HIGH: QueueName.HIGH,
    Priority.NORMAL: QueueName.NORMAL,
    Priority.LOW: QueueName.LOW,
}
#: What a task meets that has run for too long.
OutOfTime: type[Exception] = SoftTimeLimitExceeded
#: kombu retries a connection for ever unless its transport is told otherwise.
_ONE_ATTEMPT = {"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0}
#: All that a broken or full message broker is known to raise.
_UNSENT = (KombuError, OperationalError, RedisError, OSError)


class Counter(Protocol):
    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Message:
    task: TaskName
    queue: QueueName
    args: tuple[object, ...] = ()
    expires_seconds: float | None = None


class CeleryDispatcher:
    """One producer thread behind a bounded buffer.

    With ``synchronous`` a message is sent by the calling thread, and the answer is the outcome;
    otherwise the answer says that the message was handed over.
    """

    def __init__(
        self,
        options: Mapping[str, object],
        meter: Counter,
        *,
        capacity: int = 10_000,
        synchronous: bool = False,
    ) -> None:
        self._line = _Line(options)
        self._meter = meter
        self._synchronous = synchronous
        self._waiting: queue.Queue[Message | None] = queue.Queue(capacity)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        """Say that these orders wait to be decided; ``exactly`` these, or whatever waits there."""
        ids = [str(order_id) for order_id in order_ids]
        args: tuple[object, ...] = (ids, True) if exactly else (ids,)
        return self._send(Message(TaskName.PROCESS_ORDER_BATCH, LANES[priority], args))

    def match(self) -> bool:
        """Ask for a look at the resting orders."""
        return self._send(_routed(TaskName.MATCH_ORDERS, expires_seconds=5))

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        """Ask for the next step of a workflow."""
        queue_name = QueueName.EMERGENCY if emergency else ROUTES[TaskName.ADVANCE_WORKFLOW]
        return self._send(Message(TaskName.ADVANCE_WORKFLOW, queue_name, (workflow_id,)))

    def cancel_all(self) -> bool:
        """Ask for everything to be canceled that the controls do not let stand."""
        return self._send(_routed(TaskName.CANCEL_ALL, expires_seconds=30))

    def canary(self, queue: str, sent_at: datetime, *, expires_seconds: float) -> bool:
        """Put a canary on a queue."""
        args = (queue, sent_at.isoformat())
        return self._send(Message(TaskName.CANARY, QueueName(queue), args, expires_seconds))

    def update_portfolios(self, user_ids: Collection[int]) -> bool:
        """Ask for these accounts to be valued."""
        # A lost or late one is made up for by the next refresh, so a pile of them helps nobody.
        return self._send(_routed(TaskName.UPDATE_PORTFOLIOS, sorted(user_ids), expires_seconds=30))

    def compute_greeks(
        self,
        version: str,
        chunks: Sequence[tuple[int, int]],
        as_of: datetime,
        expires_seconds: float,
    ) -> int:
        """Ask for each chunk; return how many messages were taken."""
        instant = as_of.isoformat()
        return sum(
            self._send(
                _routed(
                    TaskName.COMPUTE_GREEKS_CHUNK,
                    version,
                    start,
                    stop,
                    instant,
                    expires_seconds=expires_seconds,
                )
            )
            for start, stop in chunks
        )

    def close(self, timeout_seconds: float = 2) -> None:
        """Send what waits, for a moment, and hang up; a later message dials again."""
        with self._starting:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._finish(thread, timeout_seconds)
        self._line.close(timeout_seconds)

    def _finish(self, thread: threading.Thread, timeout_seconds: float) -> None:
        try:
            self._waiting.put(None, timeout=timeout_seconds)
        except queue.Full:
            pass
        else:
            thread.join(timeout_seconds)
        if thread.is_alive():
            log.warning("doorbells.abandoned", messages=self._waiting.qsize())

    def _send(self, message: Message) -> bool:
        return self._publish(message) if self._synchronous else self._hand_over(message)

    def _hand_over(self, message: Message) -> bool:
        self._start()
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            self._lost(message, "the buffer is full")
            return False
        return True

    def _start(self) -> None:
        if self._thread is not None:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (message := self._waiting.get()) is not None:
            try:
                self._publish(message)
            except Exception as error:
                # The thread is the only one there is: what it did not expect must not end it.
                log.exception("doorbell.failed", task=message.task)
                self._lost(message, str(error))

    def _publish(self, message: Message) -> bool:
        try:
            self._line.publish(message)
        except _UNSENT as error:
            self._lost(message, str(error))
            return False
        return True

    def _lost(self, message: Message, reason: str) -> None:
        self._meter.add(Metric.DOORBELLS_LOST)
        log.warning("doorbell.lost", task=message.task, queue=message.queue, reason=reason)


class _Line:
    """One connection to the message broker, made when needed and again after a fault."""

    def __init__(self, options: Mapping[str, object]) -> None:
        transport = cast(Mapping[str, object], options["broker_transport_options"])
        self._app = Celery("angel-x-producer", set_as_current=False)
        self._app.conf.update(options)
        self._app.conf.broker_transport_options = {
            **transport,
            **_ONE_ATTEMPT,
            "connect_retries_timeout": 2,
        }
        self._speaking = threading.Lock()
        self._connection: Connection | None = None
        self._producer: Producer | None = None

    def publish(self, message: Message) -> None:
        with self._speaking:
            try:
                self._app.send_task(
                    message.task.value,
                    args=message.args,
                    # No exchange and no routing key: a named exchange whose bindings are gone
                    # would swallow the message and report success.
                    queue=message.queue.value,
                    producer=self._ready(),
                    expires=message.expires_seconds,
                    retry=False,
                    ignore_result=True,
                    # Computing these costs more than sending, and events would carry them.
                    argsrepr=_short(message.args),
                    kwargsrepr="{}",
                )
            except _UNSENT:
                self._hang_up()
                raise

    def close(self, timeout_seconds: float) -> None:
        """Hang up, unless a message is still being sent after ``timeout_seconds``."""
        if self._speaking.acquire(timeout=timeout_seconds):
            try:
                self._hang_up()
            finally:
                self._speaking.release()

    def _ready(self) -> Any:  # noqa: ANN401 - kombu is untyped
        if self._producer is None:
            self._connection = self._app.connection_for_write()
            self._producer = self._app.amqp.Producer(self._connection, auto_declare=False)
        return self._producer

    def _hang_up(self) -> None:
        connection, self._connection, self._producer = self._connection, None, None
        if connection is not None:
            connection.close()  # type: ignore[no-untyped-call]  # kombu types half of itself


def _routed(task: TaskName, *args: object, expires_seconds: float | None = None) -> Message:
    return Message(task, ROUTES[task], args, expires_seconds)


def _short(args: tuple[object, ...]) -> str:
    return ", ".join(f"{len(a)} ids" if isinstance(a, list) else str(a) for a in args)
