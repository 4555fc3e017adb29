from __future__ import annotations

import stat
from pathlib import Path

import pytest

from angel_x.adapters.children.logs import BoundedLog, LogBounds, begin_log, cut_log, with_tail


def files(log: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(log.parent.glob(f"{log.name}*"))}


def test_logs_of_earlier_runs_are_kept_up_to_a_number(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "api.log"
    for run in ("first", "second", "third", "fourth"):
        begin_log(log, 2)
        opened = BoundedLog(log, LogBounds())
        opened.write(run.encode())
        opened.close()

    assert files(log) == {"api.log": "fourth", "api.log.1": "third", "api.log.2": "second"}


def test_a_log_that_would_grow_too_large_is_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    opened = BoundedLog(log, LogBounds(bytes=10, files=2))
    for text in ("aaaa", "bbbb", "cccc", "a line of more than the bound", "dddd"):
        opened.write(text.encode())
    opened.close()

    assert files(log) == {
        "api.log": "dddd",
        "api.log.1": "a line of more than the bound",
        "api.log.2": "cccc",
    }


def test_a_smaller_number_removes_the_rest(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    for number in range(1, 5):
        log.with_name(f"api.log.{number}").write_text(str(number))
    log.with_name("api.log.old").write_text("of someone else")
    log.write_text("0")

    begin_log(log, 2)

    assert files(log) == {"api.log.1": "0", "api.log.2": "1", "api.log.old": "of someone else"}


def test_a_log_that_another_process_writes_is_cut(tmp_path: Path) -> None:
    log = tmp_path / "postgres.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 10)
        cut_log(log, LogBounds(bytes=10, files=2))
        assert files(log) == {"postgres.log": "x" * 10}

        writer.write(b"y")
        cut_log(log, LogBounds(bytes=10, files=2))
        writer.write(b"z")

    assert files(log) == {"postgres.log": "z", "postgres.log.1": "x" * 10 + "y"}
    assert stat.S_IMODE(log.with_name("postgres.log.1").stat().st_mode) == 0o600


def test_a_disk_that_takes_no_lines_ends_nothing(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("only Linux has a device that is always full")
    log = tmp_path / "api.log"
    log.symlink_to(full)
    opened = BoundedLog(log, LogBounds())

    opened.write(b"line")
    opened.close()


def test_a_log_is_for_its_owner_only(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "api.log"
    begin_log(log, 5)
    BoundedLog(log, LogBounds()).close()

    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


def test_an_error_shows_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    assert with_tail("api failed", log) == "api failed"

    log.write_text("x" * 5000 + "the reason")

    assert with_tail("api failed", log).startswith(f"api failed\n{log} ends with:\n")
    assert with_tail("api failed", log).endswith("the reason")
    assert len(with_tail("api failed", log)) < 2200
