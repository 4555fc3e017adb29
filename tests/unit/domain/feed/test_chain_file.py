from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from angel_x.domain.feed.chain_file import COLUMNS, parse_chain
from angel_x.domain.feed.replay import RecordedChain
from angel_x.errors import InvalidChainFile
from tests.builders.markets import CALENDAR, CHAIN_HEADER, CHAIN_ROWS, RULES, chain_text

NEAR_CALL, NEAR_PUT, FAR_CALL = (
    "NIFTY_25AUG26_24050CE",
    "NIFTY_25AUG26_24050PE",
    "NIFTY_01SEP26_24050CE",
)


def parse(text: str) -> RecordedChain:
    return parse_chain(text.splitlines(keepends=True), "chain.csv", RULES, CALENDAR)


def refusal(text: str) -> InvalidChainFile:
    with pytest.raises(InvalidChainFile) as refused:
        parse(text)
    assert refused.value.file == "chain.csv"
    assert str(refused.value).startswith(f"chain.csv, row {refused.value.row}, column ")
    return refused.value


def test_the_contracts_are_those_of_all_snapshots_under_the_rules_of_their_day() -> None:
    universe = parse(chain_text()).universe

    assert universe.symbols == (NEAR_CALL, NEAR_PUT, FAR_CALL)
    contract = universe.contracts[0]
    assert (contract.underlying, contract.expiry) == ("NIFTY", date(2026, 8, 25))
    assert (contract.lot_size, contract.freeze_quantity) == (65, 1800)
    assert contract.expires_at == datetime(2026, 8, 25, 10, 10, tzinfo=UTC)


def test_a_snapshot_holds_its_time_its_rows_and_its_spot() -> None:
    first, second = parse(chain_text()).snapshots

    assert first.at == datetime(2026, 8, 19, 5, 57, tzinfo=UTC)
    assert second.at == datetime(2026, 8, 19, 5, 58, tzinfo=UTC)
    assert (first.rows.tolist(), second.rows.tolist()) == ([0, 1, 2], [0, 1])
    assert first.spots["last"].tolist() == [2_405_240]
    assert second.spots["last"].tolist() == [2_406_010]


def test_a_quote_stands_one_tick_around_the_last_price() -> None:
    quote = parse(chain_text()).snapshots[0].quotes[0]

    assert (quote["bid"], quote["last"], quote["ask"]) == (15_000, 15_005, 15_010)
    assert (quote["bid_size"], quote["ask_size"]) == (1800, 1800)
    assert quote["time"] == 0


@pytest.mark.parametrize(
    ("last", "bid", "ask"),
    [("100.03", 10_000, 10_005), ("100.05", 10_000, 10_010), ("0.07", 5, 10)],
)
def test_a_quote_lies_on_ticks_also_where_the_last_price_does_not(
    last: str, bid: int, ask: int
) -> None:
    quote = parse(chain_text(CHAIN_ROWS[0].replace("150.05", last))).snapshots[0].quotes[0]

    assert (quote["bid"], quote["ask"]) == (bid, ask)


def test_volume_and_open_interest_become_units() -> None:
    quote = parse(chain_text()).snapshots[0].quotes[0]

    assert (quote["volume"], quote["oi"]) == (10 * 65, 100 * 65)


def test_a_last_price_of_one_tick_has_no_bid() -> None:
    quote = parse(chain_text()).snapshots[0].quotes[2]

    assert (quote["bid"], quote["bid_size"], quote["last"], quote["ask"]) == (0, 0, 5, 10)


def test_a_contract_that_never_traded_has_neither_bid_nor_ask() -> None:
    row = CHAIN_ROWS[0].replace("150.05", "0.0")

    quote = parse(chain_text(row)).snapshots[0].quotes[0]

    assert (quote["bid"], quote["last"], quote["ask"]) == (0, 0, 0)


def test_snapshots_are_put_in_the_order_of_time() -> None:
    ordered, shuffled = parse(chain_text()), parse(chain_text(*reversed(CHAIN_ROWS)))

    assert ordered.universe.version == shuffled.universe.version
    assert [s.at for s in ordered.snapshots] == [s.at for s in shuffled.snapshots]
    for left, right in zip(ordered.snapshots, shuffled.snapshots, strict=True):
        assert left.rows.tolist() == right.rows.tolist()
        assert left.quotes.tolist() == right.quotes.tolist()


def test_columns_may_come_in_any_order_and_blank_lines_are_passed_over() -> None:
    names = CHAIN_HEADER.split(",")
    lines = [",".join(reversed(line.split(","))) for line in (CHAIN_HEADER, *CHAIN_ROWS)]

    chain = parse("\n".join([lines[0], "", *lines[1:], "", ""]))

    assert set(COLUMNS) < set(names)
    assert chain.universe.symbols == parse(chain_text()).universe.symbols


def test_two_ways_to_write_a_strike_are_one_contract() -> None:
    rows = (CHAIN_ROWS[0], CHAIN_ROWS[3].replace("24050.0", "24050"))

    assert parse(chain_text(*rows)).universe.symbols == (NEAR_CALL,)


def test_a_spot_that_a_snapshot_leaves_out_stays_where_it_was() -> None:
    bank = "202608191128,NIFTYBANK,25-Aug-2026,52000.0,CE,52010.0,400.0,1.0,1.0,0.0"

    first, second = parse(chain_text(CHAIN_ROWS[0], bank)).snapshots

    assert first.spots["last"].tolist() == [0, 2_405_240]
    assert second.spots["last"].tolist() == [5_201_000, 2_405_240]


def test_a_row_of_a_future_has_no_strike() -> None:
    future = "202608191127,NIFTY50,25-Aug-2026,0,FUT,24052.4,24091.15,10,100,5"

    chain = parse(chain_text(*CHAIN_ROWS[:3], future))

    assert chain.universe.symbols[3] == "NIFTY_25AUG26_FUT"
    contract = chain.universe.contracts[3]
    assert (contract.lot_size, str(contract.tick_size)) == (65, "0.10")
    (snapshot,) = chain.snapshots
    quote = snapshot.quotes[3]
    assert (quote["bid"], quote["last"], quote["ask"]) == (2_409_110, 2_409_115, 2_409_120)
    error = refusal(chain_text(CHAIN_ROWS[0], future.replace(",0,FUT", ",24050,FUT")))
    assert (error.row, error.column) == (3, "strike")
    assert error.detail == "must be 0 in a row of a future, was 24050"
    assert refusal(chain_text(future)).detail == "must hold an option, was 1 futures"


@pytest.mark.parametrize("column", COLUMNS)
def test_a_missing_column_is_named(column: str) -> None:
    error = refusal(chain_text().replace(column, f"{column}_of_old", 1))

    assert (error.row, error.column) == (1, column)


@pytest.mark.parametrize(
    ("cell", "value", "column"),
    [
        (0, "20260819112", "timestamp"),
        (0, "202608199927", "timestamp"),
        (0, "", "timestamp"),
        (1, "GOLD", "symbol"),
        (1, "", "symbol"),
        (2, "2026-08-25", "expiry"),
        (2, "31-Feb-2026", "expiry"),
        (2, "18-Aug-2026", "expiry"),
        (3, "abc", "strike"),
        (3, "-24050", "strike"),
        (3, "0", "strike"),
        (3, "NaN", "strike"),
        (3, "1E30", "strike"),
        (3, "24050.001", "strike"),
        (4, "XX", "option_type"),
        (4, "ce", "option_type"),
        (5, "0", "spot"),
        (5, "-1", "spot"),
        (5, "", "spot"),
        (6, "-0.05", "ltp"),
        (6, "nan", "ltp"),
        (6, "inf", "ltp"),
        (6, "1e30", "ltp"),
        (6, "12,5", "ltp"),
        (7, "-1", "volume"),
        (7, "many", "volume"),
        (8, "-1", "oi"),
        (8, "1e30", "oi"),
    ],
)
def test_a_cell_that_makes_no_sense_is_named_by_row_and_column(
    cell: int, value: str, column: str
) -> None:
    cells = CHAIN_ROWS[2].split(",")
    cells[cell] = f'"{value}"'

    error = refusal(chain_text(CHAIN_ROWS[0], CHAIN_ROWS[1], ",".join(cells), CHAIN_ROWS[3]))

    assert (error.row, error.column) == (4, column)
    assert error.detail.endswith(f"was {value}")


def test_the_same_contract_twice_at_one_time_is_a_duplicate() -> None:
    error = refusal(chain_text(*CHAIN_ROWS, CHAIN_ROWS[1].replace("24050.0", "24050.00")))

    assert (error.row, error.column) == (7, "strike")
    assert "twice" in error.detail


def test_a_row_that_ends_early_names_the_first_cell_it_lacks() -> None:
    error = refusal(chain_text(CHAIN_ROWS[0], "202608191127,NIFTY50,25-Aug-2026"))

    assert (error.row, error.column) == (3, "strike")


def test_a_row_that_is_too_long_is_refused() -> None:
    error = refusal(chain_text(CHAIN_ROWS[0], f"{CHAIN_ROWS[1]},1"))

    assert (error.row, error.column) == (3, "oi_chg")


def test_a_column_twice_in_the_header_is_refused() -> None:
    error = refusal(chain_text().replace("oi_chg", "oi", 1))

    assert (error.row, error.column) == (1, "oi")


@pytest.mark.parametrize(("text", "row"), [("", 1), ("\n", 1), (f"{CHAIN_HEADER}\n", 1)])
def test_a_file_without_rows_is_refused(text: str, row: int) -> None:
    error = refusal(text)

    assert (error.row, error.column) == (row, "timestamp")


def test_an_open_quotation_mark_is_refused() -> None:
    error = refusal(chain_text(CHAIN_ROWS[0], f'"{CHAIN_ROWS[1]}'))

    assert error.column == "timestamp"
    assert "no CSV" in error.detail
