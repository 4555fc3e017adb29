from __future__ import annotations

from pathlib import Path

from angel_x.rehearsal.history import (
    Answered,
    Canceled,
    ClientHistory,
    Entry,
    OrderContent,
    Outcome,
    Sent,
    Unseen,
    read,
)

ENTRIES: list[Entry] = [
    Sent(1.0, "asha", 0, "http", {"a": OrderContent("NIFTY_CE", "BUY", 65)}),
    Answered(2.0, "asha", 0, Outcome.UNKNOWN, 1.0, detail="reset"),
    Answered(3.0, "asha", 0, Outcome.ACCEPTED, 0.5, {"a": "17"}),
    Canceled(4.0, "asha", "17", Outcome.REFUSED, 0.1),
    Unseen(5.0, "asha", ("17",)),
]


def test_what_was_written_is_read_in_its_order(tmp_path: Path) -> None:
    with ClientHistory(tmp_path / "asha.jsonl") as history:
        for entry in ENTRIES:
            history.add(entry)

    assert list(read(tmp_path)) == ENTRIES


def test_a_line_is_in_the_file_before_it_is_closed(tmp_path: Path) -> None:
    with ClientHistory(tmp_path / "asha.jsonl") as history:
        history.add(ENTRIES[0])
        assert list(read(tmp_path)) == ENTRIES[:1]


def test_a_file_that_exists_only_grows(tmp_path: Path) -> None:
    for entry in ENTRIES[:2]:
        with ClientHistory(tmp_path / "asha.jsonl") as history:
            history.add(entry)

    assert list(read(tmp_path)) == ENTRIES[:2]


def test_each_client_has_a_file_of_its_own(tmp_path: Path) -> None:
    for name in ("asha", "dev"):
        with ClientHistory(tmp_path / f"{name}.jsonl") as history:
            history.add(Unseen(1.0, name, ("1",)))

    assert [entry.user for entry in read(tmp_path)] == ["asha", "dev"]
