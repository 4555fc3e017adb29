from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from angel_x.rehearsal.fake_exchange.exchange import Exchange, row_of
from angel_x.rehearsal.fake_exchange.faults import Fault, Faults
from angel_x.rehearsal.fake_exchange.matching import Status
from angel_x.rehearsal.fake_exchange.sessions import Refusal
from tests.builders.broker import ASK, BID, CALL, LOT, exchange, order

NOW = datetime(2026, 8, 19, 5, 0, tzinfo=UTC)
CODE = "A12345"


@pytest.fixture
def made() -> Exchange:
    return exchange(lambda: NOW)


def place(made: Exchange, **changes: str) -> str:
    return made.place(CODE, order(**changes))["orderid"]


def test_an_order_trades_at_the_quote_and_no_better_than_its_limit(made: Exchange) -> None:
    bought = made.orders[place(made)]
    sold = made.orders[place(made, transactiontype="SELL", price="99.00")]
    resting = made.orders[place(made, price="100.00")]

    assert (bought.status, bought.average_price) == (Status.COMPLETE, ASK)
    assert (sold.status, sold.average_price) == (Status.COMPLETE, BID)
    assert (resting.status, resting.filled) == (Status.OPEN, 0)


def test_orders_of_clients_trade_by_price_and_then_by_time(made: Exchange) -> None:
    early, better, late = (
        made.orders[place(made, price=price)] for price in ("100.10", "100.20", "100.10")
    )
    seller = made.orders[place(made, transactiontype="SELL", price="100.10", quantity=str(2 * LOT))]

    assert [trade.price for trade in seller.trades] == [Decimal("100.20"), Decimal("100.10")]
    assert [o.status for o in (early, better, late)] == [
        Status.COMPLETE,
        Status.COMPLETE,
        Status.OPEN,
    ]


def test_an_order_takes_no_more_than_the_maker_shows(made: Exchange) -> None:
    made.matching.quote(CALL.token, BID, ASK, LOT)

    found = made.orders[place(made, quantity=str(3 * LOT))]
    assert (found.filled, found.status) == (LOT, Status.OPEN)
    made.matching.quote(CALL.token, BID, ASK, 100 * LOT)

    assert (found.filled, found.status) == (3 * LOT, Status.COMPLETE)
    assert len({trade.fill_id for trade in found.trades}) == 2


def test_an_order_at_market_becomes_a_limit_within_its_protection(made: Exchange) -> None:
    made.matching.quote(CALL.token, BID, ASK, LOT)

    found = made.orders[place(made, ordertype="MARKET", price="0", quantity=str(2 * LOT))]

    assert (found.order_type, found.price) == ("LIMIT", Decimal("102.75"))
    assert (found.status, found.left) == (Status.OPEN, LOT)


def test_a_stop_order_waits_for_its_trigger(made: Exchange) -> None:
    stop = {
        "variety": "STOPLOSS",
        "ordertype": "STOPLOSS_LIMIT",
        "price": "112",
        "triggerprice": "110",
    }
    found = made.orders[place(made, **stop)]
    assert row_of(found)["status"] == "trigger pending"

    made.matching.quote(CALL.token, Decimal(110), Decimal(111), LOT)

    assert (found.status, found.average_price) == (Status.COMPLETE, Decimal(111))


def test_an_immediate_order_leaves_nothing_behind(made: Exchange) -> None:
    assert made.orders[place(made, duration="IOC", price="99")].status is Status.CANCELLED


def test_a_tag_may_come_twice(made: Exchange) -> None:
    assert place(made) != place(made)
    assert len(made.orders_of(CODE)) == 2


def test_an_order_may_be_accepted_and_rejected_in_the_book(made: Exchange) -> None:
    made.faults.plan(Fault.REJECT, "placeOrder")
    rejected = row_of(made.orders[place(made)])
    frozen = row_of(made.orders[place(made, quantity=str(28 * LOT))])

    assert (rejected["status"], rejected["filledshares"]) == ("rejected", "0")
    assert "Margin" in str(rejected["text"])
    assert "freeze" in str(frozen["text"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symboltoken": "1"}, "AB1009"),
        ({"variety": "ROBO"}, "AB1008"),
        ({"ordertype": "STOPLOSS_MARKET"}, "AB1008"),
        ({"producttype": "DELIVERY"}, "AB1012"),
        ({"ordertag": "x" * 20}, "AB4008"),
        ({"quantity": "0"}, "AB2000"),
        ({"quantity": "1.5"}, "AB2000"),
        ({"price": "many"}, "AB2000"),
        ({"transactiontype": "HOLD"}, "AB2000"),
        ({"price": "200"}, ""),
    ],
)
def test_what_cannot_be_an_order_is_refused_and_not_in_the_book(
    made: Exchange, changes: dict[str, str], code: str
) -> None:
    with pytest.raises(Refusal) as caught:
        place(made, **changes)

    assert caught.value.code == code
    assert made.orders == {}


def test_an_open_order_is_changed_and_canceled_under_its_variety(made: Exchange) -> None:
    found = made.orders[place(made, price="95.00")]
    about = {"orderid": found.order_id, "variety": "NORMAL"}

    made.modify(CODE, {**about, "quantity": str(2 * LOT), "price": "100.50"})
    assert (found.status, found.filled) == (Status.COMPLETE, 2 * LOT)
    for code, change in (
        ("AB2000", {}),
        ("AB1008", {"variety": "STOPLOSS"}),
        ("AB1013", {"orderid": "1"}),
    ):
        with pytest.raises(Refusal) as caught:
            made.cancel(CODE, {**about, **change})
        assert caught.value.code == code


def test_faults_come_at_random_from_their_seed() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults(seed, {Fault.DROP: 0.5})
        return [faults.befalls(Fault.DROP, "placeOrder") for _ in range(50)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert True in drawn(1)
    assert False in drawn(1)
