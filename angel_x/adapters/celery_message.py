"""Messages in the format of Celery and kombu's Redis transport: protocol 2, JSON, body in base64.

Celery's own producer takes five times the processor time for the same bytes, on every order.  A test
compares each field with Celery's own.
"""

from __future__ import annotations

import os
import socket
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import msgspec

from angel_x.adapters.clock import wall_clock
from angel_x.domain.operations.span import TRACEPARENT
from config.queues import QueueName
from config.task_names import TaskName

#: The header of a doorbell: whether its worker also looks for other orders that wait in the lane.
STANDS_FOR_LANE = "stands_for_lane"
_NO_CALLBACKS = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
_PERSISTENT = 2


@dataclass(frozen=True, slots=True)
class Message:
    """One sending of a task."""

    task: TaskName
    queue: QueueName
    args: tuple[object, ...] = ()
    expires_seconds: float | None = None
    #: A doorbell that the lane needs no more than a few of.
    is_bounded: bool = False
    #: Whether a message that waits on the queue already stands for it.
    is_single: bool = False
    stands_for_lane: bool = False
    #: The context of the span that sends it, where traces are on.
    traceparent: str | None = None


def encoded(message: Message) -> bytes:
    """Return the item for the list of the queue; each call makes a message with a new id."""
    message_id = str(uuid4())
    body = msgspec.json.encode((message.args, {}, _NO_CALLBACKS))
    return msgspec.json.encode(
        {
            "body": b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": _headers(message, message_id),
            "properties": _properties(message.queue, message_id),
        }
    )


def _headers(message: Message, message_id: str) -> dict[str, object]:
    bounded = {STANDS_FOR_LANE: message.stands_for_lane} if message.is_bounded else {}
    traced = {} if message.traceparent is None else {TRACEPARENT: message.traceparent}
    return {
        "lang": "py",
        "task": message.task.value,
        "id": message_id,
        "shadow": None,
        "eta": None,
        "expires": _expiry(message.expires_seconds),
        "group": None,
        "group_index": None,
        "retries": 0,
        "timelimit": [None, None],
        "root_id": message_id,
        "parent_id": None,
        # Events carry it to Flower: the number of ids, and no ids.
        "argsrepr": _short(message.args),
        "kwargsrepr": "{}",
        "origin": f"gen{os.getpid()}@{socket.gethostname()}",
        "ignore_result": True,
        "replaced_task_nesting": 0,
        "stamped_headers": None,
        "stamps": {},
        **bounded,
        **traced,
    }


def _properties(queue: QueueName, message_id: str) -> Mapping[str, object]:
    return {
        "correlation_id": message_id,
        "reply_to": "",
        "delivery_mode": _PERSISTENT,
        # No exchange: a named one without bindings would drop a redelivered message.
        "delivery_info": {"exchange": "", "routing_key": queue.value},
        "priority": 0,
        "body_encoding": "base64",
        "delivery_tag": str(uuid4()),
    }


def _expiry(seconds: float | None) -> str | None:
    return None if seconds is None else (wall_clock() + timedelta(seconds=seconds)).isoformat()


def _short(args: tuple[object, ...]) -> str:
    return ", ".join(f"{len(a)} ids" if isinstance(a, list) else str(a) for a in args)


class _Headers(msgspec.Struct):
    task: str
    traceparent: str | None = None


class _Properties(msgspec.Struct):
    body_encoding: str = ""


class _Item(msgspec.Struct):
    body: str
    headers: _Headers
    properties: _Properties


def is_open_doorbell(item: bytes) -> bool:
    """Return whether an item of a list is a doorbell without ``exactly``.

    Items of other releases and of other Celery clients use the same protocol.
    """
    try:
        read = msgspec.json.decode(item, type=_Item)
        if read.headers.task != TaskName.PROCESS_ORDER_BATCH:
            return False
        body = b64decode(read.body) if read.properties.body_encoding == "base64" else read.body
        args, kwargs, _ = msgspec.json.decode(
            body, type=tuple[list[object], dict[str, object], object]
        )
    except (msgspec.MsgspecError, ValueError):
        return False
    return not kwargs and args[1:] in ([], [False])


def traceparent_of(item: bytes) -> str | None:
    """Return the context that a doorbell of a list carries, None where it has none."""
    return msgspec.json.decode(item, type=_Item).headers.traceparent
