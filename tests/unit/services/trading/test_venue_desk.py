"""Requests to a venue of its own: committed first, never repeated blindly, found out about by tag."""

from __future__ import annotations

from decimal import Decimal

import pytest

from angel_x.domain.exchange.answer import Answer, VenueState
from angel_x.domain.orders.order import ASKED, Order, OrderStatus
from angel_x.errors import OrderOnItsWay
from tests.builders.paper import LOT
from tests.builders.trading import ALL, SCRIPTED, Trading, end_session

SUBMITTING, WORKING = OrderStatus.SUBMITTING, OrderStatus.WORKING
PENDING_CANCEL, PENDING_AMEND = OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_AMEND
CANCELED, FILLED = OrderStatus.CANCELED, OrderStatus.FILLED


@pytest.fixture
def trading() -> Trading:
    return Trading(SCRIPTED)


def request(trading: Trading, name: str, order: Order | None = None) -> Order:
    """Make a request of a name for an order that rests; return the order."""
    if name == "place":
        return trading.order()
    resting = order or trading.order()
    if name == "cancel":
        trading.cancellation.cancel(1, resting.id)
    else:
        trading.amend(resting, "98.00", lots=3)
    return resting


PENDING = [("place", SUBMITTING), ("cancel", PENDING_CANCEL), ("amend", PENDING_AMEND)]
REQUESTS = [name for name, _ in PENDING]


@pytest.mark.parametrize(("name", "status"), PENDING)
def test_a_request_is_committed_and_no_account_is_locked_while_the_venue_takes_its_time(
    trading: Trading, name: str, status: OrderStatus
) -> None:
    seen: list[tuple[list[str], bool]] = []
    order = None if name == "place" else trading.order()
    trading.scripted.meanwhile = lambda: seen.append(
        (list(trading.tables.statuses().values()), bool(trading.tables.account_locks))
    )

    request(trading, name, order)

    assert seen == [([status.value], False)]


@pytest.mark.parametrize(("name", "status"), PENDING)
@pytest.mark.parametrize("lost", ["lost_requests", "lost_answers"])
def test_an_unknown_answer_leaves_the_order_pending_and_nothing_is_sent_again(
    trading: Trading, name: str, status: OrderStatus, lost: str
) -> None:
    getattr(trading.scripted, lost).add(name)
    order = request(trading, name)

    assert order.status is status
    assert trading.row(order.id).lease_until is not None
    trading.scripted.lost_answers.add("status")
    for _ in range(3):
        trading.resolve(order)

    assert order.status is status
    assert trading.scripted.requests(name) == 1
    assert trading.scripted.requests("status") == 3
    assert trading.margin_used >= order.reserved > 0


@pytest.mark.parametrize("name", REQUESTS)
def test_an_order_whose_lease_lasts_is_not_asked_about(trading: Trading, name: str) -> None:
    trading.scripted.lost_answers.add(name)
    order = request(trading, name)

    trading.execution.run_exactly([order.id])

    assert trading.scripted.requests("status") == 0


@pytest.mark.parametrize(("name", "status"), PENDING)
def test_an_order_for_whose_request_there_is_no_room_is_asked_about_at_once_and_never_parked(
    trading: Trading, name: str, status: OrderStatus
) -> None:
    order = None if name == "place" else trading.order()
    trading.scripted.unsent.add(name)
    order = request(trading, name, order)
    row = trading.row(order.id)
    assert order.status is status
    assert row.lease_until == trading.clock()

    row.rings = 9
    trading.scripted.lost_answers.add("status")
    trading.execution.run_exactly([order.id])

    assert trading.scripted.requests("status") == 1
    assert (order.status, row.rings) == (status, 0)
    assert row.ring_at > trading.clock()


def test_an_order_that_finds_room_later_is_sent_once_without_a_second_look(
    trading: Trading,
) -> None:
    trading.scripted.unsent.add("place")
    order = trading.order("101.00")
    trading.scripted.unsent.clear()

    trading.execution.run_exactly([order.id])

    assert order.status is FILLED
    assert trading.scripted.asked[-2:] == [("status", [order.tag]), ("place", [order.tag])]
    assert trading.scripted.absent == {order.id}


def test_an_absence_that_is_older_than_another_attempt_places_nothing(trading: Trading) -> None:
    trading.scripted.lost_answers.add("place")
    order = trading.order("101.00")
    trading.end_leases()
    look = trading.scripted.status

    def look_and_fall_behind(tags: list[str]) -> list[Answer]:
        # Another process finds the order absent too, places it, and dies; then its lease ends.
        trading.row(order.id).order.attempt = 2
        return [Answer(VenueState.ABSENT) for _ in look(tags)]

    trading.scripted.status = look_and_fall_behind  # type: ignore[method-assign,assignment]
    trading.execution.run_exactly([order.id])

    assert (order.status, trading.row(order.id).order.attempt) == (SUBMITTING, 2)
    assert trading.scripted.requests("place") == 1


def test_a_lost_answer_to_a_new_order_is_found_out_by_its_tag(trading: Trading) -> None:
    trading.scripted.lost_answers.add("place")
    order = trading.order("101.00")
    assert order.status is SUBMITTING

    trading.resolve(order)

    assert order.status is FILLED
    assert trading.executions == [(f"{order.tag}/1", 2 * LOT)]
    assert trading.scripted.requests("place") == 1


def test_an_order_that_never_arrived_is_placed_again_once_the_venue_says_so(
    trading: Trading,
) -> None:
    trading.scripted.lost_requests.add("place")
    order = trading.order("101.00")
    trading.scripted.lost_requests.clear()

    trading.resolve(order)

    assert order.status is FILLED
    assert trading.statuses(order) == ["submitting", "submitting", "filled"]
    assert order.attempt == 2
    assert trading.scripted.requests("place") == 2


def test_the_same_order_that_arrives_twice_trades_once(trading: Trading) -> None:
    order = trading.order("101.00")

    trading.scripted.place([order])
    trading.scripted.place([order])

    assert trading.executions == [(f"{order.tag}/1", 2 * LOT)]
    assert len(trading.scripted.held[order.tag].executions) == 1


def test_what_the_venue_says_twice_is_recorded_once(trading: Trading) -> None:
    trading.scripted.size = LOT
    order = trading.order("101.00", lots=3)
    trading.scripted.trade(order.tag, LOT)
    trading.scripted.lost_answers.add("cancel")
    trading.cancellation.cancel(1, order.id)

    trading.resolve(order)
    trading.resolve(order)

    assert trading.executions == [(f"{order.tag}/1", LOT), (f"{order.tag}/2", LOT)]
    assert (order.status, order.filled_quantity) == (CANCELED, 2 * LOT)
    assert trading.margin_used == 0
    assert trading.tables.positions.popitem()[1].quantity == 2 * LOT


def test_an_order_that_trades_before_its_cancellation_arrives_is_filled(trading: Trading) -> None:
    order = trading.order()
    trading.scripted.meanwhile = lambda: trading.scripted.trade(order.tag, 2 * LOT)

    trading.cancellation.cancel(1, order.id)

    assert order.status is FILLED
    assert trading.statuses(order) == ["submitting", "working", "pending_cancel", "filled"]
    assert trading.margin_used == 0


def test_a_cancellation_that_the_venue_refuses_lets_the_order_stand(trading: Trading) -> None:
    trading.scripted.refused.add("cancel")
    order = trading.order()
    held = trading.margin_used

    trading.cancellation.cancel(1, order.id)

    assert order.status is WORKING
    assert trading.margin_used == held


def test_a_cancellation_that_was_lost_is_asked_for_again_once_the_order_is_known_to_stand(
    trading: Trading,
) -> None:
    trading.scripted.lost_requests.add("cancel")
    order = trading.order()
    trading.cancellation.cancel(1, order.id)
    trading.scripted.lost_requests.clear()

    trading.resolve(order)

    assert (order.status, trading.row(order.id).reason) == (CANCELED, "REQUESTED")
    assert trading.scripted.requests("cancel") == 2


def test_an_order_that_is_being_canceled_is_not_asked_about_a_second_time(
    trading: Trading,
) -> None:
    trading.scripted.lost_answers.add("cancel")
    order = trading.order()

    for _ in range(2):
        trading.cancellation.cancel(1, order.id)
        trading.cancel_all.run(1, ALL, actor="ann")

    assert order.status is PENDING_CANCEL
    assert trading.scripted.requests("cancel") == 1


def test_an_order_on_its_way_can_be_canceled_and_its_late_answer_is_stale(
    trading: Trading,
) -> None:
    order = trading.exchange.order(limit=9_900)

    def cancel() -> None:
        trading.scripted.meanwhile = lambda: None
        trading.cancellation.cancel(1, order.id)

    trading.scripted.meanwhile = cancel
    trading.scripted.lost_answers.add("cancel")
    trading.execution.run([order.id])

    assert order.status is PENDING_CANCEL
    trading.scripted.lost_answers.clear()
    trading.resolve(order)
    assert order.status is CANCELED
    assert trading.margin_used == 0


def test_an_order_that_its_venue_does_not_have_yet_is_not_taken_for_canceled(
    trading: Trading,
) -> None:
    order = trading.exchange.order(limit=9_900)

    def cancel() -> None:
        trading.scripted.meanwhile = lambda: None
        trading.cancellation.cancel(1, order.id)

    trading.scripted.meanwhile = cancel
    trading.execution.run([order.id])
    assert order.status is PENDING_CANCEL
    assert trading.margin_used > 0

    trading.resolve(order)

    assert order.status is CANCELED
    assert trading.scripted.held[order.tag].state is VenueState.CANCELED


def test_an_order_that_never_arrived_and_is_canceled_ends_once_no_request_can_arrive(
    trading: Trading,
) -> None:
    trading.scripted.lost_requests.add("place")
    order = trading.order()
    trading.cancellation.cancel(1, order.id)
    assert order.status is PENDING_CANCEL

    trading.resolve(order)

    assert (order.status, trading.row(order.id).reason) == (CANCELED, "REQUESTED")
    assert trading.margin_used == 0
    assert trading.scripted.held == {}


@pytest.mark.parametrize(("limit", "lots"), [("99.50", 3), ("98.00", 1), ("99.50", 1)])
def test_while_an_amendment_is_pending_the_order_holds_what_the_costlier_of_both_takes(
    trading: Trading, limit: str, lots: int
) -> None:
    order = trading.order()
    trading.scripted.lost_answers.add("amend")
    worst = Trading(SCRIPTED).order(max("99.00", limit), max(2, lots))

    trading.amend(order, limit, lots)

    assert order.status is PENDING_AMEND
    assert trading.margin_used == order.reserved == worst.reserved
    trading.resolve(order)
    assert order.status is WORKING
    assert (order.limit_price, order.quantity) == (Decimal(limit), lots * LOT)
    assert trading.margin_used == Trading(SCRIPTED).order(limit, lots).reserved


@pytest.mark.parametrize("lost", [True, False])
def test_an_amendment_that_did_not_happen_is_taken_back(trading: Trading, *, lost: bool) -> None:
    order = trading.order()
    held = order.reserved
    (trading.scripted.lost_requests if lost else trading.scripted.refused).add("amend")

    trading.amend(order, "99.50", lots=3)
    if lost:
        trading.resolve(order)

    assert order.status is WORKING
    assert (order.limit_price, order.quantity, order.reserved) == (Decimal(99), 2 * LOT, held)
    assert trading.margin_used == held
    assert trading.tables.exposures[1, order.symbol].open_buy_quantity == 2 * LOT


@pytest.mark.parametrize("name", REQUESTS)
def test_an_order_of_which_nothing_is_known_cannot_be_amended(trading: Trading, name: str) -> None:
    trading.scripted.lost_answers.add(name)
    order = request(trading, name)

    with pytest.raises(OrderOnItsWay):
        trading.amend(order, "97.00")


def test_a_venue_that_refuses_an_order_without_a_reason_is_quoted_so(trading: Trading) -> None:
    trading.scripted.refused.add("place")
    order = trading.order()

    assert (order.status, trading.row(order.id).reason) == (
        OrderStatus.REJECTED,
        "VENUE_REFUSED",
    )
    assert trading.margin_used == 0


def test_an_order_that_expires_unanswered_ends_as_the_venue_says(trading: Trading) -> None:
    over, traded = trading.order(), trading.order()
    trading.scripted.lost_answers.add("cancel")
    end_session(trading)
    trading.expiry.run()
    assert {over.status, traded.status} == {PENDING_CANCEL}
    trading.scripted.trade(traded.tag, LOT)

    trading.end_leases()
    trading.expiry.run()

    assert [order.status for order in (over, traded)] == [OrderStatus.EXPIRED] * 2
    assert traded.filled_quantity == LOT
    assert trading.margin_used == 0


@pytest.mark.parametrize("name", REQUESTS)
def test_an_order_is_not_parked_while_the_venue_says_nothing_of_it(
    trading: Trading, name: str
) -> None:
    trading.scripted.lost_answers |= {name, "status"}
    order = request(trading, name)
    trading.end_leases()

    assert trading.execution.park([order.id], "not decided") == 0

    assert order.status in ASKED


def test_an_order_that_the_venue_does_not_have_is_parked(trading: Trading) -> None:
    trading.scripted.lost_requests.add("place")
    order = trading.order()
    trading.end_leases()

    assert trading.execution.park([order.id], "not decided") == 1

    assert (order.status, trading.row(order.id).reason) == (
        OrderStatus.REJECTED,
        "PROCESSING_FAILED",
    )
    assert trading.margin_used == 0
