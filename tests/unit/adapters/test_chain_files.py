from __future__ import annotations

import gzip
import tracemalloc
from pathlib import Path

import pytest

from angel_x.adapters.chain_files import read_chain
from angel_x.domain.feed.replay import RecordedChain
from angel_x.errors import InvalidChainFile
from tests.builders.markets import CALENDAR, RULES, chain_text


def read(path: Path) -> RecordedChain:
    return read_chain(path, RULES, CALENDAR)


def long_chain() -> str:
    row = "202608191127,NIFTY50,25-Aug-2026,{}.0,CE,24052.4,{}.05,10.0,100.0,5.0"
    return chain_text(*(row.format(20_000 + n, n * 7919 % 3000) for n in range(5_000)))


@pytest.mark.parametrize("name", ["chain.csv", "chain.csv.gz", "chain"])
def test_a_chain_is_read_plain_or_compressed_whatever_its_name(tmp_path: Path, name: str) -> None:
    plain, compressed = tmp_path / name, tmp_path / f"other-{name}"
    plain.write_text(chain_text())
    compressed.write_bytes(gzip.compress(chain_text().encode()))

    assert read(plain).universe.version == read(compressed).universe.version
    assert len(read(plain).snapshots) == len(read(compressed).snapshots) == 2


def test_a_byte_order_mark_and_carriage_returns_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(("\ufeff" + chain_text().replace("\n", "\r\n")).encode())

    assert len(read(path).universe) == 3


def test_a_truncated_file_is_refused_at_the_row_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv.gz"
    compressed = gzip.compress(long_chain().encode())
    path.write_bytes(compressed[: len(compressed) // 2])

    with pytest.raises(InvalidChainFile) as refused:
        read(path)

    assert refused.value.file == "chain.csv.gz"
    assert 100 < refused.value.row < 5_001


@pytest.mark.parametrize("position", [12, 2_000, -6])
def test_a_damaged_file_is_refused(tmp_path: Path, position: int) -> None:
    path = tmp_path / "chain.csv.gz"
    compressed = bytearray(gzip.compress(long_chain().encode()))
    compressed[position] ^= 0xFF
    path.write_bytes(compressed)

    with pytest.raises(InvalidChainFile, match=r"chain\.csv\.gz, row \d+, column"):
        read(path)


def test_a_file_in_another_encoding_is_refused_at_its_row(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(chain_text().encode() + b"202608191129,\xff\xfe\n")

    with pytest.raises(InvalidChainFile, match="must be UTF-8"):
        read(path)


def test_a_file_without_lines_is_refused_before_all_of_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(gzip.compress(bytes(50_000_000), compresslevel=1))
    tracemalloc.start()

    with pytest.raises(InvalidChainFile, match=r"row 1, .* shorter than 65,536 characters"):
        read(path)

    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5_000_000


@pytest.mark.parametrize("content", [b"", gzip.compress(b"")], ids=["plain", "gzip"])
def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "chain.csv"
    path.write_bytes(content)

    with pytest.raises(InvalidChainFile, match="the file is empty"):
        read(path)


def test_a_file_that_is_not_there_is_the_systems_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.csv")


@pytest.mark.reference
def test_a_real_recording_has_every_row(reference_folder: Path) -> None:
    chain = read(reference_folder / "nifty_option_chain_20260819.csv.gz")

    assert len(chain.universe) == 458
    assert len(chain.snapshots) == 102
    assert sum(len(s.rows) for s in chain.snapshots) == 46_502
    assert [str(c.expiry) for c in chain.universe.chains] == [
        "2026-08-25",
        "2026-09-01",
        "2026-09-08",
        "2026-09-15",
    ]
    assert {(c.lot_size, c.freeze_quantity) for c in chain.universe.contracts} == {(65, 1800)}
    last = chain.snapshots[-1]
    assert last.spots["last"].tolist() == [2_406_270]
    row = chain.universe.row("NIFTY_25AUG26_27200CE")
    quote = last.quotes[last.rows.tolist().index(row)]
    assert (quote["bid"], quote["last"], quote["ask"]) == (50, 55, 60)
    assert quote["volume"] == 7_154 * 65


@pytest.mark.reference
def test_a_single_snapshot_is_a_recording_too(reference_folder: Path) -> None:
    whole = read(reference_folder / "nifty_option_chain_20260819.csv.gz")
    last = read(reference_folder / "nifty_option_chain_20260819_1308.csv")

    assert last.universe.version == whole.universe.version
    assert last.snapshots[0].quotes.tolist() == whole.snapshots[-1].quotes.tolist()
