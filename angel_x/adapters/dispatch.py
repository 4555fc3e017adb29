"""Sends messages to the queues of Celery, by task name, without blocking the caller.

A message is a doorbell.  A message that cannot be sent is counted and dropped; the relay rings again.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from time import monotonic
from typing import Protocol

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from angel_x.adapters.celery_message import Message, encoded
from angel_x.adapters.gathering import Gathering
from angel_x.adapters.redis.connecting import connect
from angel_x.adapters.redis.lane_queues import LANES, LaneQueues
from angel_x.domain.operations.metric import Metric
from angel_x.domain.operations.span import Tracer
from angel_x.domain.orders.order import Priority
from config.queues import QueueName
from config.task_names import ROUTES, TaskName

log = structlog.get_logger()

#: The exception in a task that exceeds its time limit.
OutOfTime: type[Exception] = SoftTimeLimitExceeded
#: The exceptions of a broken or full message broker.
_UNSENT = (RedisError, OSError)
#: Timeouts in seconds of a connection to the message broker, and of an answer.
_CONNECT_SECONDS, _ANSWER_SECONDS = 2, 5
#: Seconds that a connection may rest before it is tried with a ping.
_PING_AFTER_SECONDS = 5
#: Seconds that accounts are gathered for before one message asks for their valuation, and the most
#: accounts of a message.
_GATHER_SECONDS, _ACCOUNTS = 0.25, 500
#: The default of the most doorbells that wait in one lane.
_LANE_MESSAGES = 9


class Counter(Protocol):
    def add(self, metric: Metric, amount: float = 1, **labels: str) -> None: ...


class CeleryDispatcher:
    """One producer thread behind a bounded buffer.

    With ``synchronous`` a message is sent by the calling thread, and the return value is the outcome;
    otherwise it is whether the message was queued for sending.  A doorbell is not added to a lane in
    which ``lane_messages`` wait: the newest of those represents it.
    """

    def __init__(
        self,
        broker_url: str,
        meter: Counter,
        *,
        lane_messages: int = _LANE_MESSAGES,
        gather_seconds: float = _GATHER_SECONDS,
        capacity: int = 10_000,
        synchronous: bool = False,
        tracer: Tracer | None = None,
    ) -> None:
        self._line = _Line(broker_url, lane_messages)
        self._meter = meter
        self._synchronous = synchronous
        self._tracer = tracer
        self._waiting: queue.Queue[tuple[Message, ...] | None] = queue.Queue(capacity)
        self._gathering = Gathering(monotonic, pause_seconds=gather_seconds)
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        """Ring for orders; without ``exactly`` the worker takes all that wait in the lane."""
        ids = [str(order_id) for order_id in order_ids]
        args: tuple[object, ...] = (ids, True) if exactly else (ids,)
        return self._send(
            Message(TaskName.PROCESS_ORDER_BATCH, LANES[priority], args, is_bounded=not exactly)
        )

    def ring_on(self, priority: Priority, batches: Sequence[Sequence[int]]) -> bool:
        """Ring for waiting orders of a lane, batch by batch, until the lane is full.

        Each of these doorbells represents the lane.
        """
        messages = [
            Message(
                TaskName.PROCESS_ORDER_BATCH,
                LANES[priority],
                ([str(order_id) for order_id in batch],),
                is_bounded=True,
                stands_for_lane=True,
            )
            for batch in batches
        ]
        return self._send(*messages)

    def ring_above(self, order_ids: Sequence[int]) -> bool:
        """Ring for orders of a lower lane in the lane ``high``, whether or not it is full."""
        ids = [str(order_id) for order_id in order_ids]
        return self._send(Message(TaskName.PROCESS_ORDER_BATCH, LANES[Priority.HIGH], (ids,)))

    def match(self) -> bool:
        """Ask for a match; while one waits on its queue, that one stands for this one."""
        queue_name = ROUTES[TaskName.MATCH_ORDERS]
        return self._send(
            Message(TaskName.MATCH_ORDERS, queue_name, expires_seconds=5, is_single=True)
        )

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        queue_name = QueueName.EMERGENCY if emergency else ROUTES[TaskName.ADVANCE_WORKFLOW]
        return self._send(Message(TaskName.ADVANCE_WORKFLOW, queue_name, (workflow_id,)))

    def cancel_all(self) -> bool:
        return self._send(_routed(TaskName.CANCEL_ALL, expires_seconds=30))

    def canary(self, queue: str, sent_at: datetime, *, expires_seconds: float) -> bool:
        """Put a canary on a queue."""
        args = (queue, sent_at.isoformat())
        return self._send(Message(TaskName.CANARY, QueueName(queue), args, expires_seconds))

    def update_portfolios(self, user_ids: Collection[int]) -> bool:
        return self._send(_valuation(sorted(user_ids)))

    def value_soon(self, user_ids: Collection[int]) -> bool:
        """Ask for these accounts to be valued, in one message with those of the next moment.

        A process that dies before it is sent leaves the accounts to the next refresh.  The calling
        thread never sends it: a decision does not wait for the message broker.
        """
        if self._gathering.add(user_ids):
            self._start()
            # The thread waits for a message; a full buffer keeps it from waiting at all.
            with suppress(queue.Full):
                self._waiting.put_nowait(())
        return True

    def compute_greeks(
        self,
        version: str,
        chunks: Sequence[tuple[int, int]],
        as_of: datetime,
        expires_seconds: float,
    ) -> int:
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
        """Send waiting messages for up to ``timeout_seconds`` and disconnect; later messages reconnect."""
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

    def _send(self, *messages: Message) -> bool:
        """Send messages until their lane takes no more of them."""
        if self._tracer is not None:
            messages = tuple(_traced(self._tracer, message) for message in messages)
        return self._publish(messages) if self._synchronous else self._hand_over(messages)

    def _hand_over(self, messages: tuple[Message, ...]) -> bool:
        self._start()
        try:
            self._waiting.put_nowait(messages)
        except queue.Full:
            self._lost(messages, "the buffer is full")
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
        while (messages := self._next()) is not None:
            self._attempt(messages)
        self._attempt(self._gathered())

    def _next(self) -> tuple[Message, ...] | None:
        """Wait for messages, or for the accounts that are gathered; return None at the end."""
        due_in = self._gathering.due_in()
        if due_in == 0:
            return self._gathered()
        try:
            return self._waiting.get(timeout=due_in)
        except queue.Empty:
            return self._gathered()

    def _gathered(self) -> tuple[Message, ...]:
        user_ids = self._gathering.take()
        pieces = (user_ids[at : at + _ACCOUNTS] for at in range(0, len(user_ids), _ACCOUNTS))
        return tuple(_valuation(piece) for piece in pieces)

    def _attempt(self, messages: tuple[Message, ...]) -> None:
        try:
            self._publish(messages)
        except Exception as error:
            # No other thread sends: an error that was not expected must not end this one.
            log.exception("doorbell.failed", task=messages[0].task)
            self._lost(messages, str(error))

    def _publish(self, messages: tuple[Message, ...]) -> bool:
        try:
            for message in messages:
                if not self._line.publish(message):
                    break
        except _UNSENT as error:
            self._lost(messages, str(error))
            return False
        return True

    def _lost(self, messages: tuple[Message, ...], reason: str) -> None:
        first = messages[0]
        self._meter.add(Metric.DOORBELLS_LOST)
        log.warning("doorbell.lost", task=first.task, queue=first.queue, reason=reason)


class _Line:
    """One connection to the message broker, made when needed and again after a fault."""

    def __init__(self, url: str, lane_messages: int) -> None:
        self._broker = connect(
            url,
            socket_timeout=_ANSWER_SECONDS,
            socket_connect_timeout=_CONNECT_SECONDS,
            health_check_interval=_PING_AFTER_SECONDS,
            # Sent again, a message might arrive twice, and its sender would wait twice as long.
            retry=Retry(NoBackoff(), 0),
        )
        self._lanes = LaneQueues(self._broker, bound=lane_messages)
        self._speaking = threading.Lock()

    def publish(self, message: Message) -> bool:
        """Send a message; return False if a waiting one represents it."""
        item = encoded(message)
        with self._speaking:
            if message.is_bounded:
                return self._lanes.push(message.queue, item)
            if message.is_single:
                return self._lanes.push_single(message.queue, item)
            self._broker.lpush(message.queue.value, item)
            return True

    def close(self, timeout_seconds: float) -> None:
        """Hang up, unless a message is still being sent after ``timeout_seconds``."""
        if self._speaking.acquire(timeout=timeout_seconds):
            try:
                self._broker.close()
            finally:
                self._speaking.release()


def _traced(tracer: Tracer, message: Message) -> Message:
    """Return a message that carries the context of its sending; the same one outside of all traces."""
    if tracer.current() is None:
        return message
    with tracer.span(f"send {message.task.value}", kind="producer") as span:
        span.note("messaging.system", "redis")
        span.note("messaging.destination.name", message.queue.value)
        return replace(message, traceparent=span.traceparent)


def _valuation(user_ids: list[int]) -> Message:
    # The next refresh replaces a lost or late message, so old ones expire.
    return _routed(TaskName.UPDATE_PORTFOLIOS, user_ids, expires_seconds=30)


def _routed(task: TaskName, *args: object, expires_seconds: float | None = None) -> Message:
    return Message(task, ROUTES[task], args, expires_seconds)
