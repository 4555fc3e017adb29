"""Admission of submissions: room in the queues, and the limits on orders a second.

Orders that were stored before are answered all the same; see :class:`Submissions`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from threading import Lock

from angel_x.domain.book.risk import NO_RULES, TradingRules
from angel_x.domain.orders.order import OrderRequest, Priority
from angel_x.domain.orders.order_rate import Ask
from angel_x.errors import AngelXError, InvalidInput, OrderRateExceeded, QueueFull
from angel_x.services.intake.acceptance import Submission
from angel_x.services.intake.backpressure import Backpressure
from angel_x.services.intake.order_rate import OrderRate

#: The window that counts all orders together.
_ALL = "all"


class RulesInForce:
    """The limits, read at most every ``max_age_seconds``: a change holds a moment later."""

    def __init__(
        self,
        read: Callable[[], TradingRules],
        *,
        monotonic: Callable[[], float],
        max_age_seconds: float = 1.0,
    ) -> None:
        self._read = read
        self._monotonic = monotonic
        self._max_age = max_age_seconds
        self._lock = Lock()
        self._rules = NO_RULES
        self._read_at = float("-inf")

    def __call__(self) -> TradingRules:
        with self._lock:
            now = self._monotonic()
            if now - self._read_at > self._max_age:
                self._rules, self._read_at = self._read(), now
            return self._rules


class Admission:
    """Lets submissions in, or says when to come back.

    Emergency orders take risk off: they are let in at any rate, and not counted.
    """

    def __init__(
        self,
        *,
        backpressure: Backpressure,
        order_rate: OrderRate | None,
        rules: Callable[[], TradingRules],
    ) -> None:
        self._backpressure = backpressure
        #: None where rate limits are off.
        self._order_rate = order_rate
        self._rules = rules

    def admit(self, submissions: Sequence[Submission]) -> list[AngelXError | None]:
        """Return for each submission None, or why it is not let in.

        However many there are, the counter is asked once.
        """
        refusals: list[AngelXError | None] = [self._lack_of_room(s) for s in submissions]
        if self._order_rate is not None:
            open_places = [i for i, refusal in enumerate(refusals) if refusal is None]
            found = self._excess([submissions[i] for i in open_places], self._order_rate)
            for place, refusal in zip(open_places, found, strict=True):
                refusals[place] = refusal
        return refusals

    def _lack_of_room(self, submission: Submission) -> QueueFull | None:
        try:
            self._backpressure.admit(submission.requests)
        except QueueFull as full:
            return full
        return None

    def _excess(
        self, submissions: Sequence[Submission], order_rate: OrderRate
    ) -> list[AngelXError | None]:
        rules = self._rules()
        refusals: list[AngelXError | None] = [None] * len(submissions)
        asks: dict[int, Ask] = {}
        windows: dict[str, int] = {}
        for i, submission in enumerate(submissions):
            limits = _limits_of(submission.user_id, rules)
            orders = _counted(submission.requests)
            if not orders or not limits:
                continue
            if orders > min(limits.values()):
                refusals[i] = _too_many_at_once(orders, min(limits.values()))
                continue
            asks[i] = Ask(orders, tuple(limits))
            windows |= limits
        waits = order_rate.grant(list(asks.values()), windows) if asks else []
        for i, wait in zip(asks, waits, strict=True):
            if wait:
                limit = min(windows[name] for name in asks[i].windows)
                refusals[i] = OrderRateExceeded(limit, retry_after=max(1, math.ceil(wait)))
        return refusals


def _limits_of(user_id: int, rules: TradingRules) -> dict[str, int]:
    """Return the limits that hold for an account's orders, by the window that counts them."""
    found = {
        _ALL: rules.everyone.max_orders_per_second,
        # Everyone's limit, where it is the stricter, needs no second window.
        f"user:{user_id}": rules.limits(user_id).max_orders_per_second
        if user_id in rules.accounts
        else None,
    }
    return {name: limit for name, limit in found.items() if limit is not None}


def _counted(requests: Sequence[OrderRequest]) -> int:
    return sum(request.priority is not Priority.EMERGENCY for request in requests)


def _too_many_at_once(orders: int, limit: int) -> InvalidInput:
    # Not a matter of time: such a request would never be let in.
    return InvalidInput(
        f"at most {limit} orders a second are let in, so a request must hold no more, was {orders}",
        field="orders",
        value=str(orders),
    )
