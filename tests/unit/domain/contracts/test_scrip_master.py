from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from angel_x.domain.contracts.contract import Contract, Right, parse_symbol
from angel_x.domain.contracts.contract_file import ContractFile
from angel_x.domain.contracts.scrip_master import parse_master
from angel_x.domain.contracts.universe_generator import UniversePlan, generate_universe
from angel_x.errors import InvalidScripMaster
from tests.builders.markets import CALENDAR, RULES
from tests.builders.scrips import LISTED_ON, Row, cash, future, option


def parse(*rows: object, day: date = LISTED_ON) -> ContractFile:
    return parse_master(rows, "master.json", RULES, CALENDAR, day)


def test_an_option_is_listed_as_its_row_says() -> None:
    master = parse(option(24_050, "PE", lotsize="75", tick_size="10.000000", freeze_qty="1875"))

    assert master.universe.contracts == (
        Contract(
            symbol="NIFTY_25AUG26_24050PE",
            underlying="NIFTY",
            expiry=date(2026, 8, 25),
            strike=Decimal(24_050),
            right=Right.PUT,
            lot_size=75,
            tick_size=Decimal("0.10"),
            freeze_quantity=1_875,
            expires_at=datetime(2026, 8, 25, 10, 10, tzinfo=UTC),
        ),
    )
    assert (dict(master.passed_over), master.without_freeze) == ({}, 0)


def test_options_of_both_exchanges_on_indices_and_stocks_are_listed() -> None:
    master = parse(
        option(),
        option(81_000, name="SENSEX", symbol="SENSEX2682081000CE", exch_seg="BFO",
               expiry="20AUG2026", lotsize="20", freeze_qty="1000"),
        option(name="M&M", symbol="M&M25AUG263012.5CE", strike="301250.000000",
               instrumenttype="OPTSTK", lotsize="200", freeze_qty="8000"),
    )  # fmt: skip

    assert list(master.universe.symbols) == [
        "M&M_25AUG26_3012.5CE",
        "NIFTY_25AUG26_24000CE",
        "SENSEX_20AUG26_81000CE",
    ]


def test_other_instruments_are_passed_over_and_counted() -> None:
    master = parse(
        cash("BEL"),
        option(),
        future(name="BELINDEX", symbol="BELINDEX25AUG26FUT"),
        future(name="BEL", symbol="BEL25AUG26FUT", instrumenttype="FUTSTK"),
        option(name="USDINR", instrumenttype="OPTCUR", exch_seg="CDS", strike="8.5"),
        option(name="Nifty 50", expiry="", strike="0.000000", instrumenttype="AMXIDX"),
        option(16_400, "PE", expiry="05MAY2022"),
    )

    assert len(master.universe) == 1
    assert master.passed_over == {"other_instruments": 3, "futures": 2, "expired": 1}


def test_futures_on_indices_are_listed_with_their_own_tick() -> None:
    master = parse(option(), future(), future("29SEP2026", freeze_qty=...), future("21JUL2026"))

    assert list(master.universe.symbols) == [
        "NIFTY_25AUG26_24000CE",
        "NIFTY_25AUG26_FUT",
        "NIFTY_29SEP26_FUT",
    ]
    assert master.universe.contracts[1] == Contract(
        symbol="NIFTY_25AUG26_FUT",
        underlying="NIFTY",
        expiry=date(2026, 8, 25),
        strike=Decimal(0),
        right=None,
        lot_size=65,
        tick_size=Decimal("0.10"),
        freeze_quantity=1_800,
        expires_at=datetime(2026, 8, 25, 10, 10, tzinfo=UTC),
    )
    assert master.passed_over == {"expired": 1}


@pytest.mark.parametrize(
    ("row", "field", "detail"),
    [
        (future(symbol="NIFTY29SEP26FUT"), "expiry", "must be the expiry of the symbol"),
        (future(symbol="NIFTY25AUG2624000CE"), "symbol", "must end as 25AUG26FUT does"),
        (future(tick_size="65.000000", lotsize="10"), "tick_size", "lot and tick may be swapped"),
        (future(lotsize="0"), "lotsize", "must be a whole number of units above 0"),
        (future(freeze_qty="64"), "freeze_qty", "must be at least the lot of 65"),
    ],
)
def test_a_future_that_contradicts_itself_is_refused(row: Row, field: str, detail: str) -> None:
    with pytest.raises(InvalidScripMaster, match=detail) as refused:
        parse(option(), row)

    assert refused.value.field == field


def test_a_future_that_comes_twice_is_refused() -> None:
    with pytest.raises(InvalidScripMaster, match="must name a contract once, is that of row 2"):
        parse(option(), future(), future())


def test_a_master_of_futures_only_is_refused() -> None:
    with pytest.raises(InvalidScripMaster, match="must hold an option"):
        parse(future())


def test_what_expires_today_is_still_listed() -> None:
    assert len(parse(option(), day=date(2026, 8, 25)).universe) == 1
    with pytest.raises(InvalidScripMaster, match="must hold an option that has not expired"):
        parse(option(), day=date(2026, 8, 26))


@pytest.mark.parametrize("absent", [..., "", "0", None])
def test_a_row_without_a_freeze_quantity_has_that_of_the_exchanges_table(absent: object) -> None:
    master = parse(option(freeze_qty=absent))

    assert master.universe.freeze_quantity.tolist() == [1_800]
    assert master.without_freeze == 0


def test_where_nobody_knows_the_freeze_quantity_one_lot_is_the_most_an_order_may_hold() -> None:
    master = parse(option(name="BEL", lotsize="1425", freeze_qty=...), option())

    assert master.universe.freeze_quantity.tolist() == [1_425, 1_800]
    assert master.without_freeze == 1


def test_a_chain_that_both_exchanges_list_is_that_of_nse() -> None:
    bse = option(name="BEL", exch_seg="BFO", lotsize="100", freeze_qty="4000")
    nse = option(name="BEL", exch_seg="NFO", lotsize="200", freeze_qty="8000")

    for rows in ((bse, nse), (nse, bse)):
        master = parse(*rows)
        assert master.universe.lot_size.tolist() == [200]
        assert master.passed_over == {"on_two_exchanges": 1}


@pytest.mark.parametrize(
    ("row", "field", "detail"),
    [
        (option(strike="24000.5"), "strike", "must be whole paise above 0, was 24000.5"),
        (option(strike="-1.000000"), "strike", "must be whole paise above 0, was -1.000000"),
        (option(strike="0.000000"), "strike", "must be whole paise above 0, was 0.000000"),
        (option(strike="9" * 400), "strike", "must be whole paise above 0, was " + "9" * 60),
        (option(strike=2_400_000), "strike", "must be text, was 2400000"),
        (option(strike=...), "strike", "must be there, was missing"),
        (option(expiry="31FEB2026"), "expiry", "must be a date such as 25AUG2026, was 31FEB2026"),
        (option(expiry=""), "expiry", "must be a date such as 25AUG2026, was "),
        (option(expiry="25Aug2026"), "expiry", "was 25Aug2026"),
        (option(lotsize="0"), "lotsize", "must be a whole number of units above 0, was 0"),
        (option(lotsize="65.5"), "lotsize", "must be a whole number of units above 0, was 65.5"),
        (option(tick_size="0.000000"), "tick_size", "must be whole paise from 1 to 999999, was 0.000000"),
        (option(tick_size="2.5"), "tick_size", "must be whole paise from 1 to 999999, was 2.5"),
        (option(freeze_qty="many"), "freeze_qty", "must be a whole number, was many"),
        (option(freeze_qty=1_800), "freeze_qty", "must be text, was 1800"),
        (option(freeze_qty="64"), "freeze_qty", "must be at least the lot of 65, was 64"),
        (option(symbol="NIFTY25AUG26FUT"), "symbol", "must end in CE or PE, was NIFTY25AUG26FUT"),
        (option(name="nifty"), "name", "must be 1 to 20 capitals, digits, & or -, was nifty"),
        (option(name=["NIFTY"]), "name", "must be text, was ['NIFTY']"),
        (option(instrumenttype=...), "instrumenttype", "must be there, was missing"),
        (option(exch_seg=None), "exch_seg", "must be there, was missing"),
        (["NIFTY"], "(any)", "must be an object, was ['NIFTY']"),
        (option(token="again"), "symbol", "must name a contract once, is that of row 2"),
    ],
)  # fmt: skip
def test_a_wrong_row_is_refused_with_row_field_and_value(
    row: Row | list[str], field: str, detail: str
) -> None:
    with pytest.raises(InvalidScripMaster) as refused:
        parse(cash("BEL"), option(), row, option(24_100))

    fault = refused.value
    assert (fault.file, fault.row, fault.field) == ("master.json", 3, field)
    assert detail in fault.detail
    assert str(fault).startswith(f"master.json, row 3, field {field}: ")
    assert len(str(fault)) < 200


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(
        ["NFO", "BFO", "OPTIDX", "OPTSTK", "25AUG2026", "31DEC2099", "0", "1.000000", "999999999"]
    ),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=3,
)


@given(st.lists(st.dictionaries(st.sampled_from(sorted(option())), _JSON), max_size=4))
def test_whatever_a_row_holds_it_is_listed_passed_over_or_refused(changes: list[Row]) -> None:
    rows = [option(24_000 + i, **changed) for i, changed in enumerate(changes)]
    try:
        master = parse(option(20_000), *rows)
    except InvalidScripMaster as refused:
        assert 1 <= refused.row <= len(rows) + 1  # noqa: PT017  either may be right
    else:
        assert len(master.universe) + sum(master.passed_over.values()) == len(rows) + 1
        for symbol in master.universe.symbols:
            parse_symbol(symbol)


def test_a_generated_universe_written_as_a_master_comes_back_as_it_was() -> None:
    made = generate_universe(UniversePlan(20, 2, 1_000), RULES, CALENDAR, LISTED_ON)

    assert parse(*map(row_of, made.contracts)).universe.version == made.version


def row_of(contract: Contract) -> Row:
    """Return a contract as the broker writes it."""
    expiry = f"{contract.expiry:%d%b%Y}".upper()
    return option(
        symbol=f"{contract.underlying}{expiry[:5]}{expiry[7:]}{contract.strike}{contract.right}",
        name=contract.underlying,
        expiry=expiry,
        strike=f"{contract.strike * 100:.6f}",
        lotsize=str(contract.lot_size),
        exch_seg="BFO" if RULES.exchanges.get(contract.underlying) == "BSE" else "NFO",
        instrumenttype="OPTIDX" if RULES.is_index(contract.underlying) else "OPTSTK",
        freeze_qty=str(contract.freeze_quantity),
    )


@pytest.mark.reference
def test_the_sample_of_a_real_master_is_read(reference_folder: Path) -> None:
    rows = json.loads((reference_folder / "angel_scrip_master_sample.json").read_text())

    listed = parse(*rows, day=date(2026, 7, 20))

    assert list(listed.universe.symbols) == [
        "NIFTY_28JUL26_23500CE",
        "NIFTY_11AUG26_22350CE",
        "NIFTY_28JUL26_FUT",
        "NIFTY_25AUG26_FUT",
        "NIFTY_29SEP26_FUT",
    ]
    assert set(listed.universe.freeze_quantity.tolist()) == {1_800}
    assert listed.passed_over == {"other_instruments": 8, "expired": 2}
