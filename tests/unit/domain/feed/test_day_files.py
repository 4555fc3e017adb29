"""Files with the prices of days: bhavcopies, historical prices, the option chain of NSE's website."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from angel_x.domain.book.account import Account
from angel_x.domain.book.book import Book
from angel_x.domain.book.settlement import Expiry, PriceSource, SettlementPrice, settle_account
from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.feed.chain_file import parse_chain
from angel_x.domain.feed.replay import RecordedChain
from angel_x.domain.orders.order import (
    Order,
    OrderStatus,
    OrderType,
    Priority,
    Side,
    Validity,
)
from angel_x.domain.values.money import ZERO, rupees
from angel_x.errors import InvalidChainFile
from config.market import table
from tests.builders.markets import CALENDAR, EXPIRY_DAY, RULES, chain_text

UDIFF = (
    "TradDt,FinInstrmTp,TckrSymb,XpryDt,StrkPric,OptnTp,ClsPric,UndrlygPric,OpnIntrst,"
    "TtlTradgVol,NewBrdLotQty\n"
)
LEGACY = "INSTRUMENT,SYMBOL,EXPIRY_DT,STRIKE_PR,OPTION_TYP,CLOSE,OPEN_INT,TIMESTAMP,\n"
HISTORY = (
    "DATE,EXPIRY,OPTION TYPE,STRIKE PRICE,CLOSE,SETTLE PRICE,TOTAL TRADED QUANTITY,MARKET LOT,"
    "OPEN INTEREST,SYMBOL,INSTRUMENT_TYPE\n"
)
SITE = (
    "CALLS,,PUTS\n"
    ",OI,CHNG IN OI,VOLUME,IV,LTP,CHNG,BID QTY,BID,ASK,ASK QTY,STRIKE,BID QTY,BID,ASK,ASK QTY,"
    "CHNG,LTP,IV,VOLUME,CHNG IN OI,OI,\n"
)
SITE_ROW = (
    ',"1,204",10,"2,33,100",12.5,196.40,-4.2,65,"196.30",196.50,130,"24,200.00",65,180.10,180.30,'
    '195,3.1,180.20,12.6,"1,95,000",55,"3,210",\n'
)
SITE_FILE = "option-chain-ED-NIFTY-25-Aug-2026.csv"
TODAY = date(2026, 8, 20)


def parse(text: str, name: str = "day.csv", day: date | None = None) -> RecordedChain:
    return parse_chain(text.splitlines(keepends=True), name, RULES, CALENDAR, TODAY, day)


def test_a_udiff_bhavcopy_is_a_snapshot_a_minute_before_the_close() -> None:
    chain = parse(
        f"{UDIFF}2026-08-20,IDO,NIFTY,2026-08-25,24200.00,CE,196.40,24216.75,156520,3500000,65\n"
        "2026-08-20,STO,BEL,2026-08-25,400.00,CE,9.40,401.00,1425,1425,1425\n"
        "2026-08-20,IDF,NIFTY,2026-08-25,,,24230.05,24216.75,650,1300,65\n"
        "2026-08-20,STF,BEL,2026-08-25,,,401.50,401.00,1425,1425,1425\n"
    )

    (snapshot,) = chain.snapshots
    assert list(chain.universe.symbols) == ["NIFTY_25AUG26_24200CE", "NIFTY_25AUG26_FUT"]
    assert snapshot.at == datetime(2026, 8, 20, 10, 9, tzinfo=UTC)
    assert CALENDAR.is_open(snapshot.at)
    quote, of_future = snapshot.quotes
    assert (quote["bid"], quote["last"], quote["ask"]) == (19_635, 19_640, 19_645)
    assert (quote["oi"], quote["volume"]) == (156_520, 3_499_990)
    assert [of_future[n] for n in ("bid", "last", "ask")] == [2_423_000, 2_423_005, 2_423_010]
    assert (of_future["oi"], of_future["volume"]) == (650, 1_300)
    assert snapshot.spots["last"].tolist() == [2_421_675]


def test_a_legacy_bhavcopy_has_the_lots_of_its_expiry_and_the_spot_of_its_pairs() -> None:
    rows = [("21000", "CE", "318.45"), ("21000", "PE", "2.05"), ("21300", "CE", "71.00"),
            ("21300", "PE", "19.50")]  # fmt: skip
    text = "".join(
        f"OPTIDX,NIFTY,25-Jan-2024,{strike},{right},{close},5000,25-JAN-2024,\n"
        for strike, right, close in rows
    )

    chain = parse(f"{LEGACY}{text}FUTIDX,NIFTY,25-Jan-2024,0,XX,21350.00,5000,25-JAN-2024,\n")

    assert set(chain.universe.lot_size.tolist()) == {50}
    assert chain.snapshots[0].at == datetime(2024, 1, 25, 9, 59, tzinfo=UTC)
    # 21,300 + 71.00 - 19.50: the pair whose prices are nearest to each other.
    assert chain.snapshots[0].spots["last"].tolist() == [2_135_150]


def test_without_a_pair_the_middle_strike_stands_for_the_spot() -> None:
    chain = parse(f"{LEGACY}OPTIDX,NIFTY,25-Jan-2024,21000,CE,318.45,5000,25-JAN-2024,\n")

    assert chain.snapshots[0].spots["last"].tolist() == [2_100_000]


def test_without_a_pair_the_nearest_future_stands_for_the_spot() -> None:
    row = "FUTIDX,NIFTY,{},0,XX,{},5000,25-JAN-2024,\n".format
    chain = parse(
        f"{LEGACY}{row('28-Mar-2024', '21600.00')}{row('25-Jan-2024', '0')}"
        f"{row('29-Feb-2024', '21450.00')}"
        "OPTIDX,NIFTY,25-Jan-2024,21000,CE,318.45,5000,25-JAN-2024,\n"
        "FUTIDX,BANKNIFTY,25-Jan-2024,0,XX,0,0,25-JAN-2024,\n"
    )

    assert list(chain.universe.symbols) == [
        "NIFTY_25JAN24_21000CE",
        "NIFTY_25JAN24_FUT",
        "NIFTY_29FEB24_FUT",
        "NIFTY_28MAR24_FUT",
    ]
    assert chain.snapshots[0].spots["last"].tolist() == [2_145_000]


def test_historical_futures_are_read_beside_the_options_with_the_lot_of_the_file() -> None:
    option = "2024-08-29,2024-08-29,CE,25000,152.00,25151.95,250,25,1500,NIFTY,OPTIDX\n"
    future = "2024-08-29,2024-08-29,,,25169.90,25151.95,6827725,25,4112850.0,NIFTY,FUTIDX\n"

    chain = parse(f"{HISTORY}{future}{option}")

    listed = chain.universe.contract(chain.universe.rows["NIFTY_29AUG24_FUT"])
    assert (listed.lot_size, listed.right) == (25, None)
    assert chain.snapshots[0].quotes["last"].tolist() == [15_200, 2_516_990]
    # The settlement price of the day of expiry is that of the index, of futures too.
    assert chain.snapshots[0].spots["last"].tolist() == [2_515_195]


def test_a_lot_in_the_file_replaces_that_of_the_tables() -> None:
    chain = parse(
        f"{HISTORY}2024-01-24,2024-01-25,CE,21000,452.60,452.6,750,75,1500,NIFTY,OPTIDX\n"
    )

    assert chain.universe.lot_size.tolist() == [75]


def test_the_websites_chain_has_calls_to_the_left_and_puts_to_the_right() -> None:
    row = SITE_ROW.replace("196.40", "-").replace("24,200.00", "24,250.00")

    chain = parse(f"{SITE}{SITE_ROW}{row}", SITE_FILE)

    assert list(chain.universe.symbols) == [
        "NIFTY_25AUG26_24200CE",
        "NIFTY_25AUG26_24200PE",
        "NIFTY_25AUG26_24250CE",
        "NIFTY_25AUG26_24250PE",
    ]
    (snapshot,) = chain.snapshots
    assert snapshot.at.date() == TODAY
    assert snapshot.quotes["last"].tolist() == [19_640, 18_020, 0, 18_020]
    assert snapshot.quotes["oi"].tolist() == [1_204 * 65, 3_210 * 65] * 2
    assert snapshot.spots["last"].tolist() == [2_421_620]


def test_one_day_of_a_file_begins_with_its_opening_prices() -> None:
    opening, closing = parse(EXPIRY_DAY, day=date(2024, 1, 25)).snapshots

    assert opening.at == datetime(2024, 1, 25, 3, 45, tzinfo=UTC)
    assert opening.quotes["last"].tolist() == [45_365, 265]
    # 21,000 + 453.65 - 2.65: the index had no price at the opening.
    assert opening.spots["last"].tolist() == [2_145_100]
    assert closing.at == datetime(2024, 1, 25, 9, 59, tzinfo=UTC)
    assert closing.quotes["last"].tolist() == [31_845, 10, 5]
    assert closing.spots["last"].tolist() == [2_135_260]
    assert [len(parse(EXPIRY_DAY).snapshots), len(parse(chain_text()).snapshots)] == [2, 2]
    assert len(parse(chain_text(), day=date(2026, 8, 19)).snapshots) == 2


def test_a_day_that_the_file_lacks_is_refused() -> None:
    for text in (EXPIRY_DAY, chain_text()):
        with pytest.raises(InvalidChainFile, match="must hold prices of 2024-01-26, was none"):
            parse(text, day=date(2024, 1, 26))


@pytest.mark.parametrize(
    ("text", "name", "row", "column", "detail"),
    [
        (SITE + SITE_ROW, "nse_site.csv", 1, "(file name)", "was nse_site.csv"),
        (SITE + SITE_ROW.replace('"2,33,100"', '"2 33 100"'), SITE_FILE, 3, "VOLUME", "was 2 33"),
        (SITE + ",1,2\n", SITE_FILE, 3, "STRIKE", "must be the cell 12 of 22"),
        (f"{UDIFF}2026-08-20,IDO,NIFTY,2026-08-25,x,CE,1,1,1,1,65\n", "u", 2, "StrkPric", ""),
        (f"{UDIFF}2026-08-20,IDO,NIFTY,25-08-2026,1,CE,1,1,1,1,65\n", "u", 2, "XpryDt", "was 25-"),
        (f"{UDIFF}2026-08-20,IDO,NIFTY,2026-08-25,9,CE,1,1,1,1,0\n", "u", 2, "NewBrdLotQty", "0"),
        (f"{UDIFF}2026-08-20,STO,BEL,2026-08-25,9,CE,1,1,1,1,65\n", "u", 2, "(any)", "was none"),
        (f"{UDIFF}2026-08-20,IDO,NIFTY\n", "u", 2, "NewBrdLotQty", "one of 3"),
        (f"{LEGACY}OPTIDX,NIFTY,25-Jan-2023,9,CE,1,1,24-JAN-2023,\n", "l", 2, "", "far back"),
        (
            f"{UDIFF}2026-08-20,IDF,NIFTY,2026-08-25,,,9,9,1,1,65\n",
            "u",
            2,
            "(any)",
            "was 1 futures",
        ),
        (f"{UDIFF}2026-08-20,IDF,NIFTY,25-08-2026,,,9,9,1,1,65\n", "u", 2, "XpryDt", "was 25-"),
        ("a,b,c\n1,2,3\n", "other.csv", 1, "timestamp", "UDiFF bhavcopy of derivatives (CSV); "),
    ],
)
def test_a_wrong_file_is_named_with_row_column_and_value(
    text: str, name: str, row: int, column: str, detail: str
) -> None:
    with pytest.raises(InvalidChainFile) as refused:
        parse(text, name)

    assert refused.value.row == row
    assert refused.value.column == (column or "expiry")
    assert detail in refused.value.detail


CASES = [
    ("nifty_options_eod_2024_monthlies.csv", date(2024, 1, 25), "NIFTY_25JAN24_21000CE", 50),
    ("nifty_derivatives_eod_2024.csv", date(2024, 8, 29), "NIFTY_29AUG24_21000CE", 25),
]


@pytest.mark.reference
@pytest.mark.parametrize(("name", "day", "symbol", "lot"), CASES)
def test_a_real_expiry_day_of_2024_loads_trades_and_settles_in_its_lots(
    reference_folder: Path, name: str, day: date, symbol: str, lot: int
) -> None:
    chain = parse((reference_folder / name).read_text(encoding="utf-8"), name)
    contract = chain.universe.contract(chain.universe.rows[symbol])
    (snapshot,) = (s for s in chain.snapshots if s.at.date() == day)
    quote = snapshot.quotes[snapshot.rows.tolist().index(chain.universe.rows[symbol])]
    index = rupees(int(snapshot.spots["last"][0]))
    paid, value = rupees(int(quote["ask"])), index - contract.strike
    assert contract.lot_size == lot
    assert CALENDAR.is_open(snapshot.at)

    rates = Tariff.from_tables(table("charges"), table("contracts")).on("NIFTY", day)
    book = Book({1: Account(1, Decimal(1_000_000), ZERO, ZERO)}, {}, {})
    book.decide(_order(symbol, lot, snapshot.at), Terms(paid, rates, None, lot, paid))
    charged = Decimal(1_000_000) - paid * lot - book.accounts[1].cash
    price = SettlementPrice(
        expiry=Expiry("NIFTY", day), price=index, source=PriceSource.FEED, actor="feed"
    )
    settle_account(book, 1, price, rates.stt_exercise)

    (settled,) = book.settled
    assert (settled.quantity, settled.price) == (lot, value)
    assert settled.realised_pnl == (value - paid) * lot
    assert charged > Decimal(20)
    assert book.accounts[1].cash == (
        Decimal(1_000_000) + settled.realised_pnl - charged - settled.charges
    )


def _order(symbol: str, quantity: int, at: datetime) -> Order:
    return Order(
        id=1,
        user_id=1,
        symbol=symbol,
        side=Side.BUY,
        quantity=quantity,
        filled_quantity=0,
        order_type=OrderType.MARKET,
        limit_price=None,
        validity=Validity.DAY,
        priority=Priority.NORMAL,
        status=OrderStatus.RECEIVED,
        valid_until=at,
        client_order_id="one lot",
    )
