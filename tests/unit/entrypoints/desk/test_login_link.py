from __future__ import annotations

import stat
from pathlib import Path

import pytest

from angel_x.entrypoints.desk import login_link

KEY_FILE = "demo.key"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / KEY_FILE).write_text("ax_secret\n")
    return tmp_path


def written(home: Path) -> float:
    return (home / "desk.link").stat().st_mtime


def test_a_link_stands_for_the_key_once(home: Path) -> None:
    token = login_link.make(home, KEY_FILE)
    now = written(home)

    assert login_link.redeem(home, "another", now) is None
    assert login_link.redeem(home, token, now) == "ax_secret"
    assert login_link.redeem(home, token, now) is None


def test_a_link_is_void_after_its_lifetime(home: Path) -> None:
    token = login_link.make(home, KEY_FILE)
    late = written(home) + 60 * login_link.LIFETIME_MINUTES + 1

    assert login_link.redeem(home, token, late) is None


def test_a_new_link_ends_the_one_before(home: Path) -> None:
    former = login_link.make(home, KEY_FILE)
    token = login_link.make(home, KEY_FILE)
    now = written(home)

    assert login_link.redeem(home, former, now) is None
    assert login_link.redeem(home, token, now) == "ax_secret"


def test_the_file_is_its_owners_and_holds_neither_token_nor_key(home: Path) -> None:
    token = login_link.make(home, KEY_FILE)

    file = home / "desk.link"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert token not in file.read_text()
    assert "ax_secret" not in file.read_text()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"x" * 100])
def test_a_damaged_file_lets_nobody_in(home: Path, content: bytes) -> None:
    token = login_link.make(home, KEY_FILE)
    (home / "desk.link").write_bytes(content)

    assert login_link.redeem(home, token, written(home)) is None


def test_a_key_that_is_gone_lets_nobody_in(home: Path) -> None:
    token = login_link.make(home, KEY_FILE)
    (home / KEY_FILE).unlink()

    assert login_link.redeem(home, token, written(home)) is None
