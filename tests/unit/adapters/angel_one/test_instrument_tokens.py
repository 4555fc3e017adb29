from __future__ import annotations

import json
from pathlib import Path

import pytest

from angel_x.adapters.angel_one.instrument_tokens import INDICES, read_tokens
from angel_x.adapters.angel_one.market_frames import Instrument
from angel_x.errors import InvalidScripMaster
from tests.builders.broker import CALL, SYMBOL, listing

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

    found = read_tokens(master(tmp_path, CASH, CALL.scrip(), put.scrip(), SENSEX, "none"))

    assert found == {
        SYMBOL: Instrument(2, "40001"),
        SYMBOL.replace("CE", "PE"): Instrument(2, "40002"),
        "SENSEX_25AUG26_80000CE": Instrument(4, "861001"),
    }


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"token": "x1"}, "token"),
        ({"token": "123456789"}, "token"),
        ({"token": None}, "token"),
        ({"exch_seg": "CDS"}, "exch_seg"),
        ({"strike": "-1.000000"}, "strike"),
        ({"expiry": "25AU2026"}, "expiry"),
    ],
)
def test_a_row_that_makes_no_sense_is_named(
    tmp_path: Path, change: dict[str, object], field: str
) -> None:
    path = master(tmp_path, CASH, {**CALL.scrip(), **change})

    with pytest.raises(InvalidScripMaster) as refused:
        read_tokens(path)

    assert "row 2" in str(refused.value)
    assert field in str(refused.value)


def test_half_a_file_is_refused(tmp_path: Path) -> None:
    path = master(tmp_path, CALL.scrip())
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(InvalidScripMaster, match="must be JSON"):
        read_tokens(path)


def test_tokens_of_indices_are_sound() -> None:
    assert all(each.is_sound for each in INDICES.values())
    assert len({*INDICES.values()}) == len(INDICES)
