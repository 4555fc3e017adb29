"""One client in the storm: it keeps a history, and asks again until it has an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from threading import Event
from typing import TYPE_CHECKING, Protocol

from angel_x.domain.orders.order import OrderType, Validity
from angel_x.errors import ApiError, Conflict, NotFound
from angel_x.rehearsal.clients import Answer, Door
from angel_x.rehearsal.history import (
    Answered,
    Canceled,
    Content,
    History,
    Outcome,
    Sent,
    Unseen,
    now,
)

if TYPE_CHECKING:
    from angel_x.client import OrderFields

#: Seconds between two attempts, at first and at most.
_PAUSE = 0.1
_LONGEST_PAUSE = 1.0
#: Which part of the orders that may rest is canceled.
_SHARE_OF_CANCELS = 0.6


@dataclass(frozen=True, slots=True)
class Errand:
    """One request that is to be made."""

    #: Seconds since the load began.
    at: float
    orders: Sequence[OrderFields]
    #: Made once more, as after a lost answer.
    is_repeated: bool


class Witness(Protocol):
    """Looks at the database by itself."""

    def missing(self, order_ids: Sequence[int]) -> set[int]:
        """Return which of these orders are not to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a trader works with."""

    user: str
    door: Door
    history: History
    #: None where success is believed without a look.
    witness: Witness | None
    #: Cancels an order; raises what the client raises.
    cancel: Callable[[str], object] | None
    random: Random
    stop: Event
    #: Told how many orders were settled.
    advance: Callable[[int], None]


class Trader:
    """Runs errands, one after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._may_rest: list[str] = []

    def run(self, errands: Sequence[Errand]) -> None:
        """Run every errand at its time, or as soon as those before it are settled."""
        began = time.monotonic()
        for number, errand in enumerate(errands):
            if self._desk.stop.wait(max(0.0, began + errand.at - time.monotonic())):
                return
            self._settle(number, errand)
            if errand.is_repeated:
                self._settle(number, errand)
            self._desk.advance(len(errand.orders))
            self._cancel_some()

    def _settle(self, call: int, errand: Errand) -> None:
        """Send the same orders until there is an answer."""
        pause = _PAUSE
        while not self._attempt(call, errand).outcome.is_final:
            if self._desk.stop.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self, call: int, errand: Errand) -> Answer:
        desk, contents = self._desk, {str(o["client_order_id"]): _content(o) for o in errand.orders}
        desk.history.add(Sent(now(), desk.user, call, desk.door.name, contents))
        began = time.monotonic()
        answer = desk.door.submit(errand.orders)
        seconds = round(time.monotonic() - began, 4)
        desk.history.add(
            Answered(
                now(), desk.user, call, answer.outcome, seconds, answer.order_ids, answer.detail
            )
        )
        if answer.outcome is Outcome.ACCEPTED:
            self._look(answer)
            self._may_rest += [
                answer.order_ids[str(order["client_order_id"])]
                for order in errand.orders
                if _may_rest(order) and desk.random.random() < _SHARE_OF_CANCELS
            ]
        return answer

    def _look(self, answer: Answer) -> None:
        """See for ourselves that what was answered with success is there."""
        if self._desk.witness is None:
            return
        missing = self._desk.witness.missing([int(i) for i in answer.order_ids.values()])
        if missing:
            self._desk.history.add(Unseen(now(), self._desk.user, tuple(map(str, missing))))

    def _cancel_some(self) -> None:
        """Cancel orders that were accepted some errands ago; the last ones race their execution."""
        if self._desk.cancel is None:
            return
        while len(self._may_rest) > self._desk.random.randint(0, 5):
            self._cancel(self._may_rest.pop(0))

    def _cancel(self, order_id: str) -> None:
        assert self._desk.cancel is not None
        began, detail = time.monotonic(), ""
        try:
            self._desk.cancel(order_id)
        except (Conflict, NotFound) as error:
            # It traded, or was denied, before it could be canceled.
            outcome, detail = Outcome.REFUSED, str(error)
        except ApiError as error:
            outcome, detail = Outcome.UNKNOWN, str(error)
        else:
            outcome = Outcome.ACCEPTED
        seconds = round(time.monotonic() - began, 4)
        self._desk.history.add(Canceled(now(), self._desk.user, order_id, outcome, seconds, detail))


def _content(order: OrderFields) -> Content:
    return Content(str(order["symbol"]), str(order["side"]), int(str(order["quantity"])))


def _may_rest(order: OrderFields) -> bool:
    is_limit = order.get("order_type") == OrderType.LIMIT.value
    return is_limit and order.get("validity") == Validity.DAY.value
