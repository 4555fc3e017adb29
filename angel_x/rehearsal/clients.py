"""Clients that submit orders: over HTTP, and over the message broker."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.redis.connecting import connect
from angel_x.domain.records.signature import sign
from angel_x.entrypoints.presentation.problem_types import type_of_error
from angel_x.errors import (
    ApiError,
    InvalidRequest,
    NotFound,
    OrderRateExceeded,
    Overloaded,
    QueueFull,
    Unavailable,
)
from angel_x.rehearsal.history import Outcome
from config.queues import QueueName
from config.task_names import TaskName

if TYPE_CHECKING:
    from angel_x.client import Client, OrderFields

#: Seconds until a message counts as lost, and between two requests for its result.
_MESSAGE_PATIENCE = 4.0
_POLL_SECONDS = 0.05
#: Types of refusals of a message after which another one may be taken.
_TEMPORARY = frozenset(type_of_error(kind).urn for kind in (QueueFull, OrderRateExceeded))


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The outcome of a request."""

    outcome: Outcome
    #: By client order id, where they were accepted.
    order_ids: Mapping[str, str] = field(default_factory=dict)
    detail: str = ""


class OrderClient(Protocol):
    """Submits orders; one call is one attempt."""

    @property
    def name(self) -> str: ...

    def submit(self, orders: Sequence[OrderFields]) -> HttpAnswer: ...


class HttpClient:
    """``POST /v1/orders``."""

    name = "http"

    def __init__(self, client: Client) -> None:
        self._client = client

    def submit(self, orders: Sequence[OrderFields]) -> HttpAnswer:
        return answered(lambda: self._accepted(orders))

    def _accepted(self, orders: Sequence[OrderFields]) -> Mapping[str, str]:
        receipts = self._client.submit(orders[0] if len(orders) == 1 else orders)
        return {receipt.client_order_id: receipt.order_id for receipt in receipts}


class MessageClient:
    """The task ``orders.submit``, sent as any Celery client sends it; the API has the result."""

    name = "message"

    def __init__(self, client: Client, user: str, key: str, broker_url: str) -> None:
        self._client = client
        self._user = user
        self._key = key
        self._broker = connect(broker_url, socket_timeout=5, retry=Retry(NoBackoff(), 0))

    def submit(self, orders: Sequence[OrderFields]) -> HttpAnswer:
        request, message_id = {"orders": list(orders)}, str(uuid4())
        signature = sign(request, self._key, wall_clock().timestamp())
        message = _message(
            message_id,
            TaskName.SUBMIT_ORDERS,
            [request],
            {"user": self._user, "signature": signature},
        )
        try:
            self._broker.lpush(QueueName.INTAKE, message)
        except redis.RedisError as error:
            return HttpAnswer(Outcome.UNKNOWN, detail=f"{type(error).__name__}: {error}")
        return self._await(message_id, [str(order["client_order_id"]) for order in orders])

    def _await(self, message_id: str, names: Sequence[str]) -> HttpAnswer:
        """Ask for the result of the message until the time is over."""
        deadline = time.monotonic() + _MESSAGE_PATIENCE
        while True:
            answer = answered(lambda: self._stored(message_id, names))
            is_told = answer.outcome.is_final or answer.outcome is Outcome.BUSY
            if is_told or time.monotonic() > deadline:
                return answer
            time.sleep(_POLL_SECONDS)

    def _stored(self, message_id: str, names: Sequence[str]) -> Mapping[str, str]:
        """Return the ids of stored orders.

        Raises:
            ApiError: There is none, or the message was refused.
        """
        try:
            return {name: self._client.submission(name).order_id for name in names}
        except InvalidRequest as error:
            if error.message_id != message_id:
                raise NotFound(f"another message was refused: {error}") from error
            if error.kind in _TEMPORARY:
                raise Overloaded(str(error)) from error
            raise

    def close(self) -> None:
        self._broker.close()


def answered(call: Callable[[], Mapping[str, str]]) -> HttpAnswer:
    """Make a call and return the outcome of its orders."""
    try:
        return HttpAnswer(Outcome.ACCEPTED, call())
    except Overloaded as error:
        return HttpAnswer(Outcome.BUSY, detail=str(error))
    except (Unavailable, NotFound) as error:
        return HttpAnswer(Outcome.UNKNOWN, detail=str(error))
    except (InvalidRequest, ApiError) as error:
        return HttpAnswer(Outcome.REFUSED, detail=f"{error.status} {error}")


def _message(ident: str, task: str, args: Sequence[object], kwargs: Mapping[str, object]) -> str:
    """Return a message of Celery's second protocol, as it stands in a Redis list."""
    body = json.dumps([args, kwargs, {}]).encode()
    return json.dumps(
        {
            "body": base64.b64encode(body).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {"lang": "py", "task": task, "id": ident, "root_id": ident},
            "properties": {
                "correlation_id": ident,
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QueueName.INTAKE.value},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid4()),
            },
        }
    )
