"""A trader: it sends requests, keeps a history, and repeats a request until it has an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from threading import Event
from typing import TYPE_CHECKING, Protocol

from angel_x.domain.orders.order import OrderStatus, OrderType, Validity
from angel_x.errors import ApiError, Conflict, NotFound
from angel_x.rehearsal.clients import HttpAnswer, OrderClient
from angel_x.rehearsal.history import (
    Answered,
    Canceled,
    ClientHistory,
    OrderContent,
    Outcome,
    Sent,
    Unseen,
    now,
)

if TYPE_CHECKING:
    from angel_x.client import OrderFields
    from angel_x.rehearsal.orders import Request

#: Seconds between two attempts, at first and at most.
_PAUSE = 0.1
_LONGEST_PAUSE = 1.0


#: Returns the ids that no stored order has, read from the database, apart from the system.
FindMissing = Callable[[Sequence[int]], set[int]]


class Stated(Protocol):
    """An order as an answer states it."""

    @property
    def status(self) -> OrderStatus: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TraderSetup:
    """The account, connections and record of one trader."""

    user: str
    client: OrderClient
    history: ClientHistory
    #: Confirms that accepted orders are stored; None where that is not checked at once.
    find_missing: FindMissing | None
    #: Cancels an order with the errors of the client library; None where nothing is canceled.
    cancel: Callable[[str], Stated] | None
    #: Of the orders that may rest, the part that is canceled.
    share_of_cancels: float
    random: Random
    stop: Event
    #: Called with the number of orders of each answered request.
    advance: Callable[[int], None]


class Trader:
    """Sends requests, one after the other."""

    def __init__(self, setup: TraderSetup) -> None:
        self._setup = setup
        self._may_rest: list[str] = []

    def trade(self, requests: Iterable[Request]) -> None:
        """Send every request at its time, or as soon as the one before is settled."""
        began = time.monotonic()
        for number, request in enumerate(requests):
            if self._setup.stop.wait(max(0.0, began + request.at - time.monotonic())):
                return
            self._settle(number, request)
            if request.is_repeated:
                self._settle(number, request)
            self._setup.advance(len(request.orders))
            self._cancel_some()

    def _settle(self, call: int, request: Request) -> None:
        """Send the same orders until there is an answer."""
        pause = _PAUSE
        while not self._attempt(call, request).outcome.is_final:
            if self._setup.stop.wait(pause):
                return
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _attempt(self, call: int, request: Request) -> HttpAnswer:
        setup, contents = (
            self._setup,
            {str(o["client_order_id"]): _content(o) for o in request.orders},
        )
        setup.history.add(Sent(now(), setup.user, call, setup.client.name, contents))
        began = time.monotonic()
        answer = setup.client.submit(request.orders)
        seconds = round(time.monotonic() - began, 4)
        setup.history.add(
            Answered(
                now(), setup.user, call, answer.outcome, seconds, answer.order_ids, answer.detail
            )
        )
        if answer.outcome is Outcome.ACCEPTED:
            self._look(answer)
            self._may_rest += [
                answer.order_ids[str(order["client_order_id"])]
                for order in request.orders
                if _may_rest(order) and setup.random.random() < setup.share_of_cancels
            ]
        return answer

    def _look(self, answer: HttpAnswer) -> None:
        """Note accepted orders that the database does not show."""
        if self._setup.find_missing is None:
            return
        missing = self._setup.find_missing([int(i) for i in answer.order_ids.values()])
        if missing:
            self._setup.history.add(Unseen(now(), self._setup.user, tuple(map(str, missing))))

    def _cancel_some(self) -> None:
        """Cancel orders that were accepted some requests ago; the latest ones race their execution."""
        if self._setup.cancel is None:
            return
        while len(self._may_rest) > self._setup.random.randint(0, 5):
            self._cancel(self._may_rest.pop(0))

    def _cancel(self, order_id: str) -> None:
        assert self._setup.cancel is not None
        began, detail = time.monotonic(), ""
        try:
            stated = self._setup.cancel(order_id).status
        except (Conflict, NotFound) as error:
            # It traded, or was denied, before it could be canceled.
            outcome, detail = Outcome.REFUSED, str(error)
        except ApiError as error:
            outcome, detail = Outcome.UNKNOWN, str(error)
        else:
            # A venue that answers later has been asked, and the order may still trade.
            is_done, detail = stated is OrderStatus.CANCELED, stated.value
            outcome = Outcome.ACCEPTED if is_done else Outcome.UNKNOWN
        seconds = round(time.monotonic() - began, 4)
        self._setup.history.add(
            Canceled(now(), self._setup.user, order_id, outcome, seconds, detail)
        )


def _content(order: OrderFields) -> OrderContent:
    return OrderContent(str(order["symbol"]), str(order["side"]), int(str(order["quantity"])))


def _may_rest(order: OrderFields) -> bool:
    is_limit = order.get("order_type") == OrderType.LIMIT.value
    return is_limit and order.get("validity") == Validity.DAY.value


#: Traders with the requests that each sends.
Work = Sequence[tuple[TraderSetup, "Iterable[Request]"]]


@contextmanager
def traders(work: Work) -> Iterator[Sequence[Future[None]]]:
    """Let all traders send their requests at the same time; the block ends when all are done."""
    with ThreadPoolExecutor(len(work), thread_name_prefix="trader") as pool:
        trading = [pool.submit(Trader(setup).trade, requests) for setup, requests in work]
        yield trading
        for each in trading:
            each.result()
