"""Admission of submissions: room in the queues, and the limits on orders a second.

Emergency orders that reduce a position are let in at any rate, and not counted.  Those that do not
count like all others, and against a limit of their own.

Orders that were stored before are answered all the same; see :class:`Submissions`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from threading import Lock

from angel_x.domain.book.risk import NO_RULES, TradingRules
from angel_x.domain.orders.order import Priority
from angel_x.domain.orders.order_rate import Ask
from angel_x.errors import AngelXError, InvalidInput, OrderRateExceeded, QueueFull
from angel_x.services.intake.acceptance import Submission
from angel_x.services.intake.backpressure import Backpressure
from angel_x.services.intake.emergencies import Emergencies
from angel_x.services.intake.order_rate import GrantRate

#: The window that counts all orders together.
_ALL = "all"

#: The most orders within a window, by the name of the window.
Limits = dict[str, int]


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
    """Lets submissions in, or says when to come back."""

    def __init__(
        self,
        *,
        backpressure: Backpressure,
        grant_rate: GrantRate,
        rules: Callable[[], TradingRules],
        emergencies: Emergencies,
        emergency_limit: int,
    ) -> None:
        self._backpressure = backpressure
        self._grant_rate = grant_rate
        self._rules = rules
        self._emergencies = emergencies
        #: Emergency orders a second of one account that do not reduce.
        self._emergency_limit = emergency_limit

    def admit(self, submissions: Sequence[Submission]) -> list[AngelXError | None]:
        """Return for each submission None, or why it is not let in.

        However many there are, the counter is asked once.
        """
        opening = self._emergencies.opening(submissions)
        refusals: list[AngelXError | None] = [
            self._lack_of_room(s, _counted(s) + n)
            for s, n in zip(submissions, opening, strict=True)
        ]
        open_places = [place for place, refusal in enumerate(refusals) if refusal is None]
        found = self._excess([(submissions[place], opening[place]) for place in open_places])
        for place, refusal in zip(open_places, found, strict=True):
            refusals[place] = refusal
        return refusals

    def _lack_of_room(self, submission: Submission, orders: int) -> QueueFull | None:
        try:
            self._backpressure.admit(submission.user_id, orders)
        except QueueFull as full:
            return full
        return None

    def _excess(self, submissions: Sequence[tuple[Submission, int]]) -> list[AngelXError | None]:
        rules = self._rules()
        refusals: list[AngelXError | None] = [None] * len(submissions)
        asks: list[tuple[int, Ask]] = []
        windows: Limits = {}
        for place, (submission, opening) in enumerate(submissions):
            wanted = list(self._wanted(submission, opening, rules))
            refusals[place] = _too_many_at_once(wanted)
            if refusals[place] is None:
                asks += [(place, Ask(orders, tuple(limits))) for orders, limits in wanted]
                windows |= {name: most for _, limits in wanted for name, most in limits.items()}
        waits = self._grant_rate([ask for _, ask in asks], windows) if asks else []
        for (place, ask), wait in zip(asks, waits, strict=True):
            if wait:
                limit = min(windows[name] for name in ask.windows)
                refusals[place] = OrderRateExceeded(limit, retry_after=max(1, math.ceil(wait)))
        return refusals

    def _wanted(
        self, submission: Submission, opening: int, rules: TradingRules
    ) -> Iterator[tuple[int, Limits]]:
        """Yield counts of orders with the limits that hold for them."""
        limits = _limits_of(submission.user_id, rules)
        counted = _counted(submission) + opening
        if counted and limits:
            yield counted, limits
        if opening:
            yield opening, {f"emergency:{submission.user_id}": self._emergency_limit}


def _limits_of(user_id: int, rules: TradingRules) -> Limits:
    """Return the limits that hold for an account's orders, by the window that counts them."""
    found = {
        _ALL: rules.everyone.max_orders_per_second,
        # Everyone's limit, where it is the stricter, needs no second window.
        f"user:{user_id}": rules.limits(user_id).max_orders_per_second
        if user_id in rules.accounts
        else None,
    }
    return {name: limit for name, limit in found.items() if limit is not None}


def _counted(submission: Submission) -> int:
    """Return the number of orders that count without regard to positions."""
    return sum(request.priority is not Priority.EMERGENCY for request in submission.requests)


def _too_many_at_once(wanted: Sequence[tuple[int, Limits]]) -> InvalidInput | None:
    # Not a matter of time: such a request would never be let in.
    for orders, limits in wanted:
        if orders > (most := min(limits.values())):
            return InvalidInput(
                f"at most {most} orders a second are let in, so a request must hold no more, "
                f"was {orders}",
                field="orders",
                value=str(orders),
            )
    return None
