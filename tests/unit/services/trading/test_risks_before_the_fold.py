"""The risks of contracts are read before orders are folded into a book, and only where they are needed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

import pytest

from angel_x.domain.book.book import Book
from angel_x.domain.margin.unit_risk import RiskSheet
from angel_x.domain.orders.order import Order, OrderStatus, Side
from tests.builders.order_worker import Worker
from tests.builders.risk import flat
from tests.builders.terms import fill, refuse, rest
from tests.fakes.tables import SYMBOL

FOLD = ("decide", "submit", "settle", "match", "amend", "take_off")


class Reader:
    """Reads risks, and refuses to while an order is folded in."""

    def __init__(self) -> None:
        self.asked: list[set[str]] = []
        self.is_folding = False

    def __call__(self, symbols: Collection[str]) -> RiskSheet:
        assert not self.is_folding, "the fold reaches no server"
        self.asked.append(set(symbols))
        return flat(Decimal(100))

    def guarded(self, fold: Callable[..., Any]) -> Callable[..., Any]:
        def folded(*args: Any, **kwargs: Any) -> Any:
            self.is_folding = True
            try:
                return fold(*args, **kwargs)
            finally:
                self.is_folding = False

        return folded


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    reader = Reader()
    for name in FOLD:
        monkeypatch.setattr(Book, name, reader.guarded(getattr(Book, name)))
    return reader


@pytest.fixture(params=[0.0, 0.25])
def worker(request: pytest.FixtureRequest, reader: Reader) -> Worker:
    worker = Worker(latency=request.param, risks=reader)
    worker.tables.account()
    return worker


def sale(worker: Worker, limit: str | None = None) -> Order:
    return worker.tables.order(limit=limit, side=Side.SELL)


def test_a_batch_reads_the_risks_of_all_its_contracts_once_a_transaction(
    worker: Worker, reader: Reader
) -> None:
    orders = [worker.tables.order(), sale(worker)]

    worker.execution.run([1, 2])

    assert {order.status for order in orders} == {OrderStatus.FILLED}
    assert reader.asked == [{SYMBOL}] * (2 if worker.latency else 1)


def test_a_sale_is_margined_by_what_was_read(worker: Worker) -> None:
    sale(worker)

    worker.execution.run([1])

    assert worker.tables.accounts[1].margin_used == 65 * 100


def test_a_purchase_that_only_rests_reads_nothing_in_an_account_that_holds_nothing(
    worker: Worker, reader: Reader
) -> None:
    worker.market.offers[1] = rest("99.00")
    order = worker.tables.order(limit="99.00")
    worker.execution.run([1])
    placed = len(reader.asked)

    worker.desk_cancel(order)

    assert order.status is OrderStatus.CANCELED
    assert placed == (1 if worker.latency else 0)
    assert len(reader.asked) == placed


def test_a_sale_that_is_taken_off_frees_what_was_read(worker: Worker, reader: Reader) -> None:
    worker.market.offers[1] = rest("101.00")
    order = sale(worker, "101.00")
    worker.execution.run([1])
    before = len(reader.asked)

    worker.desk_cancel(order)

    assert len(reader.asked) == before + 1
    assert worker.tables.accounts[1].margin_used == 0


def test_a_purchase_that_is_refused_reads_nothing(worker: Worker, reader: Reader) -> None:
    worker.market.offers[1] = refuse()
    worker.tables.order()

    worker.execution.run([1])

    assert reader.asked == []


def test_a_purchase_beside_what_is_held_reads_the_contracts_of_both(
    worker: Worker, reader: Reader
) -> None:
    worker.market.offers = {1: fill(), 2: rest("99.00")}
    worker.tables.order()
    worker.execution.run([1])
    del reader.asked[:]
    worker.tables.order(limit="99.00", symbol="NIFTY_25AUG26_24100CE")

    worker.execution.run([2])

    assert reader.asked[0] == {SYMBOL, "NIFTY_25AUG26_24100CE"}
