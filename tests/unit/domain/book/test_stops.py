"""What a trading state does to orders that are in the market or on their way there."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.domain.book.account import Account, Exposure
from angel_x.domain.book.book import Book
from angel_x.domain.book.margin_pool import MarginPools
from angel_x.domain.book.position import Position
from angel_x.domain.book.risk import TradingRules, TradingState, closes
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import Order, OrderStatus, OrderType, Priority, Side, Validity
from angel_x.domain.values.money import ZERO
from tests.builders.risk import flat

USER, SYMBOL, UNDERLYING, LOT = 1, "NIFTY_25AUG26_24050CE", "NIFTY", 65
BUY, SELL = Side.BUY, Side.SELL
NORMAL, EMERGENCY = Priority.NORMAL, Priority.EMERGENCY
WORKING, PENDING = OrderStatus.WORKING, OrderStatus.TRIGGER_PENDING
SUBMITTING, FILLED = OrderStatus.SUBMITTING, OrderStatus.FILLED
FREE = ChargeRates(*[Decimal(0)] * 7)
CROSSED = Terms(Decimal(100), FREE, None, LOT, Decimal(100), underlying=UNDERLYING)
SCOPES = [("system", ""), ("user", "1"), ("underlying", UNDERLYING)]
ELSEWHERE = [("user", "2"), ("underlying", "BANKNIFTY"), ("user", UNDERLYING)]


def order(
    side: Side = SELL,
    priority: Priority = NORMAL,
    status: OrderStatus = WORKING,
    quantity: int = LOT,
    filled: int = 0,
    name: str = "mine",
) -> Order:
    return Order(
        id=1,
        user_id=USER,
        symbol=SYMBOL,
        side=side,
        quantity=quantity,
        filled_quantity=filled,
        order_type=OrderType.STOP_LIMIT if status is PENDING else OrderType.LIMIT,
        limit_price=Decimal(100),
        validity=Validity.DAY,
        priority=priority,
        status=status,
        valid_until=datetime(2026, 8, 25, 10, 10, tzinfo=UTC),
        client_order_id=name,
        trigger_price=Decimal(101) if status is PENDING else None,
    )


def book(
    it: Order, state: str, held: int = 0, scope: tuple[str, str] = ("system", ""), beside: int = 0
) -> Book:
    """Return the book of an account that holds units and offers those of an order.

    ``beside`` are units of other orders that rest on the same side.
    """
    made = Book(
        {USER: Account(USER, Decimal(10**9), ZERO, ZERO, open_orders=1)},
        {},
        {},
        TradingRules.from_rows([(*scope, state)], ()),
        MarginPools(sheet=flat(Decimal(10))),
    )
    made.exposures[USER, SYMBOL] = exposure = Exposure(USER, SYMBOL, held)
    exposure.offer(it.side, it.leaves_quantity + beside)
    return made


def long_for(side: Side, units: int) -> int:
    """Return the position that orders of a side close."""
    return units if side is SELL else -units


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("state", "priority", "closing", "is_stopped"),
    [
        ("active", NORMAL, False, False),
        ("active", EMERGENCY, False, False),
        ("reducing", NORMAL, True, False),
        ("reducing", EMERGENCY, True, False),
        ("reducing", NORMAL, False, True),
        ("reducing", EMERGENCY, False, True),
        ("halted", EMERGENCY, True, False),
        ("halted", NORMAL, True, True),
        ("halted", Priority.HIGH, True, True),
        ("halted", NORMAL, False, True),
        ("halted", EMERGENCY, False, True),
    ],
)
def test_a_state_stops_what_does_not_close_and_a_halt_all_but_emergencies_that_do(
    side: Side, state: str, priority: Priority, *, closing: bool, is_stopped: bool
) -> None:
    it = order(side, priority)
    made = book(it, state, long_for(side, LOT) if closing else 0)

    assert made.may_stand(it) is not is_stopped


@pytest.mark.parametrize("state", ["reducing", "halted"])
@pytest.mark.parametrize("scope", SCOPES + ELSEWHERE)
def test_a_state_stops_orders_of_its_scope_alone(state: str, scope: tuple[str, str]) -> None:
    it = order()

    assert book(it, state, scope=scope).may_stand(it) is (scope not in SCOPES)


@pytest.mark.parametrize("state", ["reducing", "halted"])
def test_an_exit_of_a_square_off_is_never_stopped(state: str) -> None:
    it = order(name="square-off 7 1")

    assert book(it, state).may_stand(it)


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("held", "beside", "is_stopped"),
    [(LOT, 0, False), (LOT - 1, 0, True), (2 * LOT, LOT, False), (2 * LOT - 1, LOT, True)],
)
def test_the_position_must_cover_all_that_rests_on_the_side_of_an_order(
    side: Side, held: int, beside: int, *, is_stopped: bool
) -> None:
    it = order(side)

    made = book(it, "reducing", long_for(side, held), beside=beside)

    assert made.may_stand(it) is not is_stopped


@pytest.mark.parametrize("side", Side)
def test_only_what_has_not_traded_of_an_order_must_be_covered(side: Side) -> None:
    it = order(side, status=OrderStatus.PARTIALLY_FILLED, quantity=2 * LOT, filled=LOT)

    assert book(it, "reducing", long_for(side, LOT)).may_stand(it)
    assert not book(it, "reducing", long_for(side, LOT - 1)).may_stand(it)


@pytest.mark.parametrize("state", TradingState)
@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize("held", [0, LOT])
def test_what_comes_in_is_let_in_exactly_where_it_may_stand_once_it_rests(
    state: TradingState, priority: Priority, held: int
) -> None:
    it = order(priority=priority, status=OrderStatus.RECEIVED)
    made = book(it, state.value, held)
    made.exposures[USER, SYMBOL].open_sell_quantity = 0

    made.decide(it, UNTRADED)

    if it.status is WORKING:
        assert made.may_stand(it)
    else:
        assert it.status is OrderStatus.DENIED
        it.status = WORKING
        made.exposures[USER, SYMBOL].offer(SELL, LOT)
        assert not made.may_stand(it)


@pytest.mark.parametrize("held", [0, LOT])
@pytest.mark.parametrize("priority", Priority)
def test_what_waits_stands_while_reducing_and_halted_only_where_it_would_be_let_in(
    priority: Priority, held: int
) -> None:
    it = order(priority=priority, status=OrderStatus.RECEIVED)
    halted, reducing = book(it, "halted", held), book(it, "reducing", held)
    halted.exposures[USER, SYMBOL].open_sell_quantity = 0

    assert reducing.may_stand(it)
    assert halted.may_stand(it) is (priority is EMERGENCY and held > 0)


def test_the_wrong_side_of_a_position_closes_nothing() -> None:
    for side in Side:
        exposure = Exposure(USER, SYMBOL, -long_for(side, LOT))
        assert not closes(side, LOT, exposure)
        assert not closes(side, 1, Exposure(USER, SYMBOL))
        assert closes(side, LOT, Exposure(USER, SYMBOL, long_for(side, LOT)))


@pytest.mark.parametrize("status", [WORKING, PENDING])
@pytest.mark.parametrize("state", TradingState)
@pytest.mark.parametrize("closing", [True, False])
def test_a_resting_order_trades_only_where_it_is_not_stopped(
    status: OrderStatus, state: TradingState, *, closing: bool
) -> None:
    it = order(status=status)
    made = book(it, state.value, LOT if closing else 0)
    trades = state is TradingState.ACTIVE or (state is TradingState.REDUCING and closing)

    made.match(it, CROSSED)

    assert it.status is (FILLED if trades else status)
    assert bool(made.fills) is trades
    assert made.exposures[USER, SYMBOL].net_quantity == (LOT if closing else 0) - LOT * trades
    if not trades:
        assert not made.moves
        assert not made.entries
        assert made.accounts[USER].cash == 10**9


def test_a_stopped_order_outside_the_band_is_not_rejected_either() -> None:
    it = order(status=PENDING)
    made = book(it, "halted")

    made.match(it, Terms(None, FREE, DenialReason.PRICE_BAND, underlying=UNDERLYING))

    assert it.status is PENDING
    assert not made.moves


def test_a_stop_that_comes_alive_outside_the_band_is_rejected_and_holds_nothing() -> None:
    it = order(status=PENDING)
    made = book(it, "active")

    made.match(it, Terms(Decimal(100), FREE, DenialReason.PRICE_BAND, LOT, underlying=UNDERLYING))

    assert it.status is OrderStatus.REJECTED
    assert [move.reason for move in made.moves] == [DenialReason.PRICE_BAND]
    assert made.exposures[USER, SYMBOL].open_sell_quantity == 0
    assert not made.fills


@pytest.mark.parametrize("status", [WORKING, PENDING])
def test_a_resting_order_that_the_market_refuses_now_goes_on_resting(status: OrderStatus) -> None:
    it = order(status=status)
    made = book(it, "active")

    made.match(it, Terms(Decimal(100), FREE, DenialReason.STALE_QUOTE, LOT, underlying=UNDERLYING))

    assert it.status is WORKING
    assert not made.fills
    assert made.exposures[USER, SYMBOL].open_sell_quantity == LOT


@pytest.mark.parametrize(("priority", "trades"), [(EMERGENCY, True), (NORMAL, False)])
def test_a_resting_order_that_closes_trades_under_a_halt_in_an_emergency_alone(
    priority: Priority, *, trades: bool
) -> None:
    it = order(priority=priority)
    made = book(it, "halted", LOT)

    made.match(it, CROSSED)

    assert it.status is (FILLED if trades else WORKING)
    assert len(made.fills) == trades


@pytest.mark.parametrize("state", TradingState)
@pytest.mark.parametrize("closing", [True, False])
def test_the_answer_of_a_venue_is_taken_only_where_the_order_is_not_stopped(
    state: TradingState, *, closing: bool
) -> None:
    it = order(status=SUBMITTING)
    made = book(it, state.value, LOT if closing else 0)
    trades = state is TradingState.ACTIVE or (state is TradingState.REDUCING and closing)

    made.settle(it, CROSSED)

    assert bool(made.fills) is trades
    assert it.status is (FILLED if trades else OrderStatus.CANCELED)
    assert made.exposures[USER, SYMBOL].open_sell_quantity == 0
    assert made.accounts[USER].open_orders == 0
    if not trades:
        assert [move.reason for move in made.moves] == [CancelReason.KILL_SWITCH]
        assert not made.entries


UNTRADED = Terms(None, FREE, None, 0, Decimal(100), underlying=UNDERLYING)
WITHOUT_SIZE = Terms(Decimal(100), FREE, None, 0, Decimal(100), underlying=UNDERLYING)
UNTRIGGERED = Terms(Decimal(100), FREE, None, LOT, None, False, UNDERLYING)  # noqa: FBT003


@pytest.mark.parametrize(
    ("terms", "status"), [(UNTRADED, WORKING), (WITHOUT_SIZE, WORKING), (UNTRIGGERED, PENDING)]
)
def test_what_does_not_trade_rests_and_keeps_what_it_offers(
    terms: Terms, status: OrderStatus
) -> None:
    sent, pending = order(status=SUBMITTING), order(status=PENDING)
    at_venue, resting = book(sent, "active"), book(pending, "active")

    at_venue.settle(sent, terms)
    resting.match(pending, terms)

    assert (sent.status, pending.status) == (status, status)
    for made in (at_venue, resting):
        assert not made.fills
        assert made.exposures[USER, SYMBOL].open_sell_quantity == LOT


def test_what_the_venue_refuses_is_rejected_whatever_is_halted() -> None:
    it = order(status=SUBMITTING)
    made = book(it, "halted")

    made.settle(it, Terms(None, FREE, DenialReason.PRICE_BAND, underlying=UNDERLYING))

    assert it.status is OrderStatus.REJECTED
    assert [move.reason for move in made.moves] == [DenialReason.PRICE_BAND]


@pytest.mark.parametrize("held", [LOT, 0])
def test_an_exit_is_decided_under_a_halt_and_only_reduces(held: int) -> None:
    it = order(status=OrderStatus.RECEIVED, priority=EMERGENCY, name="square-off 7 1")
    made = book(it, "halted", held)
    made.exposures[USER, SYMBOL].open_sell_quantity = 0
    if held:
        position = Position(USER, SYMBOL, it.product, held, held * Decimal(90))
        made.positions[USER, SYMBOL, it.product] = position

    made.decide(it, CROSSED)

    assert it.status is (FILLED if held else OrderStatus.DENIED)
    assert [move.reason for move in made.moves] == [None if held else DenialReason.REDUCING_ONLY]
