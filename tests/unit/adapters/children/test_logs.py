from __future__ import annotations

import stat
from pathlib import Path

from angel_x.adapters.children.logs import begin_log, open_log, with_tail


def test_the_log_of_the_run_before_is_kept_and_no_older_one(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "api.log"
    for run in ("first", "second", "third"):
        begin_log(log)
        with open_log(log) as opened:
            opened.write(run.encode())

    assert log.read_text() == "third"
    assert log.with_suffix(".log.1").read_text() == "second"
    assert len(list(log.parent.iterdir())) == 2


def test_a_log_is_for_its_owner_only(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "api.log"
    begin_log(log)
    open_log(log).close()

    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE(log.parent.stat().st_mode) == 0o700


def test_an_error_shows_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    assert with_tail("api failed", log) == "api failed"

    log.write_text("x" * 5000 + "the reason")

    assert with_tail("api failed", log).startswith(f"api failed\n{log} ends with:\n")
    assert with_tail("api failed", log).endswith("the reason")
    assert len(with_tail("api failed", log)) < 2200
