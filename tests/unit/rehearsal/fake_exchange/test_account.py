from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from angel_x.rehearsal.fake_exchange import account
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from tests.builders.broker import ASK, BID, CALL, LOT, exchange, order

CODE = "A12345"


@pytest.fixture
def made() -> Exchange:
    """An exchange at which two lots were bought and one was sold."""
    made = exchange()
    made.place(CODE, order(quantity=str(2 * LOT)))
    made.place(CODE, order(transactiontype="SELL", price="99.00"))
    return made


def test_trades_positions_and_funds_are_folds_of_the_same_executions(made: Exchange) -> None:
    orders = made.orders_of(CODE)
    paid, received = 2 * LOT * ASK, LOT * BID

    trades = account.trade_rows(orders)
    (position,) = account.position_rows(orders, made.matching.quotes)
    funds = account.funds_row(made.cash, orders)

    assert [(row["transactiontype"], row["fillsize"]) for row in trades] == [
        ("BUY", str(2 * LOT)),
        ("SELL", str(LOT)),
    ]
    assert (position["netqty"], Decimal(position["netvalue"])) == (str(LOT), received - paid)
    assert Decimal(position["pnl"]) == received - paid + LOT * (BID + ASK) / 2
    assert Decimal(funds["net"]) == made.cash - paid + received
    assert Decimal(funds["utilisedoptionpremium"]) == paid - received


def test_margin_is_premium_of_purchases_and_a_part_of_the_strike_of_sales(made: Exchange) -> None:
    bought: dict[str, Any] = {"token": CALL.token, "qty": LOT, "price": 100, "tradeType": "BUY"}
    sold = {**bought, "tradeType": "SELL"}
    unknown = {**bought, "token": "1"}

    def margin(*positions: dict[str, Any]) -> object:
        return account.margin_row(positions, made.listings)["totalMarginRequired"]

    assert margin(bought) == 100 * LOT
    assert margin(sold) == 24_000 * 0.12 * LOT
    assert margin(bought, sold, unknown) == 100 * LOT + 24_000 * 0.12 * LOT
    assert margin() == 0
