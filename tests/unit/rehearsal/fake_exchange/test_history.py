"""Conversions, candles and Greeks of the fake exchange."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from angel_x.adapters.angel_one.instrument_tokens import INDICES
from angel_x.rehearsal.fake_exchange import account
from angel_x.rehearsal.fake_exchange.candles import Candles
from angel_x.rehearsal.fake_exchange.exchange import Exchange
from angel_x.rehearsal.fake_exchange.greeks import greek_rows
from angel_x.rehearsal.fake_exchange.matching import Quote
from angel_x.rehearsal.fake_exchange.sessions import Refusal
from tests.builders.broker import CALL, LOT, exchange, order

CODE = "A12345"
NOW = datetime(2026, 8, 19, 4, 0, 30, tzinfo=UTC)


def conversion(**changes: Any) -> dict[str, Any]:
    return {
        "symboltoken": CALL.token,
        "transactiontype": "BUY",
        "oldproducttype": "CARRYFORWARD",
        "newproducttype": "INTRADAY",
        "quantity": str(LOT),
        "type": "DAY",
        **changes,
    }


def positions(made: Exchange) -> dict[str, str]:
    rows = account.position_rows(
        made.orders_of(CODE), made.matching.quotes, made.conversions_of(CODE)
    )
    return {row["producttype"]: row["netqty"] for row in rows}


def test_converted_units_are_of_their_new_product() -> None:
    made = exchange()
    made.place(CODE, order(quantity=str(3 * LOT)))

    made.convert(CODE, conversion())
    assert positions(made) == {"CARRYFORWARD": str(2 * LOT), "INTRADAY": str(LOT)}
    made.convert(CODE, conversion(oldproducttype="INTRADAY", newproducttype="CARRYFORWARD"))

    assert positions(made) == {"CARRYFORWARD": str(3 * LOT), "INTRADAY": "0"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": str(2 * LOT)}, "AB1017"),
        ({"transactiontype": "SELL"}, "AB1017"),
        ({"symboltoken": "1"}, "AB1017"),
        ({"oldproducttype": "INTRADAY", "newproducttype": "CARRYFORWARD"}, "AB1017"),
        ({"newproducttype": "CARRYFORWARD"}, "AB1012"),
        ({"newproducttype": "BO"}, "AB1012"),
        ({"quantity": "0"}, "AB2000"),
    ],
)
def test_a_conversion_of_what_is_not_held_is_refused(changes: dict[str, str], code: str) -> None:
    made = exchange()
    made.place(CODE, order())

    with pytest.raises(Refusal) as refusal:
        made.convert(CODE, conversion(**changes))

    assert refusal.value.code == code
    assert positions(made) == {"CARRYFORWARD": str(LOT)}


def candles() -> Candles:
    """Return prices of six minutes from half past nine, one each half minute."""
    made = Candles()
    for n, price in enumerate((100, 103, 99, 101, 105, 104, 90, 95, 96, 97, 98, 99)):
        made.note("1", NOW + timedelta(seconds=30 * n - 30), Decimal(price), n)
    return made


def test_candles_are_those_of_the_interval_in_the_time_of_india() -> None:
    day = ("2026-08-19 09:30", "2026-08-19 09:40")

    assert candles().rows("1", "ONE_MINUTE", *day)[:2] == [
        ["2026-08-19T09:30:00+05:30", 100.0, 103.0, 100.0, 103.0, 1],
        ["2026-08-19T09:31:00+05:30", 99.0, 101.0, 99.0, 101.0, 5],
    ]
    assert candles().rows("1", "THREE_MINUTE", *day) == [
        ["2026-08-19T09:30:00+05:30", 100.0, 105.0, 99.0, 104.0, 15],
        ["2026-08-19T09:33:00+05:30", 90.0, 99.0, 90.0, 99.0, 51],
    ]
    assert candles().rows("1", "ONE_DAY", *day) == [
        ["2026-08-19T00:00:00+05:30", 100.0, 105.0, 90.0, 99.0, 66]
    ]
    assert len(candles().rows("1", "ONE_MINUTE", "2026-08-19 09:31", "2026-08-19 09:32")) == 2
    assert candles().rows("2", "ONE_MINUTE", *day) == []


def test_candles_do_not_change_by_being_read() -> None:
    made, day = candles(), ("2026-08-19 09:30", "2026-08-19 09:40")

    assert made.rows("1", "ONE_HOUR", *day) == made.rows("1", "ONE_HOUR", *day)


@pytest.mark.parametrize(
    "asked",
    [
        ("TWO_MINUTE", "2026-08-19 09:30", "2026-08-19 09:40"),
        ("ONE_MINUTE", "2026-07-01 09:30", "2026-08-19 09:40"),
        ("ONE_MINUTE", "19-08-2026", "2026-08-19 09:40"),
    ],
)
def test_an_interval_or_a_range_that_the_broker_lacks_is_refused(asked: tuple[str, ...]) -> None:
    with pytest.raises(Refusal):
        candles().rows("1", *asked)


def test_quotes_and_trades_of_the_exchange_become_candles() -> None:
    made = exchange(now=lambda: NOW)
    made.place(CODE, order())

    (row,) = made.candles.rows(CALL.token, "ONE_DAY", "2026-08-19 00:00", "2026-08-19 23:59")

    assert row == ["2026-08-19T00:00:00+05:30", 100.25, 100.5, 100.25, 100.5, LOT]


def test_greeks_are_those_of_the_quotes_in_the_form_of_the_broker() -> None:
    made = exchange(now=lambda: NOW)
    level = Decimal(24_000)
    made.indices[INDICES["NIFTY"].token] = Quote(level, level, 0, level)

    call, put = greek_rows(made, "NIFTY", "25AUG2026")

    assert (call["strikePrice"], call["optionType"]) == ("24000.000000", "CE")
    assert float(call["delta"]) - float(put["delta"]) == pytest.approx(1, abs=1e-5)
    assert float(call["impliedVolatility"]) == pytest.approx(float(put["impliedVolatility"]))
    assert float(call["theta"]) < 0 < float(call["vega"])


@pytest.mark.parametrize("chain", [("NIFTY", "01SEP2026"), ("GOLD", "25AUG2026"), ("", "")])
def test_a_chain_that_is_not_listed_has_no_greeks(chain: tuple[str, str]) -> None:
    assert greek_rows(exchange(), *chain) == []
