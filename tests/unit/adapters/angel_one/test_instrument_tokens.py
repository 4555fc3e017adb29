from __future__ import annotations

import json
from pathlib import Path

import pytest

from angel_x.adapters.angel_one.instrument_tokens import (
    INDICES,
    instruments,
    read_broker_contracts,
)
from angel_x.adapters.angel_one.market_frames import Instrument
from angel_x.domain.contracts.broker_contract import BrokerContract
from angel_x.errors import InvalidScripMaster
from config.market import table
from tests.builders.broker import CALL, EXPIRY, SYMBOL, listing

SENSEX = {
    **CALL.scrip(),
    "token": "861001",
    "symbol": "SENSEX26AUG80000CE",
    "name": "SENSEX",
    "exch_seg": "BFO",
    "strike": "8000000.000000",
}
CASH = {
    "token": "1594",
    "symbol": "INFY-EQ",
    "name": "INFY",
    "instrumenttype": "",
    "exch_seg": "NSE",
}


def master(tmp_path: Path, *rows: object) -> Path:
    path = tmp_path / "master.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    return path


def test_options_have_the_tokens_of_their_segments(tmp_path: Path) -> None:
    put = listing("40002", right="PE")

    found = read_broker_contracts(master(tmp_path, CASH, CALL.scrip(), put.scrip(), SENSEX, "none"))

    assert instruments(found) == {
        SYMBOL: Instrument(2, "40001"),
        SYMBOL.replace("CE", "PE"): Instrument(2, "40002"),
        "SENSEX_25AUG26_80000CE": Instrument(4, "861001"),
    }


def test_contracts_have_the_names_of_the_broker(tmp_path: Path) -> None:
    future = {**CALL.scrip(), "token": "7", "symbol": "NIFTY25AUG26FUT", "instrumenttype": "FUTIDX"}

    assert read_broker_contracts(master(tmp_path, SENSEX, future)) == [
        BrokerContract(
            "SENSEX_25AUG26_80000CE", "SENSEX", EXPIRY, "BFO", "SENSEX26AUG80000CE", "861001"
        ),
        BrokerContract("NIFTY_25AUG26_FUT", "NIFTY", EXPIRY, "NFO", "NIFTY25AUG26FUT", "7"),
    ]


@pytest.mark.parametrize("nse_is_first", [True, False])
def test_of_a_contract_on_both_exchanges_the_names_are_those_of_nse(
    tmp_path: Path, *, nse_is_first: bool
) -> None:
    of_nse = CALL.scrip()
    of_bse = {**of_nse, "exch_seg": "BFO", "symbol": "NIFTY26AUG24000CE"}
    rows = [of_nse, of_bse] if nse_is_first else [of_bse, of_nse]

    (found,) = read_broker_contracts(master(tmp_path, *rows))

    assert (found.exchange, found.trading_symbol) == ("NFO", CALL.trading_symbol)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"token": "40002"}, "must name a contract once"),
        ({"strike": "1.0"}, "must be that of one row"),
    ],
)
def test_two_rows_with_one_symbol_or_one_token_are_refused(
    tmp_path: Path, change: dict[str, str], rule: str
) -> None:
    path = master(tmp_path, CALL.scrip(), {**CALL.scrip(), **change})

    with pytest.raises(InvalidScripMaster, match=rule):
        read_broker_contracts(path)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"token": "x1"}, "token"),
        ({"token": "123456789"}, "token"),
        ({"token": None}, "token"),
        ({"exch_seg": "CDS"}, "exch_seg"),
        ({"symbol": "NIFTY25AUG26\t24000CE"}, "symbol"),
        ({"symbol": "N" * 39 + "CE"}, "symbol"),
        ({"symbol": "NIFTY\x0025AUG2624000CE"}, "symbol"),
        ({"strike": "-1.000000"}, "strike"),
        ({"expiry": "25AU2026"}, "expiry"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(
    tmp_path: Path, change: dict[str, object], field: str
) -> None:
    path = master(tmp_path, CASH, {**CALL.scrip(), **change})

    with pytest.raises(InvalidScripMaster) as refused:
        read_broker_contracts(path)

    assert "row 2" in str(refused.value)
    assert field in str(refused.value)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    path = master(tmp_path, CALL.scrip())
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(InvalidScripMaster, match="must be JSON"):
        read_broker_contracts(path)


def test_every_index_with_contracts_has_a_token_of_its_exchange() -> None:
    listed, of_bse = table("margin")["span"]["indices"], table("contracts")["exchange"].keys()

    assert {*listed} == INDICES.keys()
    assert {name for name, each in INDICES.items() if each.exchange == 3} == of_bse


def test_tokens_of_indices_are_sound() -> None:
    assert all(each.is_sound for each in INDICES.values())
    assert len({*INDICES.values()}) == len(INDICES)
