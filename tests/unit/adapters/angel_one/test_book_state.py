"""The broker's side of a comparison: our orders, and those of others apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from time import monotonic

import pytest

from angel_x.adapters.angel_one.book_state import BrokerBooks
from angel_x.domain.contracts.broker_contract import BrokerContract
from angel_x.domain.exchange.reconciliation import BrokerState, StatedExecution, StatedOrder
from angel_x.domain.orders.order import Side
from angel_x.errors import BrokerUnavailable
from angel_x.rehearsal.fake_exchange.faults import Fault
from tests.builders.broker import CALL, EXPIRY, LOT, SYMBOL, Broker, broker, order
from tests.fakes.broker_contracts import MemoryBrokerContracts


@pytest.fixture(scope="module")
def served() -> Iterator[Broker]:
    with broker() as found:
        yield found


@pytest.fixture
def at_broker(served: Broker) -> Broker:
    served.begin_day()
    return served


NAMES = MemoryBrokerContracts()


def state(at_broker: Broker, *expired: str, names: MemoryBrokerContracts = NAMES) -> BrokerState:
    books = BrokerBooks(
        at_broker.client, expired=lambda _: expired, find=names.symbols, monotonic=monotonic
    )
    return books.state(60.0)


def place(at_broker: Broker, **changes: str) -> str:
    return at_broker.server.do(lambda each: each.place("A12345", order(**changes)))["orderid"]


def test_orders_executions_positions_and_cash_are_read(at_broker: Broker) -> None:
    name = place(at_broker)

    book = state(at_broker).book

    assert book.orders == {
        "angel-x-1": StatedOrder(SYMBOL, Side.BUY, LOT, LOT, Decimal("101.0"), None, is_open=False)
    }
    assert book.executions == {
        f"{name}-{trade.fill_id}": StatedExecution("angel-x-1", LOT, Decimal("100.5"))
        for trade in at_broker.exchange.orders[name].trades
    }
    assert book.positions == {(SYMBOL, "NRML"): LOT}
    assert book.cash == 10_000_000 - LOT * Decimal("100.50")


def test_a_stored_name_goes_before_the_one_that_the_terms_state(at_broker: Broker) -> None:
    names = MemoryBrokerContracts()
    stored = BrokerContract(
        "SENSEX_06AUG26_80000CE", "SENSEX", EXPIRY, "BFO", CALL.trading_symbol, "1"
    )
    names.store([stored], datetime(2026, 8, 24, tzinfo=UTC), EXPIRY)
    place(at_broker)
    place(at_broker, ordertag="")

    found = state(at_broker, names=names)

    assert [each.contract for each in found.book.orders.values()] == [stored.symbol]
    assert found.book.positions == {(stored.symbol, "NRML"): LOT}
    assert [each.contract for each in found.foreign] == [stored.symbol]


def test_orders_of_others_stand_apart_with_what_they_have_traded(at_broker: Broker) -> None:
    place(at_broker)
    by_hand = place(at_broker, ordertag="", quantity=str(2 * LOT))
    mine = place(at_broker, ordertag="mine", price="99.00", producttype="INTRADAY")

    found = state(at_broker)

    assert set(found.book.orders) == {"angel-x-1"}
    assert len(found.book.executions) == 1
    assert found.book.positions == {(SYMBOL, "NRML"): LOT}
    assert [(o.order_id, o.contract, o.product, o.filled) for o in found.foreign] == [
        (by_hand, SYMBOL, "NRML", 2 * LOT),
        (mine, SYMBOL, "MIS", 0),
    ]


def test_two_orders_under_one_tag_are_noticed_unless_one_was_rejected(at_broker: Broker) -> None:
    for fault in (Fault.REJECT, None, None):
        if fault is not None:
            at_broker.plan(fault, "placeOrder")
        place(at_broker)

        assert state(at_broker).doubled == (
            {"angel-x-1": 2} if len(at_broker.exchange.orders) == 3 else {}
        )


def test_expired_contracts_are_left_out(at_broker: Broker) -> None:
    place(at_broker)

    assert state(at_broker, SYMBOL).book.positions == {}


def test_books_that_cannot_be_read_are_no_empty_books(at_broker: Broker) -> None:
    at_broker.plan(Fault.MALFORMED, "getTradeBook", times=4)

    with pytest.raises(BrokerUnavailable):
        state(at_broker)
