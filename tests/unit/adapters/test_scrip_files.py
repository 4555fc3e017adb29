from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from angel_x.adapters.contract_files import read_contracts
from angel_x.domain.contracts.contract_file import ContractFile
from angel_x.errors import InvalidChainFile, InvalidScripMaster
from tests.builders.markets import CALENDAR, RULES, chain_text
from tests.builders.scrips import LISTED_ON, Row, cash, master_text, option

ROWS = [cash("BEL"), option(), option(24_000, "PE")]


def read(path: Path) -> ContractFile:
    return read_contracts(path, LISTED_ON, lambda *_: None, rules=RULES, calendar=CALENDAR)


def long_master(rows: int = 5_000) -> str:
    return master_text([option(20_000 + number) for number in range(rows)])


@pytest.mark.parametrize("name", ["OpenAPIScripMaster.json", "master.json.gz", "master"])
def test_a_master_is_read_plain_or_compressed_whatever_its_name(tmp_path: Path, name: str) -> None:
    plain, compressed = tmp_path / name, tmp_path / f"other-{name}"
    plain.write_text(master_text(ROWS))
    compressed.write_bytes(gzip.compress(master_text(ROWS).encode()))

    assert read(plain).universe.version == read(compressed).universe.version
    assert len(read(plain).universe) == 2
    assert read(compressed).passed_over == {"other_instruments": 1}


@pytest.mark.parametrize("compressed", [False, True])
def test_a_byte_order_mark_and_blanks_are_no_fault(tmp_path: Path, *, compressed: bool) -> None:
    path = tmp_path / "master"
    content = b"\xef\xbb\xbf\r\n  " + master_text(ROWS).encode()
    path.write_bytes(gzip.compress(content) if compressed else content)

    assert len(read(path).universe) == 2


def test_a_chain_is_told_from_a_master_by_how_it_begins(tmp_path: Path) -> None:
    path = tmp_path / "chain.json"
    path.write_text(chain_text())

    assert len(read(path).universe) == 3


def test_a_master_that_ends_too_early_is_refused_at_the_row_where_it_ends(tmp_path: Path) -> None:
    whole = long_master()
    plain, compressed = tmp_path / "plain", tmp_path / "compressed"
    plain.write_text(whole[: len(whole) // 2])
    packed = gzip.compress(whole.encode())
    compressed.write_bytes(packed[: len(packed) // 2])

    for path in (plain, compressed):
        with pytest.raises(InvalidScripMaster) as refused:
            read(path)
        assert refused.value.file == path.name
        assert 100 < refused.value.row < 5_001
        assert refused.value.field == "(any)"


def test_a_compressed_master_of_which_only_the_beginning_is_there_is_still_a_master(
    tmp_path: Path,
) -> None:
    path = tmp_path / "master.json.gz"
    path.write_bytes(gzip.compress(master_text(ROWS).encode())[:-12])

    with pytest.raises(InvalidScripMaster, match="compressed text ends here"):
        read(path)


@pytest.mark.parametrize("position", [12, 2_000, -6])
def test_a_damaged_file_is_refused(tmp_path: Path, position: int) -> None:
    path = tmp_path / "master.json.gz"
    compressed = bytearray(gzip.compress(long_master().encode()))
    compressed[position] ^= 0xFF
    path.write_bytes(compressed)

    with pytest.raises((InvalidScripMaster, InvalidChainFile), match=r"master\.json\.gz, row \d+"):
        read(path)


@pytest.mark.parametrize(
    ("content", "row", "detail"),
    [
        ('[{"token": "1"', 1, "must be JSON"),
        (master_text(ROWS)[:-3] + "},]", 4, "must be JSON"),
        (master_text(ROWS) + "[", 4, "must be JSON"),
        (master_text(ROWS).replace("BEL-EQ", "BEL\udcff"), 1, "must be JSON"),
        (master_text([*ROWS, 5]), 4, "must be an object, was 5"),
        ("[]", 1, "must hold an option that has not expired"),
        ('{"status": false, "message": "Invalid Token"}', 1, "must hold an option"),
    ],
)
def test_what_is_no_list_of_instruments_is_refused(
    tmp_path: Path, content: str, row: int, detail: str
) -> None:
    path = tmp_path / "master.json"
    path.write_text(content, errors="surrogateescape")

    with pytest.raises(InvalidScripMaster, match=detail) as refused:
        read(path)

    assert (refused.value.row, refused.value.field) == (row, "(any)")


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        # More digits than Python makes a number of, and an exponent that no decimal has.
        ("9" * 5_000, "must be JSON: parse error: integer overflow"),
        ("1e99999999999999999999", r"must be JSON: parse error: numeric \(floating point\) overflow"),
        ("[" * 100_000 + "]" * 100_000, "must be nested at most 1000 deep"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "must be nested at most 1000 deep"),
    ],
)  # fmt: skip
def test_a_value_that_no_parser_can_hold_is_refused(
    tmp_path: Path, value: str, detail: str
) -> None:
    path = tmp_path / "master.json"
    path.write_text(f'{master_text(ROWS).rstrip()[:-1]},{{"token": {value}}}]')

    with pytest.raises(InvalidScripMaster, match=detail):
        read(path)


def test_brackets_in_texts_nest_nothing(tmp_path: Path) -> None:
    path = tmp_path / "master.json"
    path.write_text(master_text([cash("[{" * 100 + "}]" * 100) for _ in range(50)] + ROWS))

    assert len(read(path).universe) == 2


def test_a_master_ten_times_as_long_takes_no_more_memory(tmp_path: Path) -> None:
    path = tmp_path / "master.json"
    peaks = []
    for shares in (2_000, 20_000):
        rows: list[Row] = [option(), *[cash(f"S{number}") for number in range(shares)]]
        path.write_text(master_text(rows))
        del rows
        tracemalloc.start()
        read(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

    assert peaks[1] < peaks[0] * 1.5


KITE = """instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size,instrument_type,segment,exchange
1,1,NIFTY26AUGFUT,NIFTY,0.0,2026-08-25,0.0,0.1,65,FUT,NFO-FUT,NFO
2,2,NIFTY26AUG24200CE,NIFTY,0.0,2026-08-25,24200.0,0.05,65,CE,NFO-OPT,NFO
"""


@pytest.mark.parametrize("packed", [False, True])
def test_a_list_in_csv_is_read_plain_or_compressed(tmp_path: Path, *, packed: bool) -> None:
    path = tmp_path / "instruments"
    path.write_bytes(gzip.compress(KITE.encode()) if packed else KITE.encode())

    listed = read(path)

    assert list(listed.universe.symbols) == ["NIFTY_25AUG26_24200CE", "NIFTY_25AUG26_FUT"]
    assert listed.passed_over == {}


@pytest.mark.parametrize(
    ("text", "row"),
    [(KITE.replace(",NFO-OPT,NFO", ",NFO-OPT"), 3), (KITE.replace("CE,NIFTY", 'CE,"NI'), 3)],
)
def test_a_list_in_csv_with_a_broken_row_is_refused(tmp_path: Path, text: str, row: int) -> None:
    path = tmp_path / "instruments.csv"
    path.write_text(text)

    with pytest.raises(InvalidScripMaster) as refused:
        read(path)

    assert refused.value.row == row


def test_json_of_another_format_names_those_that_are_known(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('[{"ticker": "NIFTY"}]')

    with pytest.raises(InvalidScripMaster, match=r"Kite instruments \(CSV\); Dhan"):
        read(path)


@pytest.mark.reference
def test_the_files_that_people_have_are_read_or_refused_with_the_reason(
    reference_folder: Path,
) -> None:
    found: dict[str, int] = {}
    refused: dict[str, str] = {}
    for path in sorted((reference_folder / "reports").iterdir()):
        try:
            found[path.name] = len(read(path).universe)
        except (InvalidChainFile, InvalidScripMaster) as error:
            refused[path.name] = str(error)

    read_whole = {"dhan.csv", "legacy_fo.csv", "one.csv", "udiff_fo.csv", "upstox.json"}
    assert read_whole <= found.keys()
    assert "was 3 futures" in refused["kite_small.csv"]
    assert "option-chain-ED-NIFTY-25-Aug-2026.csv" in refused["nse_site.csv"]
    assert refused["am_swapped.json"].endswith(
        "field lotsize: must be 65 with a tick of 5 paise: lot and tick are swapped, was 5"
    )
    assert refused["am_rupee_strike.json"].endswith("in paise, was 24200.000000")
