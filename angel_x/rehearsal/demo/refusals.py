"""Requests that must be refused: one of every kind, each with its expected status."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import urllib3

if TYPE_CHECKING:
    from angel_x.rehearsal.orders import Instrument

_TOO_MANY = 10_001
_TOO_LARGE = 50 * 1024 * 1024
_FAR = str(10**30)
#: No answer in time, and answers that say so.
_UNJUDGED = {0, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
#: The prefix of the client order ids of bad orders, which makes accepted ones visible.
PREFIX = "bad-"


@dataclass(frozen=True, slots=True)
class BadRequest:
    """A request that is refused in every state of the system."""

    kind: str
    method: str
    path: str
    status: HTTPStatus
    key: str | None
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class DemoRefusal:
    """The answer to a bad request."""

    kind: str
    expected: int
    status: int
    detail: str

    @property
    def is_right(self) -> bool:
        return self.status == self.expected

    @property
    def is_answered(self) -> bool:
        """Return whether the API has judged the request; it had no time for others."""
        return self.status not in _UNJUDGED


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestParts:
    """The keys and orders that bad requests are made from."""

    instrument: Instrument
    key: str
    revoked_key: str
    #: An order of another account.
    foreign_order_id: str
    #: An order that exists already, to be contradicted.
    known_order: Mapping[str, object]


def bad_requests(given: RequestParts) -> Iterator[BadRequest]:
    """Yield one request of every kind."""
    yield from _bad_orders(given)
    yield from _bad_bodies(given)
    yield from _bad_callers(given)


def _bad_orders(given: RequestParts) -> Iterator[BadRequest]:
    lot, tick = given.instrument.lot_size, given.instrument.tick_size
    underlying = given.instrument.symbol.partition("_")[0]
    wrong_fields: dict[str, dict[str, object]] = {
        "unknown symbol": {"symbol": "NOSUCH_01JAN30_100CE"},
        "expired contract": {"symbol": f"{underlying}_02JAN20_12000CE"},
        "wrong lot": {"quantity": lot + 1},
        "wrong tick": {"order_type": "LIMIT", "price": str(tick * 100 + tick / 5)},
        "zero quantity": {"quantity": 0},
        "negative quantity": {"quantity": -lot},
        "quantity of 10^30": {"quantity": 10**30},
        "price of NaN": {"order_type": "LIMIT", "price": "NaN"},
        "price of 10^30": {"order_type": "LIMIT", "price": _FAR},
        "SL-M on an index option": {"order_type": "SL-M", "trigger_price": str(tick * 100)},
        "stop without a trigger": {"order_type": "SL", "price": str(tick * 100)},
        "trigger beyond the limit": {
            "order_type": "SL",
            "trigger_price": str(tick * 200),
            "price": str(tick * 100),
        },
        "too many slices": {"quantity": lot * 100_000},
        "wrong type": {"quantity": [lot]},
        "unknown field": {"colour": "green"},
        "missing field": {"quantity": None},
    }
    for number, (kind, wrong) in enumerate(wrong_fields.items()):
        order = {**_order(given, number), **wrong}
        if kind == "missing field":
            del order["quantity"]
        yield _post(given, kind, HTTPStatus.UNPROCESSABLE_ENTITY, json.dumps(order).encode())
    yield _post(given, "one bad of fifty", HTTPStatus.UNPROCESSABLE_ENTITY, _mixed_batch(given))
    contradiction = {**given.known_order, "quantity": lot * 7}
    yield _post(
        given, "same id, other content", HTTPStatus.CONFLICT, json.dumps(contradiction).encode()
    )


def _bad_bodies(given: RequestParts) -> Iterator[BadRequest]:
    crowd = json.dumps({"orders": [{"symbol": "X", "quantity": 1}] * _TOO_MANY}).encode()
    yield _post(given, "10,001 orders", HTTPStatus.BAD_REQUEST, crowd)
    yield _post(given, "invalid JSON", HTTPStatus.BAD_REQUEST, b'{"orders": [')
    too_large = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    yield _post(given, "a body of 50 MB", too_large, b" " * _TOO_LARGE)


def _bad_callers(given: RequestParts) -> Iterator[BadRequest]:
    body = json.dumps(_order(given, 900)).encode()
    wrong = f"{given.key[:-8]}{'0' * 8}"
    for kind, key in (("no key", None), ("wrong key", wrong), ("revoked key", given.revoked_key)):
        yield BadRequest(kind, "POST", "/v1/orders", HTTPStatus.UNAUTHORIZED, key, body)
    foreign = f"/v1/orders/{given.foreign_order_id}"
    yield BadRequest("another's order", "GET", foreign, HTTPStatus.NOT_FOUND, given.key)
    yield BadRequest("canceling another's", "DELETE", foreign, HTTPStatus.NOT_FOUND, given.key)
    change = b'{"price": "1.00"}'
    yield BadRequest(
        "changing another's", "PATCH", foreign, HTTPStatus.NOT_FOUND, given.key, change
    )
    system = b'{"scope": "system", "state": "on"}'
    halt = BadRequest(
        "halting the system", "PUT", "/v1/kill-switch", HTTPStatus.FORBIDDEN, given.key, system
    )
    yield halt
    cursor = "/v1/orders?cursor=%00garbage"
    yield BadRequest("bad cursor", "GET", cursor, HTTPStatus.BAD_REQUEST, given.key)


def _mixed_batch(given: RequestParts) -> bytes:
    orders = [_order(given, number) for number in range(1000, 1050)]
    orders[30]["side"] = "HOLD"
    return json.dumps({"orders": orders}).encode()


def _order(given: RequestParts, number: int) -> dict[str, object]:
    return {
        "client_order_id": f"{PREFIX}{number}",
        "symbol": given.instrument.symbol,
        "side": "BUY",
        "quantity": given.instrument.lot_size,
    }


def _post(given: RequestParts, kind: str, status: HTTPStatus, body: bytes) -> BadRequest:
    return BadRequest(kind, "POST", "/v1/orders", status, given.key, body)


def send(request: BadRequest, url: str, timeout: float) -> DemoRefusal:
    """Send a bad request and return its answer; status 0 means no answer in ``timeout`` seconds."""
    headers = {"Content-Type": "application/json"}
    if request.key is not None:
        headers["Authorization"] = f"Bearer {request.key}"
    try:
        response = urllib3.request(
            request.method,
            f"{url}{request.path}",
            body=request.body,
            headers=headers,
            retries=False,
            timeout=timeout,
        )
        status, detail = response.status, response.data.decode("utf-8", "replace")
    except urllib3.exceptions.HTTPError as error:
        status, detail = 0, str(error)
    return DemoRefusal(request.kind, request.status.value, status, detail[:300])
