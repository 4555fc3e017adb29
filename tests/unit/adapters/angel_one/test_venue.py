"""The broker as a venue: unknown outcomes, answers after the fact, and what is never sent twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from itertools import combinations
from time import monotonic

import pytest
from httpcore import HTTP11Connection, Request
from structlog.testing import capture_logs

from angel_x.adapters.angel_one.books import Books
from angel_x.adapters.angel_one.records import BookOrder, BookTrade, Placed
from angel_x.adapters.angel_one.scrips import (
    rates_in,
    symbol_of,
    trading_symbol,
    underlying_in,
)
from angel_x.adapters.angel_one.venue_answers import answer_of, reason_of
from angel_x.adapters.angel_one.wire import Turn
from angel_x.domain.exchange.answer import UNKNOWN, VenueState
from angel_x.domain.exchange.charges import ChargeRates, Tariff
from angel_x.domain.exchange.request_budget import RequestAsk
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import ASKED, Order, OrderStatus, OrderType, Priority, Side
from angel_x.errors import BudgetSpent
from angel_x.rehearsal.fake_exchange.faults import Fault, Faults
from config.market import table
from tests.builders.broker import ASK, CALL, LOT, SYMBOL, Broker, Unlimited, broker
from tests.builders.broker import order as request
from tests.builders.terms import RATES
from tests.builders.trading import ANGEL_ONE, Trading


@pytest.fixture(scope="module")
def served() -> Iterator[Broker]:
    with broker() as found:
        yield found


@pytest.fixture
def at_broker(served: Broker) -> Broker:
    served.begin_day()
    return served


@pytest.fixture
def trading(at_broker: Broker) -> Trading:
    return Trading(ANGEL_ONE, at_broker=at_broker.venue)


def sent(trading: Trading, limit: int = 10_100, lots: int = 2) -> Order:
    """Return an order that is committed as submitting."""
    order = trading.exchange.order(lots=lots, limit=limit)
    order.status, order.attempt = OrderStatus.SUBMITTING, 1
    return order


class Noting(Unlimited):
    """Notes who wants to send."""

    def __init__(self) -> None:
        self.asks: list[tuple[str, bool]] = []

    def take(self, ask: RequestAsk) -> float:
        self.asks.append((ask.budget.rpartition(":")[2], ask.is_urgent))
        return super().take(ask)


def test_a_look_for_an_order_goes_before_other_readers_of_the_books(
    at_broker: Broker, trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, noting = trading.order("101.00"), Noting()
    with closing(at_broker.another(noting)) as client:
        monkeypatch.setattr(at_broker, "client", client)
        at_broker.venue(trading.venue.preview).status([order.tag])

    assert [ask for ask in noting.asks if ask[0] in {"order_book", "trade_book"}] == [
        ("order_book", True),
        ("trade_book", True),
    ]


def later(trading: Trading) -> Order:
    """Return an order of a second attempt."""
    order = sent(trading)
    order.attempt = 2
    return order


def test_later_attempts_are_looked_for_once_for_all_of_them(
    at_broker: Broker, trading: Trading
) -> None:
    orders, before = [later(trading) for _ in range(5)], at_broker.requests("order_book")

    answers = trading.venue.place(orders)

    assert [answer.state for answer in answers] == [VenueState.STANDING] * 5
    assert at_broker.requests("order_book") - before == 1


def test_an_order_that_is_known_to_be_absent_is_placed_without_a_look(
    at_broker: Broker, trading: Trading
) -> None:
    order, before = later(trading), at_broker.requests("order_book")

    (answer,) = trading.venue.place([order], absent={order.id})

    assert answer.state is VenueState.STANDING
    assert at_broker.requests("order_book") == before


class Spent(Unlimited):
    """Has no room for some requests."""

    def __init__(self, *rates: str, wait: float = 60.0) -> None:
        self.rates = rates
        self.wait = wait

    def take(self, ask: RequestAsk) -> float:
        if ask.budget.endswith(self.rates):
            raise BudgetSpent("spent", seconds=self.wait)
        return 0.0


@pytest.mark.parametrize(
    ("rate", "state"),
    [
        ("orders", VenueState.UNSENT),
        ("details", VenueState.UNKNOWN),
        ("order_book", VenueState.UNSENT),
    ],
)
def test_an_order_is_unsent_where_nothing_was_sent_and_unknown_where_its_end_was_not_seen(
    at_broker: Broker,
    trading: Trading,
    monkeypatch: pytest.MonkeyPatch,
    rate: str,
    state: VenueState,
) -> None:
    order = later(trading) if rate == "order_book" else sent(trading)
    with closing(at_broker.another(Spent(rate))) as client:
        monkeypatch.setattr(at_broker, "client", client)
        (answer,) = at_broker.venue(trading.venue.preview).place([order])

    assert answer.state is state
    assert len(at_broker.exchange.orders) == (1 if rate == "details" else 0)


@pytest.mark.parametrize(("wait", "pause"), [(0.2, 1.0), (5.0, 5.0), (1800.0, 30.0)])
def test_an_order_is_asked_about_again_when_there_is_room_by_what_the_budget_says(
    at_broker: Broker,
    trading: Trading,
    monkeypatch: pytest.MonkeyPatch,
    wait: float,
    pause: float,
) -> None:
    with closing(at_broker.another(Spent("orders", wait=wait))) as client:
        monkeypatch.setattr(at_broker, "client", client)
        (answer,) = at_broker.venue(trading.venue.preview).place([sent(trading)])

    assert (answer.state, answer.retry_seconds) == (VenueState.UNSENT, pause)


@pytest.mark.parametrize(("fault", "times"), [(Fault.THROTTLE, 1), (Fault.EXPIRE, 3)])
def test_a_request_that_had_no_effect_is_unsent(
    at_broker: Broker, trading: Trading, fault: Fault, times: int
) -> None:
    at_broker.plan(fault, "placeOrder", times)

    (answer,) = trading.venue.place([sent(trading)])

    assert answer.state is VenueState.UNSENT


LOST = [Fault.LOSE, Fault.FAIL, Fault.DROP, Fault.MALFORMED, Fault.EMPTY]


@pytest.mark.parametrize("fault", LOST)
def test_an_order_whose_answer_is_lost_is_in_the_market_once_after_its_lease(
    at_broker: Broker, trading: Trading, fault: Fault
) -> None:
    at_broker.plan(fault, "placeOrder")
    order = trading.order("101.00")
    assert str(order.status) == "submitting"
    assert trading.executions == []

    trading.resolve(order)

    assert order.status is OrderStatus.FILLED
    assert [units for _, units in trading.executions] == [2 * LOT]
    assert [each.tag for each in at_broker.exchange.orders.values()] == [order.tag]


@pytest.mark.parametrize("fault", [Fault.THROTTLE, Fault.EXPIRE])
def test_an_order_that_is_known_not_to_have_arrived_is_sent_again_and_trades_once(
    at_broker: Broker, trading: Trading, fault: Fault
) -> None:
    at_broker.plan(fault, "placeOrder")

    order = trading.order("101.00")
    if order.status is OrderStatus.SUBMITTING:
        trading.resolve(order)

    assert order.status is OrderStatus.FILLED
    assert len(at_broker.exchange.orders) == 1


def test_a_process_that_was_stopped_between_the_commit_and_the_request_sends_nothing(
    at_broker: Broker, trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The lease began before the time in which a request has to begin, so it may have run out: another
    # process may have found that the broker lacks the order, and placed it.
    with monkeypatch.context() as late:
        late.setattr(trading.desk, "_monotonic", lambda: monotonic() - 61)
        order = trading.order("101.00")

    assert str(order.status) == "submitting"
    assert at_broker.exchange.orders == {}
    trading.resolve(order)
    assert str(order.status) == "filled"
    assert [each.tag for each in at_broker.exchange.orders.values()] == [order.tag]


def test_a_process_that_was_stopped_while_it_wrote_a_request_does_not_finish_it(
    at_broker: Broker, trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep, order = [0.0], sent(trading)
    with closing(at_broker.another(monotonic=lambda: monotonic() + asleep[0])) as client:
        monkeypatch.setattr(at_broker, "client", client)
        venue = at_broker.venue(trading.venue.preview)
        client.login()

        def stop(self: HTTP11Connection, request: Request) -> None:
            send_headers(self, request)
            asleep[0] = 61.0 * request.url.target.endswith(b"placeOrder")

        send_headers = HTTP11Connection._send_request_headers
        monkeypatch.setattr(HTTP11Connection, "_send_request_headers", stop)
        (answer,) = venue.place([order])

    assert answer.state is VenueState.UNSENT
    assert at_broker.exchange.orders == {}


def test_a_late_cancellation_or_change_is_not_sent_either(
    at_broker: Broker, trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, changing = trading.order("99.00"), trading.order("98.00")
    with monkeypatch.context() as late:
        late.setattr(trading.desk, "_monotonic", lambda: monotonic() - 61)
        trading.cancellation.cancel(1, leaving.id)
        trading.amend(changing, "97.00")

    assert [str(leaving.status), str(changing.status)] == ["pending_cancel", "pending_amend"]
    there = at_broker.exchange.orders.values()
    assert [(str(each.status), each.price) for each in there] == [
        ("open", Decimal(99)),
        ("open", Decimal(98)),
    ]
    trading.resolve(leaving)
    assert [str(each.status) for each in there] == ["cancelled", "open"]


def test_while_the_books_cannot_be_read_nothing_is_sent_again(
    at_broker: Broker, trading: Trading
) -> None:
    at_broker.plan(Fault.DROP, "placeOrder")
    order = trading.order("101.00")
    at_broker.plan(Fault.FAIL, "getOrderBook", times=4)

    trading.resolve(order)
    assert str(order.status) == "submitting"
    trading.resolve(order)

    assert str(order.status) == "filled"
    assert len(at_broker.exchange.orders) == 1


def test_accepted_is_not_executed_a_rejection_is_read_in_the_book(
    at_broker: Broker, trading: Trading
) -> None:
    at_broker.plan(Fault.REJECT, "placeOrder")

    order = trading.order("101.00")

    assert order.status is OrderStatus.REJECTED
    assert trading.row(order.id).reason == "INSUFFICIENT_MARGIN"
    assert trading.margin_used == 0


def test_a_failure_of_one_order_leaves_the_others_alone(
    at_broker: Broker, trading: Trading
) -> None:
    orders = [sent(trading) for _ in range(6)]
    at_broker.plan(Fault.DROP, "placeOrder", times=2)

    answers = trading.venue.place(orders)

    assert sum(not answer.is_known for answer in answers) == 2
    assert sum(answer.state is VenueState.STANDING for answer in answers) == 4
    assert all(answer.is_known for answer in trading.venue.status([o.tag for o in orders]))
    assert len(at_broker.exchange.orders) == 6


def test_an_order_that_is_there_already_is_answered_and_not_placed_again(
    at_broker: Broker, trading: Trading
) -> None:
    order = sent(trading)
    (first,) = trading.venue.place([order])
    other = Trading(ANGEL_ONE, at_broker=at_broker.venue)
    order.attempt = 2

    (again,) = trading.venue.place([order])
    (elsewhere,) = other.venue.place([order])

    assert first == again == elsewhere
    assert len(at_broker.exchange.orders) == 1


def test_partial_fills_are_executions_of_their_own_in_the_order_of_time(
    at_broker: Broker, trading: Trading
) -> None:
    at_broker.plan(Fault.PARTIAL, "placeOrder")
    order = trading.order("101.00")
    assert str(order.status) == "partially_filled"
    at_broker.server.do(
        lambda each: each.matching.quote(CALL.token, Decimal(100), Decimal("100.20"), 9 * LOT)
    )

    (answer,) = trading.venue.status([order.tag])

    assert [(e.quantity, e.price, e.before) for e in answer.executions] == [
        (LOT, ASK, 0),
        (LOT, Decimal("100.20"), LOT),
    ]


@pytest.mark.parametrize(
    ("fault", "state"),
    [(Fault.DROP, VenueState.CANCELED), (Fault.LOSE, VenueState.UNKNOWN)],
)
def test_a_cancellation_whose_answer_is_lost_is_known_if_the_order_has_left_the_market(
    at_broker: Broker, trading: Trading, fault: Fault, state: VenueState
) -> None:
    order = trading.order("99.00")
    at_broker.plan(fault, "cancelOrder")

    (answer,) = trading.venue.cancel([order])

    assert answer.state is state


def test_a_cancellation_that_comes_too_late_is_answered_with_the_trade(
    at_broker: Broker, trading: Trading
) -> None:
    order = trading.order("99.00")
    at_broker.server.do(
        lambda each: each.matching.quote(CALL.token, Decimal(98), Decimal("98.50"), 9 * LOT)
    )

    (answer,) = trading.venue.cancel([order])

    assert (answer.state, len(answer.executions)) == (VenueState.STANDING, 1)


def test_another_process_cancels_and_amends_what_it_did_not_place(
    at_broker: Broker, trading: Trading
) -> None:
    order, other = sent(trading, 9_900), sent(trading, 9_800)
    trading.venue.place([order, other])
    elsewhere = at_broker.venue(trading.exchange.venue.preview)

    (canceled,) = elsewhere.cancel([order])
    (amended,) = elsewhere.amend([(other, Amendment(LOT, Decimal("97.00"), None))])
    (absent,) = elsewhere.cancel([sent(trading)])

    assert canceled.state is VenueState.CANCELED
    assert amended.standing == Amendment(LOT, Decimal("97.00"), None)
    assert absent.state is VenueState.ABSENT


def test_an_order_at_market_rests_at_the_price_that_the_broker_gave_it(
    at_broker: Broker, trading: Trading
) -> None:
    at_broker.server.do(
        lambda each: each.matching.quote(CALL.token, Decimal(100), Decimal("100.50"), LOT)
    )
    order = sent(trading)
    order.order_type, order.limit_price = OrderType.MARKET, Decimal("105.00")

    (answer,) = trading.venue.place([order])

    assert answer.standing == Amendment(2 * LOT, Decimal("102.75"), None)
    assert sum(e.quantity for e in answer.executions) == LOT


def test_a_stop_order_has_a_variety_of_its_own(at_broker: Broker, trading: Trading) -> None:
    order = sent(trading, 11_200)
    order.order_type, order.trigger_price = OrderType.STOP_LIMIT, Decimal("110.00")

    (placed,) = trading.venue.place([order])
    (canceled,) = trading.venue.cancel([order])

    assert (placed.state, canceled.state) == (VenueState.TRIGGER_PENDING, VenueState.CANCELED)


def test_the_turn_of_an_emergency_is_urgent(
    trading: Trading, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Turn] = []
    order = sent(trading)
    order.priority = Priority.EMERGENCY
    client = trading.venue._client  # type: ignore[attr-defined]
    place: Callable[[dict[str, str], Turn], Placed] = client.place

    def noted(request: dict[str, str], turn: Turn) -> Placed:
        asked.append(turn)
        return place(request, turn)

    monkeypatch.setattr(client, "place", noted)

    trading.venue.place([order])

    assert [(turn.user_id, turn.is_urgent) for turn in asked] == [(1, True)]


def book_order(**changes: object) -> BookOrder:
    row = {
        "orderid": "7",
        "ordertag": "angel-x-1",
        "quantity": "130",
        "filledshares": "65",
        "price": 100.5,
        "status": "open",
    }
    return BookOrder.of({**row, **changes})


def trade(fill_id: str, quantity: int = LOT, time: str = "10:00:00") -> BookTrade:
    return BookTrade("7", fill_id, quantity, Decimal(100), time)


def test_executions_that_the_trade_book_lacks_leave_the_state_unknown() -> None:
    for status in ("open", "complete", "cancelled"):
        order = book_order(status=status)

        assert answer_of(order, [], RATES) == UNKNOWN
        assert answer_of(order, [trade("1")], RATES).is_known


def test_an_execution_that_stands_twice_in_the_trade_book_is_one() -> None:
    answer = answer_of(book_order(), [trade("1"), trade("1")], RATES)

    assert [each.id for each in answer.executions] == ["7-1"]


def test_both_sides_of_a_trade_between_our_own_orders_are_executions_of_their_own(
    at_broker: Broker, trading: Trading
) -> None:
    """The exchange gives both sides one number, and numbers each day anew."""
    buy, sell = trading.order("100.30", lots=1), trading.order("100.30", lots=1, side=Side.SELL)

    answers = trading.venue.status([buy.tag, sell.tag])

    assert len({t.fill_id for o in at_broker.exchange.orders.values() for t in o.trades}) == 1
    assert len({each.id for answer in answers for each in answer.executions}) == 2


def test_executions_are_in_the_order_of_time_and_then_of_their_numbers() -> None:
    late, first, second = trade("3", 20, "10:00:01"), trade("9", 20), trade("10", 25)

    answer = answer_of(book_order(), [late, second, first], RATES)

    assert [(e.id, e.before) for e in answer.executions] == [
        ("7-9", 0),
        ("7-10", 20),
        ("7-3", 45),
    ]


@pytest.mark.parametrize(
    "status",
    [
        "put order req received", "validation pending", "open pending", "modify pending",
        "modify validation pending", "cancel pending", "", "something new",
    ],
)  # fmt: skip
def test_an_order_on_its_way_has_no_known_state(status: str) -> None:
    order = book_order(filledshares="0", status=status, orderstatus=status)

    assert answer_of(order, [], RATES) == UNKNOWN


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("RMS:Margin Exceeds, Cash Available: 0.00", DenialReason.INSUFFICIENT_MARGIN),
        ("Order price is beyond the Limit Price Protection range", DenialReason.PRICE_BAND),
        ("16052 : Quantity exceeds the freeze quantity", DenialReason.QUANTITY_LIMIT),
        ("Scrip is blocked", DenialReason.VENUE_REFUSED),
        ("", DenialReason.VENUE_REFUSED),
    ],
)
def test_a_rejection_is_told_by_its_words(text: str, reason: DenialReason) -> None:
    assert reason_of(text) is reason


def test_an_order_by_hand_is_reported_once_and_never_adopted(
    at_broker: Broker, trading: Trading
) -> None:
    by_hand = request(ordertag="")
    at_broker.server.do(lambda each: each.place("A12345", by_hand))
    ours = trading.order("99.00")

    with capture_logs() as events:
        answers = [trading.venue.status([ours.tag, ""]) for _ in range(2)]

    assert [each["event"] for each in events] == ["order.foreign"]
    assert [answer.state for answer in answers[0]] == [VenueState.STANDING, VenueState.ABSENT]
    assert answers[0] == answers[1]


def test_the_name_of_the_contract_is_the_one_that_is_listed() -> None:
    assert trading_symbol(SYMBOL) == CALL.trading_symbol == "NIFTY25AUG2624000CE"
    assert trading_symbol("NIFTY_04AUG26_24050.5PE") == "NIFTY04AUG2624050.5PE"


@pytest.mark.parametrize(
    "symbol",
    [SYMBOL, "NIFTY_04AUG26_24050.5PE", "NIFTYNXT50_29SEP26_70000CE", "NIFTYNXT50_29SEP26_FUT"],
)
def test_the_symbol_is_found_again_from_the_name_at_the_broker(symbol: str) -> None:
    assert symbol_of(trading_symbol(symbol)) == symbol


@pytest.mark.parametrize("name", ["RELIANCE-EQ", "SENSEX26AUGFUT", "SENSEX2680680000CE", ""])
def test_what_is_no_contract_of_nse_keeps_its_name(name: str) -> None:
    assert symbol_of(name) == name


@pytest.mark.parametrize(
    ("name", "underlying"),
    [
        ("NIFTYNXT5029SEP2670000CE", "NIFTYNXT50"),
        ("NIFTY25AUG26FUT", "NIFTY"),
        ("SENSEX26AUG80000CE", "SENSEX"),
        ("SENSEX2680680000CE", "SENSEX"),
        ("SENSEX26O0880000PE", "SENSEX"),
        ("SENSEX26AUGFUT", "SENSEX"),
        ("NIFTYNXT50", "NIFTYNXT50"),
        ("", ""),
    ],
)
def test_the_underlying_is_found_in_the_names_of_both_exchanges(name: str, underlying: str) -> None:
    assert underlying_in(name) == underlying


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("NIFTY25AUG2624000CE", SYMBOL),
        ("NIFTY25AUG26FUT", "NIFTY_25AUG26_FUT"),
        ("SENSEX2680680000CE", "SENSEX_06AUG26_80000CE"),
        ("SENSEX26AUGFUT", "SENSEX_25AUG26_FUT"),
    ],
)
def test_the_charges_of_a_contract_follow_from_its_name_at_the_broker(
    name: str, symbol: str
) -> None:
    day = date(2026, 8, 3)
    tariff = Tariff.from_tables(table("charges"), table("contracts"))
    every = [tariff.of(s, day) for s in (SYMBOL, "NIFTY_25AUG26_FUT", "SENSEX_25AUG26_FUT")]
    assert all(a != b for a, b in combinations(every, 2))

    assert rates_in(tariff, name, day) == tariff.of(symbol, day)


def test_an_order_is_charged_at_the_rates_of_its_contract(at_broker: Broker) -> None:
    asked: list[str] = []

    def rates(name: str) -> ChargeRates:
        asked.append(name)
        return RATES

    Books(at_broker.client, rates).described(
        [book_order(filledshares="0", tradingsymbol="A")], Turn()
    )

    assert asked == ["A"]


FAULTS = (
    Fault.LOSE, Fault.FAIL, Fault.DROP, Fault.MALFORMED, Fault.EMPTY, Fault.THROTTLE, Fault.EXPIRE,
    Fault.PARTIAL, Fault.REJECT,
)  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2])
def test_in_a_storm_of_faults_every_order_has_one_outcome_and_both_sides_agree(
    at_broker: Broker, seed: int
) -> None:
    trading = Trading(ANGEL_ONE, at_broker=at_broker.venue)
    exchange = at_broker.exchange
    faults, exchange.faults = exchange.faults, Faults(seed, dict.fromkeys(FAULTS, 0.1))
    exchange.sessions.faults = exchange.faults
    orders = [trading.order(("101.00", "99.00")[n % 2], lots=1 + n % 3) for n in range(30)]
    exchange.faults.rates.pop(Fault.REJECT)
    for _ in range(20):
        open_ones = [order for order in orders if order.status in ASKED]
        if not open_ones:
            break
        trading.end_leases()
        trading.execution.run_exactly([order.id for order in open_ones])
    exchange.faults = faults
    exchange.sessions.faults = faults

    assert [order.status for order in orders if order.status in ASKED] == []
    held = {order.tag: order for order in exchange.orders.values()}
    assert len(held) == len(exchange.orders), "no tag was sent twice"
    assert {o.tag for o in orders if o.status is not OrderStatus.REJECTED} <= held.keys()
    (answers,) = [trading.venue.status([order.tag for order in orders])]
    trades = {
        order.tag: sum(e.quantity for e in a.executions)
        for order, a in zip(orders, answers, strict=True)
    }
    assert {order.tag: order.filled_quantity for order in orders} == trades
    names = [name for name, _ in trading.executions]
    assert len(names) == len(set(names)) == sum(len(o.trades) for o in exchange.orders.values())
