"""The guard of live trading, and the venue behind it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from angel_x.domain.exchange.answer import UNSENT, Answer, VenueState
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import Order, OrderStatus
from angel_x.services.trading.guarded_venue import GuardedVenue
from angel_x.services.trading.live_guard import LiveGuard
from tests.builders.live import ASHA, NOW, STRANGER, TERMS, MemoryLive
from tests.builders.trading import SCRIPTED, Trading
from tests.fakes.venue import ScriptedVenue

UNCONFIRMED = DenialReason.LIVE_UNCONFIRMED


class Gate:
    """Refuses all accounts while it is shut."""

    def __init__(self) -> None:
        self.is_shut = False

    def refusal(self, _user_id: int) -> DenialReason | None:
        return UNCONFIRMED if self.is_shut else None


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def scripted() -> ScriptedVenue:
    return ScriptedVenue()


@pytest.fixture
def trading(gate: Gate, scripted: ScriptedVenue) -> Trading:
    return Trading(SCRIPTED, at_broker=lambda _: GuardedVenue(scripted, gate.refusal))


def test_an_order_that_the_guard_refuses_is_denied_and_never_sent(
    trading: Trading, gate: Gate, scripted: ScriptedVenue
) -> None:
    gate.is_shut = True
    refused = trading.order("101.00")
    gate.is_shut = False
    passed = trading.order("101.00")

    assert (refused.status, trading.row(refused.id).reason) == (OrderStatus.DENIED, UNCONFIRMED)
    assert passed.status is OrderStatus.FILLED
    assert scripted.requests("place") == 1


def submitting(trading: Trading, attempt: int = 1) -> Order:
    order = trading.exchange.order(lots=1, limit=9_900)
    order.status, order.attempt = OrderStatus.SUBMITTING, attempt
    return order


def test_the_guard_is_asked_again_before_an_order_is_sent(
    trading: Trading, gate: Gate, scripted: ScriptedVenue
) -> None:
    gate.is_shut = True

    answers = trading.venue.place([submitting(trading)])

    assert answers == [Answer(VenueState.REJECTED, reason=UNCONFIRMED)]
    assert scripted.requests("place") == 0


def test_a_later_attempt_that_the_guard_refuses_is_answered_as_the_earlier_one_stands(
    trading: Trading, gate: Gate, scripted: ScriptedVenue
) -> None:
    arrived, lost = submitting(trading), submitting(trading)
    trading.venue.place([arrived])
    arrived.attempt = lost.attempt = 2
    gate.is_shut = True

    there, absent = trading.venue.place([arrived, lost])

    assert there.state is VenueState.STANDING
    assert (absent.state, absent.reason) == (VenueState.REJECTED, UNCONFIRMED)
    assert scripted.requests("place") == 1
    assert scripted.asked[-1] == ("status", [arrived.tag, lost.tag]), "one look for both"


def test_an_order_that_is_known_to_be_absent_is_refused_without_a_look(
    trading: Trading, gate: Gate, scripted: ScriptedVenue
) -> None:
    order = submitting(trading, attempt=2)
    gate.is_shut = True

    (answer,) = trading.venue.place([order], absent={order.id})

    assert answer == Answer(VenueState.REJECTED, reason=UNCONFIRMED)
    assert scripted.asked == []


def test_what_rests_can_be_canceled_while_the_guard_refuses_and_not_changed(
    trading: Trading, gate: Gate, scripted: ScriptedVenue
) -> None:
    order = trading.order("99.00")
    gate.is_shut = True

    change = (order, Amendment.of(order))
    assert trading.venue.amend([change]) == [UNSENT]
    trading.cancellation.cancel(1, order.id)

    assert order.status is OrderStatus.CANCELED
    assert (scripted.requests("amend"), scripted.requests("cancel")) == (0, 1)


def test_the_guard_answers_from_records_of_the_last_half_second() -> None:
    store, now = MemoryLive(), [0.0]
    guard = LiveGuard(terms=TERMS, read=store.records, clock=lambda: NOW, monotonic=lambda: now[0])
    store.begin_run("live", TERMS.client_code, "here")
    store.reconciled_at = NOW

    assert guard.refusal(ASHA) is UNCONFIRMED
    store.confirm(TERMS, datetime(2026, 11, 30, 18, 30, tzinfo=UTC), "cli:asha")
    assert guard.refusal(ASHA) is UNCONFIRMED
    now[0] = 0.5
    assert guard.refusal(ASHA) is None
    assert guard.refusal(STRANGER) is DenialReason.LIVE_NOT_ALLOWED
    assert store.reads == 2


def test_a_guard_that_cannot_read_lets_nothing_pass() -> None:
    store, now = MemoryLive(), [0.0]
    guard = LiveGuard(terms=TERMS, read=store.records, clock=lambda: NOW, monotonic=lambda: now[0])
    guard.refusal(ASHA)

    def away(_users: object) -> None:
        raise ConnectionError

    guard.read = away  # type: ignore[assignment]
    now[0] = 1.0

    with pytest.raises(ConnectionError):
        guard.refusal(ASHA)
    with pytest.raises(ConnectionError):
        guard.refusal(ASHA)
