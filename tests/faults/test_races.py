"""Two who want the same order at the same time: the database decides, and each is told the truth."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

import pytest

from angel_x.domain.orders.order import OrderRequest
from angel_x.errors import AngelXError, OrderAlreadyClosed
from angel_x.services.trading.amendment_form import AmendmentRequest
from tests.faults.world import World

pytestmark = pytest.mark.e2e

ROUNDS = 30
#: Seconds.
_STRIDE = 0.001


def at_once(*actions: Callable[[], object], lead: float = 0.0) -> list[object]:
    """Do everything at the same time; return each answer, or the refusal.

    The first one starts ``lead`` seconds after the others.
    """
    start = threading.Barrier(len(actions))

    def act(action: Callable[[], object], wait: float) -> object:
        start.wait()
        # Not a busy one, which would hold up the others.
        threading.Event().wait(wait)
        try:
            return action()
        except AngelXError as refusal:
            return refusal

    waits = [lead] + [0.0] * (len(actions) - 1)
    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(act, actions, waits))


@dataclass
class Lead:
    """How much later the faster of two starts, so that neither of them always wins."""

    seconds: float = 0.0

    def learn(self, *, was_first: bool) -> None:
        """Start later the next time after a victory, and earlier after a defeat."""
        self.seconds = min(1.5 * self.seconds + _STRIDE, 1.0) if was_first else self.seconds / 2


def test_a_cancellation_and_the_execution_never_both_win(world: World) -> None:
    user = world.market.account("cancel")
    application = world.application
    outcomes, lead = set(), Lead()
    for _ in range(ROUNDS):
        (order,) = world.market.accept(user, world.market.request())
        order_id = order.order_id

        answer, _ = at_once(
            partial(application.trading.cancellation.cancel, user, order_id),
            partial(application.trading.execution.run, [order_id]),
            lead=lead.seconds,
        )

        status = world.statuses(user)[order_id]
        outcomes.add(status)
        lead.learn(was_first=status == "canceled")
        assert isinstance(answer, OrderAlreadyClosed) == (status == "filled")
        assert world.events(order_id) == ["received", status]
        assert world.fills(user)[order_id] == (status == "filled")
    assert outcomes == {"filled", "canceled"}
    world.market.assert_invariants()


def test_a_cancellation_and_a_match_never_both_win(world: World) -> None:
    user = world.market.account("match")
    application, symbol = world.application, world.market.symbols[1]
    outcomes, lead = set(), Lead()
    for round_ in range(ROUNDS):
        order_id = resting(world, user, symbol)
        # The matcher looks at what has moved since its last look.
        world.market.quote(symbol, "100.00", "100.20" if round_ % 2 else "100.25")

        answer, _ = at_once(
            partial(application.trading.cancellation.cancel, user, order_id),
            application.trading.matching.run,
            lead=lead.seconds,
        )

        status = world.statuses(user)[order_id]
        outcomes.add(status)
        lead.learn(was_first=status == "canceled")
        assert isinstance(answer, OrderAlreadyClosed) == (status == "filled")
        assert world.events(order_id) == ["received", "working", status]
        assert world.fills(user)[order_id] == (status == "filled")
    assert outcomes == {"filled", "canceled"}
    world.market.assert_invariants()


def test_an_amendment_and_a_match_leave_an_order_that_traded_at_a_price_it_stood_at(
    world: World,
) -> None:
    user = world.market.account("amend")
    application, symbol = world.application, world.market.symbols[2]
    outcomes, lead = set(), Lead()
    for round_ in range(ROUNDS):
        order_id = resting(world, user, symbol)
        # The matcher looks at what has moved since its last look.
        world.market.quote(symbol, "100.00", "100.20" if round_ % 2 else "100.25")
        change = AmendmentRequest(limit_price=Decimal("99.50"))

        answer, _ = at_once(
            partial(application.trading.amending.amend, user, order_id, change),
            application.trading.matching.run,
            lead=lead.seconds,
        )

        status = world.statuses(user)[order_id]
        outcomes.add(status)
        lead.learn(was_first=answer is True)
        # Amended first it stands below the market; matched first it is closed and stays.
        assert (answer is True) == (status == "working")
        assert isinstance(answer, OrderAlreadyClosed) == (status == "filled")
        assert world.fills(user)[order_id] == (status == "filled")
        if status == "working":
            application.trading.cancellation.cancel(user, order_id)
    assert outcomes == {"filled", "working"}
    world.market.assert_invariants()


def test_orders_that_are_accepted_in_opposite_order_at_once_are_stored_once(world: World) -> None:
    user = world.market.account("deadlock")
    for round_ in range(ROUNDS):
        requests = [world.market.request(client_order_id=f"d{round_}-{n}") for n in range(10)]

        answers = at_once(
            *[partial(stored, world, user, order) for order in (requests, requests[::-1]) * 2]
        )

        assert isinstance(answers[0], set)
        assert len(answers[0]) == 10
        assert answers == [answers[0]] * 4
    assert len(world.ids(user)) == 10 * ROUNDS
    world.market.assert_invariants()


def stored(world: World, user: int, requests: Sequence[OrderRequest]) -> object:
    """Return the ids of accepted orders."""
    return {order.order_id for order in world.market.accept(user, *requests)}


def resting(world: World, user: int, symbol: str) -> int:
    """Return an order that stands under the market."""
    world.market.quote(symbol, "100.00", "100.50")
    (order,) = world.market.accept(user, world.market.request(symbol=symbol, limit="100.30"))
    world.application.trading.execution.run([order.order_id])
    assert world.statuses(user)[order.order_id] == "working"
    return order.order_id
