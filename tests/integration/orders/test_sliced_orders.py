"""Orders above the freeze quantity against real servers: cut once, decided in parts, told as one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.bootstrap import Application
from angel_x.domain.book.limits import LimitKind
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import OrderStatus, Priority, Side, Validity
from angel_x.domain.records.live_event import BEGINNING
from angel_x.domain.records.order_record import OrderFilter
from angel_x.errors import IdempotencyConflict, InvalidAmendment, InvalidOrder, OrderAlreadyClosed
from angel_x.services.intake.acceptance import Accepted, Submission
from angel_x.services.trading.amendment_form import AmendmentRequest
from tests.builders.orders import Market

FREEZE = 65 * 27


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@pytest.fixture
def user(market: Market) -> int:
    return market.account()


def rows(market: Market, query: str) -> list[tuple[Any, ...]]:
    with market.application.base.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def slices(market: Market) -> list[int]:
    return [order_id for (order_id,) in rows(market, "SELECT id FROM orders WHERE parent_id > 0")]


def sliced(market: Market, user: int, quantity: int = FREEZE * 2 + 65, **wanted: Any) -> Accepted:
    (accepted,) = market.accept(user, market.request(quantity=quantity, **wanted))
    return accepted


def parent(market: Market) -> tuple[Any, ...]:
    ((found),) = rows(
        market,
        "SELECT status, filled_quantity, average_price::text, reason FROM orders WHERE slices > 0",
    )
    return found


def test_an_order_above_the_freeze_quantity_is_cut_at_acceptance(market: Market, user: int) -> None:
    accepted = sliced(market, user, client_order_id="big", priority=Priority.HIGH)

    assert rows(
        market,
        "SELECT client_order_id, quantity, slices, held, priority, parent_id, status "
        "FROM orders ORDER BY id",
    ) == [
        ("big", FREEZE * 2 + 65, 3, True, "high", None, "received"),
        ("big 1", FREEZE, 0, False, "high", accepted.order_id, "received"),
        ("big 2", FREEZE, 0, False, "high", accepted.order_id, "received"),
        ("big 3", 65, 0, False, "high", accepted.order_id, "received"),
    ]
    assert rows(market, "SELECT count(*) FROM order_events WHERE status = 'received'") == [(4,)]
    market.assert_invariants()


def test_the_freeze_quantity_itself_is_one_order(market: Market, user: int) -> None:
    sliced(market, user, FREEZE)

    assert rows(market, "SELECT quantity, slices, held FROM orders") == [(FREEZE, 0, False)]


def test_the_whole_is_filled_when_all_its_slices_are(market: Market, user: int) -> None:
    accepted = sliced(market, user)

    market.application.trading.execution.run(slices(market))

    assert parent(market) == ("filled", FREEZE * 2 + 65, "100.5000", None)
    history = market.application.people.reading.order(user, str(accepted.order_id))
    assert [s.status for s in history.slices] == [OrderStatus.FILLED] * 3
    assert sum(fill.quantity for fill in history.fills) == history.quantity
    assert [e.status for e in history.events] == [OrderStatus.RECEIVED, OrderStatus.FILLED]
    assert rows(market, "SELECT quantity FROM positions") == [(FREEZE * 2 + 65,)]
    market.assert_invariants()


def test_a_doorbell_for_the_whole_finds_its_slices(market: Market, user: int) -> None:
    accepted = sliced(market, user)

    market.application.trading.execution.run([accepted.order_id])

    assert parent(market)[0] == "filled"


def test_an_account_is_served_in_the_order_of_acceptance_slices_included(market: Market) -> None:
    # Enough for the slices and for nothing behind them.
    poor = market.account("poor", cash="355000")
    big = market.request(quantity=FREEZE * 2)
    small = market.request()
    accepted = market.accept(poor, big, small)

    market.application.trading.execution.run([accepted[1].order_id])

    assert parent(market)[0] == "filled"
    assert market.statuses()[accepted[1].order_id] == "denied"
    market.assert_invariants()


def test_the_average_price_is_that_of_all_slices(market: Market, user: int) -> None:
    sliced(market, user, FREEZE * 2)
    first, second = slices(market)

    market.application.trading.execution.run_exactly([first])
    assert parent(market) == ("partially_filled", FREEZE, "100.5000", None)
    market.assert_invariants()
    market.quote(market.symbols[0], "101.00", "101.50")
    market.application.trading.execution.run_exactly([second])

    assert parent(market) == ("filled", FREEZE * 2, "101.0000", None)
    market.assert_invariants()


def test_slices_that_rest_make_the_whole_working(market: Market, user: int) -> None:
    sliced(market, user, limit="90.00")

    market.application.trading.execution.run(slices(market))

    assert parent(market) == ("working", 0, None, None)
    assert rows(market, "SELECT open_orders FROM users") == [(3,)]
    market.assert_invariants()


def test_a_whole_of_which_every_slice_is_denied_is_denied(market: Market) -> None:
    poor = market.account("poor", cash="100")
    sliced(market, poor)

    market.application.trading.execution.run(slices(market))

    assert parent(market) == ("denied", 0, None, "INSUFFICIENT_MARGIN")
    market.assert_invariants()


def test_a_whole_of_which_a_slice_is_denied_keeps_what_traded(market: Market) -> None:
    poor = market.account("poor", cash="200000")
    sliced(market, poor, FREEZE * 2)

    market.application.trading.execution.run(slices(market))

    assert parent(market) == ("canceled", FREEZE, "100.5000", "INSUFFICIENT_MARGIN")
    market.assert_invariants()


def test_immediate_or_cancel_holds_for_every_slice(market: Market, user: int) -> None:
    market.quote(market.symbols[0], "100.00", "100.50", size=FREEZE + 65)
    sliced(market, user, FREEZE * 2, limit="101.00", validity=Validity.IOC)

    market.application.trading.execution.run(slices(market))

    status, filled, _, reason = parent(market)
    assert (status, filled, reason) == ("canceled", FREEZE + 65, "NOT_FILLED_AT_ONCE")
    market.assert_invariants()


def test_canceling_the_whole_cancels_every_open_slice(market: Market, user: int) -> None:
    accepted = sliced(market, user, limit="90.00")
    market.application.trading.execution.run(slices(market)[:1])

    market.application.trading.cancellation.cancel(user, accepted.order_id)

    assert set(market.statuses().values()) == {"canceled"}
    assert rows(market, "SELECT margin_used::text, open_orders FROM users") == [("0.00", 0)]
    with pytest.raises(OrderAlreadyClosed):
        market.application.trading.cancellation.cancel(user, accepted.order_id)
    market.assert_invariants()


def test_the_whole_expires_with_its_slices(market: Market, user: int) -> None:
    sliced(market, user, limit="90.00")
    market.application.trading.execution.run(slices(market)[:1])
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET valid_until = now() - interval '1 second'")

    market.application.trading.expiry.run()

    assert set(market.statuses().values()) == {"expired"}
    market.assert_invariants()


def test_a_whole_that_expires_says_so_whatever_became_of_its_first_slice(
    market: Market, user: int
) -> None:
    sliced(market, user, limit="90.00")
    market.application.trading.execution.run(slices(market))
    market.application.trading.cancellation.cancel(user, slices(market)[0])
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET valid_until = now() - interval '1 second'")

    market.application.trading.expiry.run()

    assert parent(market) == ("expired", 0, None, "VALIDITY_ENDED")
    market.assert_invariants()


def test_the_same_content_again_is_the_same_whole(market: Market, user: int) -> None:
    request = market.request(quantity=FREEZE * 2)
    (first,) = market.accept(user, request)

    (second,) = market.accept(user, request)

    assert (second.order_id, second.replayed) == (first.order_id, True)
    assert rows(market, "SELECT count(*) FROM orders") == [(3,)]
    assert rows(market, "SELECT count(*) FROM order_events") == [(3,)]


def test_a_replay_after_the_freeze_quantity_fell_stores_no_slices(
    market: Market, user: int
) -> None:
    request = market.request(quantity=FREEZE)
    (first,) = market.accept(user, request)
    relist(market, freeze_quantity=650)

    (second,) = market.accept(user, request)

    assert second.order_id == first.order_id
    assert rows(market, "SELECT quantity, slices FROM orders") == [(FREEZE, 0)]


def test_other_content_under_the_same_id_is_a_conflict_and_stores_nothing(
    market: Market, user: int
) -> None:
    market.accept(user, market.request(quantity=FREEZE * 2, client_order_id="a"))
    other = market.request(Side.SELL, quantity=FREEZE * 3, client_order_id="a")

    (outcome,) = market.application.intake.acceptance.accept([Submission(user, (other,))])

    assert isinstance(outcome, IdempotencyConflict)
    assert rows(market, "SELECT count(*) FROM orders") == [(3,)]


def test_an_id_of_full_length_leaves_room_for_its_slices(market: Market, user: int) -> None:
    sliced(market, user, client_order_id="x" * 64)

    assert rows(market, "SELECT max(length(client_order_id)) FROM orders") == [(66,)]


def test_more_slices_than_two_hundred_are_refused(market: Market, user: int) -> None:
    request = market.request(quantity=FREEZE * 200 + 65)

    with pytest.raises(InvalidOrder) as caught:
        market.application.intake.order_check.check((request,))

    assert [(f.field, f.value) for f in caught.value.faults] == [
        ("quantity", str(request.quantity))
    ]
    assert rows(market, "SELECT count(*) FROM orders") == [(0,)]


def test_a_request_is_not_sliced_into_more_orders_than_it_may_hold(
    market: Market, user: int
) -> None:
    requests = tuple(market.request(quantity=FREEZE * 200) for _ in range(51))

    with pytest.raises(InvalidOrder) as caught:
        market.application.intake.order_check.check(requests)

    assert [(f.index, f.field) for f in caught.value.faults] == [(50, "quantity")]


def test_a_new_price_holds_for_every_slice_and_for_the_whole(market: Market, user: int) -> None:
    accepted = sliced(market, user, limit="90.00")
    market.application.trading.execution.run(slices(market)[:2])

    market.application.trading.amending.amend(
        user, accepted.order_id, AmendmentRequest(limit_price=Decimal("95.00"))
    )

    assert rows(market, "SELECT DISTINCT limit_price::text FROM orders") == [("95.00",)]
    assert parent(market)[0] == "working"
    market.assert_invariants()


def test_a_price_that_one_slice_cannot_bear_changes_none(market: Market) -> None:
    poor = market.account("poor", cash="355000")
    accepted = sliced(market, poor, FREEZE * 2, limit="100.00")
    market.application.trading.execution.run(slices(market))
    before = rows(market, "SELECT id, limit_price, reserved, time_priority FROM orders ORDER BY 1")

    with pytest.raises(Exception, match="INSUFFICIENT_MARGIN"):
        market.application.trading.amending.amend(
            poor, accepted.order_id, AmendmentRequest(limit_price=Decimal("120.00"))
        )

    after = rows(market, "SELECT id, limit_price, reserved, time_priority FROM orders ORDER BY 1")
    assert after == before
    market.assert_invariants()


@pytest.mark.parametrize("of_a_slice", [False, True])
def test_neither_the_quantity_of_the_whole_nor_a_single_slice_is_amended(
    market: Market, user: int, *, of_a_slice: bool
) -> None:
    accepted = sliced(market, user, limit="90.00")
    order_id = slices(market)[0] if of_a_slice else accepted.order_id

    with pytest.raises(InvalidAmendment):
        market.application.trading.amending.amend(user, order_id, AmendmentRequest(quantity=FREEZE))

    assert rows(market, "SELECT sum(quantity) FROM orders WHERE parent_id > 0") == [
        (FREEZE * 2 + 65,)
    ]


def test_lists_show_the_whole_and_its_slices_only_when_asked(market: Market, user: int) -> None:
    accepted = sliced(market, user)
    market.accept(user, market.request())

    def listed(wanted: OrderFilter) -> Sequence[str | None]:
        page = market.application.people.reading.orders(user, wanted, after=None, limit=10)
        return [order.parent_id for order in page.orders]

    assert listed(OrderFilter()) == [None, None]
    assert listed(OrderFilter(parent_id=accepted.order_id)) == [str(accepted.order_id)] * 3


def test_the_stream_tells_of_the_whole_as_of_any_order(market: Market, user: int) -> None:
    accepted = sliced(market, user, client_order_id="big")

    market.application.trading.execution.run(slices(market))

    told = published(market)
    assert [(e["client_order_id"], e["status"], e.get("parent_id")) for e in told] == [
        *((f"big {n}", "filled", str(accepted.order_id)) for n in (1, 2, 3)),
        ("big", "filled", None),
    ]
    assert (told[-1]["filled_quantity"], told[-1]["average_price"]) == (FREEZE * 2 + 65, "100.5000")


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (LimitKind.MAX_ORDER_QUANTITY, FREEZE, DenialReason.QUANTITY_LIMIT),
        (LimitKind.MAX_ORDER_NOTIONAL, FREEZE * 101, DenialReason.NOTIONAL_LIMIT),
    ],
)
def test_slicing_is_no_way_around_a_limit(
    market: Market, user: int, kind: LimitKind, value: int, reason: DenialReason
) -> None:
    market.application.people.limits.put(user, {kind.value: value}, "test")
    sliced(market, user)

    market.application.trading.execution.run(slices(market))

    assert parent(market) == ("denied", 0, None, reason.value)
    assert rows(market, "SELECT count(*) FROM fills") == [(0,)]


def test_only_what_can_be_decided_counts_as_waiting(market: Market, user: int) -> None:
    sliced(market, user)

    assert sum(market.application.intake.store.waiting().values()) == 3


def published(market: Market) -> list[dict[str, Any]]:
    """What the live stream holds, oldest first."""
    return [
        json.loads(event.body)
        for event in market.application.base.events.read(BEGINNING, 10).events
    ]


def relist(market: Market, *, freeze_quantity: int) -> None:
    """List the same contracts under another freeze quantity."""
    application = market.application
    found = application.market.universes.current().contracts
    changed = [replace(contract, freeze_quantity=freeze_quantity) for contract in found]
    SqlContracts(application.base.engine).replace(Universe(changed))
    universe = application.market.universes.version("") or application.market.universes.current()
    application.market.contracts.publish(universe.version)
