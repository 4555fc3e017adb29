"""The lists of Kite, Dhan and Upstox, and rows of any list that contradict themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from angel_x.domain.contracts.broker_lists import DHAN, KITE, UPSTOX
from angel_x.domain.contracts.contract import Contract
from angel_x.domain.contracts.contract_file import ContractFile
from angel_x.domain.contracts.row_listing import InstrumentFormat, Row, parse_rows
from angel_x.domain.contracts.scrip_master import ANGEL_ONE
from angel_x.errors import InvalidScripMaster
from tests.builders.markets import CALENDAR, RULES
from tests.builders.scrips import LISTED_ON, future, option

EXPIRY = datetime(2026, 8, 25, 18, 29, 59, tzinfo=UTC)
ROWS: dict[str, tuple[InstrumentFormat, dict[str, Any]]] = {
    "angel": (ANGEL_ONE, option(24_200)),
    "kite": (
        KITE,
        {
            "instrument_token": "17512194", "tradingsymbol": "NIFTY26AUG24200CE", "name": "NIFTY",
            "expiry": "2026-08-25", "strike": "24200.0", "tick_size": "0.05", "lot_size": "65",
            "instrument_type": "CE", "segment": "NFO-OPT", "exchange": "NFO",
        },
    ),
    "dhan": (
        DHAN,
        {
            "SEM_EXM_EXCH_ID": "NSE", "SEM_SEGMENT": "D", "SEM_INSTRUMENT_NAME": "OPTIDX",
            "SEM_TRADING_SYMBOL": "NIFTY-Aug2026-24200-CE", "SEM_LOT_UNITS": "65.0",
            "SEM_EXPIRY_DATE": "2026-08-25 14:30:00", "SEM_STRIKE_PRICE": "24200.00000",
            "SEM_OPTION_TYPE": "CE", "SEM_TICK_SIZE": "5.0000",
        },
    ),
    "upstox": (
        UPSTOX,
        {
            "segment": "NSE_FO", "instrument_type": "CE", "underlying_symbol": "NIFTY",
            "instrument_key": "NSE_FO|45212", "trading_symbol": "NIFTY 24200 CE 25 AUG 26",
            "expiry": int(EXPIRY.timestamp() * 1000), "lot_size": 65, "freeze_quantity": 1800.0,
            "tick_size": 5.0, "strike_price": 24200.0,
        },
    ),
}  # fmt: skip
#: The changes that make a future of the option above.
FUTURES: dict[str, dict[str, Any]] = {
    "angel": future(),
    "kite": {
        "tradingsymbol": "NIFTY26AUGFUT", "strike": "0.0", "tick_size": "0.1",
        "instrument_type": "FUT", "segment": "NFO-FUT",
    },
    "dhan": {
        "SEM_INSTRUMENT_NAME": "FUTIDX", "SEM_TRADING_SYMBOL": "NIFTY-Aug2026-FUT",
        "SEM_STRIKE_PRICE": "-0.01000", "SEM_OPTION_TYPE": "XX", "SEM_TICK_SIZE": "10.0000",
    },
    "upstox": {
        "instrument_type": "FUT", "trading_symbol": "NIFTY FUT 25 AUG 26", "tick_size": 10.0,
        "strike_price": 0.0, "underlying_type": "INDEX",
    },
}  # fmt: skip


def parse(name: str, *changes: Row, day: date = LISTED_ON) -> ContractFile:
    chosen, row = ROWS[name]
    rows = [{**row, **changed} for changed in changes]
    return parse_rows(rows, "list", chosen, RULES, CALENDAR, day)


@pytest.mark.parametrize("name", ROWS)
def test_every_format_lists_the_same_contract(name: str) -> None:
    listed = parse(name, {})

    assert listed.universe.version == parse("angel", {}).universe.version
    assert list(listed.universe.symbols) == ["NIFTY_25AUG26_24200CE"]


def future_in(name: str) -> Contract:
    universe = parse(name, {}, FUTURES[name]).universe
    return universe.contract(universe.rows["NIFTY_25AUG26_FUT"])


@pytest.mark.parametrize("name", FUTURES)
def test_every_format_lists_the_same_future_beside_the_option(name: str) -> None:
    listed = parse(name, {}, FUTURES[name])

    assert list(listed.universe.symbols) == ["NIFTY_25AUG26_24200CE", "NIFTY_25AUG26_FUT"]
    assert not listed.passed_over
    assert future_in(name) == future_in("angel")
    assert future_in(name).tick_size == Decimal("0.10")


@pytest.mark.parametrize(
    ("day", "symbol"),
    [
        ("2026-09-03", "SENSEX26903FUT"),
        ("2026-10-08", "SENSEX26O08FUT"),
        ("2026-11-26", "SENSEX26NOVFUT"),
        ("2026-12-03", "SENSEX26D03FUT"),
    ],
)
def test_futures_of_bse_are_listed_by_month_and_by_week(day: str, symbol: str) -> None:
    of_bse = {"segment": "BFO-FUT", "name": "SENSEX", "lot_size": "20"}

    listed = parse(
        "kite", {}, {**FUTURES["kite"], **of_bse, "expiry": day, "tradingsymbol": symbol}
    )

    expiry = date.fromisoformat(day)
    assert listed.universe.symbols[1] == f"SENSEX_{expiry:%d%b%y}_FUT".upper()


@pytest.mark.parametrize(
    ("name", "changed", "field", "detail"),
    [
        ("kite", {"tradingsymbol": "NIFTY26SEPFUT"}, "expiry", "NIFTY26SEPFUT, was 2026-08-25"),
        ("kite", {"tradingsymbol": "NIFTY26818FUT"}, "expiry", "NIFTY26818FUT, was 2026-08-25"),
        ("kite", {"tradingsymbol": "NIFTYFUT"}, "tradingsymbol", "must end as 26AUGFUT does"),
        ("kite", {"lot_size": "10", "tick_size": "0.65"}, "tick_size", "may be swapped"),
        ("kite", {"lot_size": "0"}, "lot_size", "above 0, was 0"),
        ("dhan", {"SEM_TRADING_SYMBOL": "NIFTY-Sep2026-FUT"}, "SEM_EXPIRY_DATE", "was 2026-08-25"),
        ("dhan", {"SEM_TRADING_SYMBOL": "NIFTY-FUT"}, "SEM_TRADING_SYMBOL", "as -Aug2026-FUT does"),
        ("upstox", {"trading_symbol": "NIFTY FUT 26 AUG 26"}, "expiry", "NIFTY FUT 26 AUG 26, was"),
        ("upstox", {"freeze_quantity": 64.0}, "freeze_quantity", "at least the lot of 65, was 64"),
    ],
)
def test_a_future_that_contradicts_itself_is_refused(
    name: str, changed: Row, field: str, detail: str
) -> None:
    with pytest.raises(InvalidScripMaster, match=f"list, row 2, field {field}: ") as refused:
        parse(name, {}, {**FUTURES[name], **changed})

    assert detail in str(refused.value)


@pytest.mark.parametrize(
    ("name", "changed", "kind"),
    [
        ("kite", {**FUTURES["kite"], "name": "BEL", "tradingsymbol": "BEL26AUGFUT"}, "futures"),
        ("upstox", {"instrument_type": "FUT", "underlying_type": "EQUITY"}, "futures"),
        ("kite", {"segment": "MCX-FUT", "instrument_type": "FUT"}, "other_instruments"),
        ("kite", {"segment": "NSE", "instrument_type": "EQ"}, "other_instruments"),
        ("dhan", {"SEM_INSTRUMENT_NAME": "FUTSTK"}, "futures"),
        ("dhan", {"SEM_SEGMENT": "C"}, "other_instruments"),
        ("dhan", {"SEM_EXM_EXCH_ID": "MCX"}, "other_instruments"),
        ("upstox", {"segment": "NSE_EQ", "instrument_type": "EQ"}, "other_instruments"),
        ("kite", {"expiry": "2026-08-18", "tradingsymbol": "NIFTY2681824200CE"}, "expired"),
    ],
)
def test_other_rows_are_passed_over_and_counted(name: str, changed: Row, kind: str) -> None:
    assert parse(name, {}, changed).passed_over == {kind: 1}


def test_options_of_bse_and_on_stocks_are_listed() -> None:
    sensex = {"segment": "BFO-OPT", "name": "SENSEX", "strike": "81000", "lot_size": "20"}
    kite = parse("kite", {**sensex, "tradingsymbol": "SENSEX2682581000CE"})
    dhan = parse(
        "dhan",
        {"SEM_TRADING_SYMBOL": "BAJAJ-AUTO-Aug2026-9000-CE", "SEM_STRIKE_PRICE": "9000.00000",
         "SEM_INSTRUMENT_NAME": "OPTSTK"},
    )  # fmt: skip

    assert list(kite.universe.symbols) == ["SENSEX_25AUG26_81000CE"]
    assert list(dhan.universe.symbols) == ["BAJAJ-AUTO_25AUG26_9000CE"]


CONTRADICTIONS: list[tuple[str, Row, str, str]] = [
    ("angel", {"strike": "24200.000000"}, "strike", "24200CE in paise, was 24200.000000"),
    ("angel", {"strike": "242000000.000000"}, "strike", "24200CE in paise, was 242000000.000000"),
    ("angel", {"strike": "20000.000000"}, "strike", "24200CE in paise, was 20000.000000"),
    ("angel", {"expiry": "25AUG2036"}, "expiry", "NIFTY25AUG2624200CE, was 25AUG2036"),
    (
        "angel",
        {"lotsize": "5", "tick_size": "65.000000"},
        "lotsize",
        "must be 65 with a tick of 5 paise: lot and tick are swapped, was 5",
    ),
    ("angel", {"name": "BEL", "lotsize": "5", "tick_size": "65"}, "tick_size", "was 65"),
    (
        "angel",
        {"name": "BEL", "symbol": "BEL25AUG26400CE", "strike": "40000", "lotsize": "5",
         "tick_size": "500"},
        "lotsize",
        "a strike of 400 rupees must be at least 50000 rupees, was 5",
    ),
    ("kite", {"strike": "2420000"}, "strike", "24200CE in rupees, was 2420000"),
    ("kite", {"lot_size": "5", "tick_size": "0.65"}, "lot_size", "must be 65"),
    ("dhan", {"SEM_STRIKE_PRICE": "242"}, "SEM_STRIKE_PRICE", "in rupees, was 242"),
    ("upstox", {"strike_price": 242.0}, "strike_price", "in rupees, was 242.0"),
    ("upstox", {"lot_size": 5, "tick_size": 65.0}, "lot_size", "must be 65"),
    ("upstox", {"freeze_quantity": 64.0}, "freeze_quantity", "at least the lot of 65, was 64"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changed", "field", "detail"), CONTRADICTIONS)
def test_a_row_that_contradicts_itself_is_refused_with_what_was_expected(
    name: str, changed: Row, field: str, detail: str
) -> None:
    with pytest.raises(InvalidScripMaster) as refused:
        parse(name, {}, changed)

    assert str(refused.value).startswith(f"list, row 2, field {field}: ")
    assert detail in str(refused.value)


@pytest.mark.parametrize(
    ("name", "changed", "field"),
    [
        ("kite", {"expiry": "25-08-2026"}, "expiry"),
        ("kite", {"strike": "many"}, "strike"),
        ("kite", {"strike": "24200.001"}, "strike"),
        ("kite", {"lot_size": "65.5"}, "lot_size"),
        ("kite", {"instrument_type": "XX"}, "instrument_type"),
        ("kite", {"name": "Nifty fifty"}, "name"),
        ("dhan", {"SEM_TRADING_SYMBOL": "NIFTY"}, "SEM_STRIKE_PRICE"),
        ("dhan", {"SEM_LOT_UNITS": " 65"}, "SEM_LOT_UNITS"),
        ("upstox", {"lot_size": True}, "lot_size"),
        ("upstox", {"expiry": "soon"}, "expiry"),
        ("upstox", {"expiry": 10**17}, "expiry"),
        ("upstox", {"strike_price": float("inf")}, "strike_price"),
        ("upstox", {"trading_symbol": "NIFTY"}, "strike_price"),
        ("upstox", {"trading_symbol": None}, "trading_symbol"),
    ],
)
def test_a_wrong_cell_is_named(name: str, changed: Row, field: str) -> None:
    with pytest.raises(InvalidScripMaster, match=f"list, row 2, field {field}: "):
        parse(name, {}, changed)


def test_a_list_of_which_all_has_expired_says_so() -> None:
    with pytest.raises(InvalidScripMaster, match="by 2026-08-26, the market's day, was 2 expired"):
        parse("kite", {}, {"instrument_type": "PE"}, day=date(2026, 8, 26))
