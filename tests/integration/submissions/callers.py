"""The ways in which orders come in, as those who use them see them: one interface over all four."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any, Protocol

from click.testing import Result

from angel_x.bootstrap import Application
from angel_x.entrypoints.presentation.reply import as_data
from angel_x.errors import AngelXError, InvalidInput
from tests.builders.message_ids import new_id
from tests.builders.shells import Shell
from tests.integration.api.running import Answer, RunningApi

#: The fields of one order as JSON.
Fields = Mapping[str, object]


class Outcome(Enum):
    ACCEPTED = auto()
    REPLAYED = auto()
    CONFLICT = auto()
    INVALID = auto()
    RATE_EXCEEDED = auto()
    QUEUE_FULL = auto()
    UNKNOWN_ACCOUNT = auto()


@dataclass(frozen=True)
class Reply:
    """The outcome as a caller learns it."""

    outcome: Outcome
    order_ids: tuple[str, ...] = ()
    #: Index of the order and field of each fault.
    faults: frozenset[tuple[int, str]] = frozenset()


class Caller(Protocol):
    """Submits orders of one account and reads the outcome."""

    def submit(self, name: str, *orders: Fields) -> Reply:
        """Hand in orders without ids under a name, which names each of them."""

    def stranger(self) -> Caller:
        """Return a caller like this one whose account is not known."""


@dataclass(frozen=True)
class HttpCaller:
    """``POST /v1/orders``."""

    api: RunningApi
    key: str

    def submit(self, name: str, *orders: Fields) -> Reply:
        content = {"orders": _named(name, orders)}
        answer = self.api.call(
            "POST", "/v1/orders", key=self.key, body=json.dumps(content).encode()
        )
        return _of_http(answer)

    def stranger(self) -> Caller:
        return replace(self, key=f"ax_{'0' * 12}_{'0' * 32}")


@dataclass(frozen=True)
class BasketCaller(HttpCaller):
    """``POST /v1/baskets``."""

    def submit(self, name: str, *orders: Fields) -> Reply:
        content = {"basket_id": name, "orders": orders}
        body = json.dumps(content).encode()
        return _of_http(self.api.call("POST", "/v1/baskets", key=self.key, body=body))


@dataclass(frozen=True)
class MessageCaller:
    """The task ``orders.submit``, whose sender asks for the result."""

    application: Application
    user: str

    def submit(self, name: str, *orders: Fields) -> Reply:
        content = json.loads(json.dumps({"orders": _named(name, orders)}))
        try:
            outcome = self.application.intake.messaging.submit(new_id(), content, self.user)
        except InvalidInput:
            return Reply(Outcome.UNKNOWN_ACCOUNT)
        reply = json.loads(json.dumps(as_data(outcome)))
        if isinstance(outcome, AngelXError):
            return _of_body(reply["status"], reply)
        return _of_body(200 if all(order.replayed for order in outcome) else 202, reply)

    def stranger(self) -> Caller:
        return replace(self, user="stranger")


@dataclass(frozen=True)
class CommandCaller:
    """``angel-x submit -``."""

    shell: Shell
    user: str

    def submit(self, name: str, *orders: Fields) -> Reply:
        text = json.dumps({"orders": _named(name, orders)})
        result = self.shell.run("submit", "-", "--user", self.user, "--json", text=text)
        if result.exit_code:
            return _of_failure(result)
        receipts = json.loads(result.stdout)["orders"]
        replayed = all(receipt["replayed"] for receipt in receipts)
        ids = tuple(receipt["order_id"] for receipt in receipts)
        return Reply(Outcome.REPLAYED if replayed else Outcome.ACCEPTED, ids)

    def stranger(self) -> Caller:
        return replace(self, user="stranger")


def _named(name: str, orders: Sequence[Fields]) -> list[dict[str, object]]:
    return [{"client_order_id": f"{name}-{n}", **order} for n, order in enumerate(orders)]


_OF_STATUS: Mapping[int, Outcome] = {
    200: Outcome.REPLAYED,
    202: Outcome.ACCEPTED,
    401: Outcome.UNKNOWN_ACCOUNT,
    409: Outcome.CONFLICT,
    422: Outcome.INVALID,
}


def _of_http(answer: Answer) -> Reply:
    if answer.status == 429:
        assert int(answer.headers["retry-after"]) >= 1
    return _of_body(answer.status, answer.body)


def _of_body(status: int, body: Any) -> Reply:
    if status == 429:
        return Reply(_overload(body["detail"]))
    ids = tuple(order["order_id"] for order in body.get("orders", ()))
    outcome = _OF_STATUS[status]
    faults = [(fault["index"], fault["field"]) for fault in body.get("errors", ())]
    return Reply(outcome, ids, frozenset(faults if outcome is Outcome.INVALID else ()))


def _overload(detail: str) -> Outcome:
    return Outcome.RATE_EXCEEDED if "orders a second" in detail else Outcome.QUEUE_FULL


#: Exit code and words of each failure.
_OF_WORDS: tuple[tuple[int, str, Outcome], ...] = (
    (2, "no order was accepted", Outcome.INVALID),
    (1, "other content", Outcome.CONFLICT),
    (1, "orders a second", Outcome.RATE_EXCEEDED),
    (1, "orders wait", Outcome.QUEUE_FULL),
    (1, "no account", Outcome.UNKNOWN_ACCOUNT),
)


def _of_failure(result: Result) -> Reply:
    found = [
        o for code, words, o in _OF_WORDS if code == result.exit_code and words in result.stderr
    ]
    assert len(found) == 1, (result.exit_code, result.stderr)
    named = re.findall(r"orders\[(\d+)\]\.(\w+)", result.stderr)
    return Reply(found[0], faults=frozenset((int(index), field) for index, field in named))


#: Each way in, by the name of its test.
Make = Callable[[RunningApi, str, Shell], Caller]
CALLERS: Mapping[str, Make] = {
    "http": lambda api, key, _: HttpCaller(api, key),
    "message": lambda api, _, __: MessageCaller(api.application, "trader"),
    "command": lambda _, __, shell: CommandCaller(shell, "trader"),
    "basket": lambda api, key, _: BasketCaller(api, key),
}
