"""The border of shadow mode: whatever happens behind it, live requests and answers are the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

import pytest

from angel_x.domain.exchange.answer import Answer, VenueState
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import OrderStatus, Side
from angel_x.services.trading.shadow import Shadow
from angel_x.services.trading.shadowed_venue import ShadowedVenue
from tests.builders.paper import Exchange
from tests.builders.recorders import RecordingMeter
from tests.builders.shadow import quoting_exchange, shadow_beside
from tests.fakes.twins import MemoryTwins
from tests.fakes.venue import ScriptedVenue

FILLED = OrderStatus.FILLED


class BrokenTwins(MemoryTwins):
    """A store whose server does not answer."""

    def begin(self) -> NoReturn:
        raise OSError("no server")


@pytest.fixture
def exchange() -> Exchange:
    return quoting_exchange()


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


def missed(meter: RecordingMeter) -> list[tuple[float, str]]:
    return [
        (n, labels["reason"]) for name, n, labels in meter.added if name is Metric.SHADOW_MISSED
    ]


def answers(exchange: Exchange, shadow: Shadow | None) -> tuple[list[list[Answer]], ScriptedVenue]:
    """Return the answers of a venue to one request of each kind, and the requests."""
    scripted = ScriptedVenue()
    venue = scripted if shadow is None else ShadowedVenue(scripted, shadow)
    traded, rests = exchange.order(limit=10_100), exchange.order(Side.BUY, limit=9_900)
    traded.id, rests.id = 1, 2
    wanted = Amendment(rests.quantity, rests.limit_price, None)
    given = [
        venue.place([traded, rests], 5.0, {2}),
        venue.amend([(rests, wanted)], 5.0),
        venue.cancel([rests], 5.0),
        venue.status(["angel-x-1"]),
        venue.settle([traded]),
    ]
    return [list(each) for each in given], scripted


def raising(_work: Callable[[], None]) -> bool:
    raise RuntimeError("can't start new thread")


@pytest.mark.parametrize("hand_over", [None, raising, lambda _work: False])
def test_a_shadow_that_fails_leaves_requests_and_answers_as_they_are(
    exchange: Exchange, meter: RecordingMeter, hand_over: Callable[..., bool] | None
) -> None:
    given = {} if hand_over is None else {"hand_over": hand_over}
    broken = shadow_beside(exchange, BrokenTwins(), meter=meter, **given)

    plain, shadowed = answers(exchange, None), answers(exchange, broken)

    assert shadowed[0] == plain[0]
    assert shadowed[0][0][0].state is VenueState.STANDING
    assert shadowed[1].asked == plain[1].asked
    assert shadowed[1].absent == plain[1].absent == {2}
    reason = "full" if given and hand_over is not raising else "failed"
    assert missed(meter) == [(2, reason), (1, reason), (1, reason)]


def test_orders_that_come_out_of_the_queue_too_late_have_no_twin(
    exchange: Exchange, meter: RecordingMeter
) -> None:
    waiting: list[Callable[[], None]] = []
    store = MemoryTwins()

    def hand_over(work: Callable[[], None]) -> bool:
        waiting.append(work)
        return True

    shadow = shadow_beside(exchange, store, hand_over=hand_over, meter=meter)
    late, soon = exchange.order(limit=10_100), exchange.order(limit=10_100)
    shadow.arrive([late])
    exchange.clock.advance(3)
    shadow.arrive([soon])
    soon.limit_price = None
    assert store.twins == {}

    for work in waiting:
        work()

    assert {number: twin.status for number, twin in store.twins.items()} == {soon.id: FILLED}
    assert missed(meter) == [(1, "late")]
    assert store.twins[soon.id].limit_price == 101


def test_a_twin_meets_the_quotes_of_a_moment_in_which_the_request_has_left(
    exchange: Exchange,
) -> None:
    store, handed_at = MemoryTwins(), exchange.clock()
    order = exchange.order(limit=10_100)

    shadow_beside(exchange, store).arrive([order])

    assert (store.filled_at[order.id] - handed_at).total_seconds() == pytest.approx(0.05)


def test_resting_twins_are_followed_once_a_second(exchange: Exchange) -> None:
    store = MemoryTwins()
    shadow = shadow_beside(exchange, store)
    order = exchange.order(limit=9_900)
    shadow.arrive([order])
    shadow.follow()
    exchange.quote(bid=9_800, ask=9_850)

    shadow.follow()
    assert store.twins[order.id].status is OrderStatus.WORKING
    exchange.clock.advance(1)
    shadow.follow()

    assert store.twins[order.id].status is FILLED
