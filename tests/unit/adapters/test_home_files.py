from __future__ import annotations

import errno
import stat
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from angel_x.adapters.home_files import named, write_whole
from angel_x.errors import UnusableFile


def test_a_file_is_replaced_and_has_the_mode_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    file.chmod(0o400)

    write_whole(file, "after", 0o640)

    assert file.read_text() == "after"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("obstacle", ["run.json", "run.json.new"])
def test_a_directory_in_its_place_is_put_aside(tmp_path: Path, obstacle: str) -> None:
    (tmp_path / obstacle / "kept").mkdir(parents=True)

    write_whole(tmp_path / "run.json", "content")

    assert (tmp_path / "run.json").read_text() == "content"
    assert len(list(tmp_path.glob(f"{obstacle}.damaged-*/kept"))) == 1


def test_a_draft_that_a_killed_process_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "run.json.new").write_text("half")

    write_whole(tmp_path / "run.json", "whole")

    assert [file.read_text() for file in tmp_path.iterdir()] == ["whole"]


def test_a_full_disk_is_an_error_that_names_the_file_and_keeps_the_old_one(
    tmp_path: Path, full_disk: AbstractContextManager[None]
) -> None:
    file = tmp_path / "run.json"
    file.touch()

    reason = r"run\.json\S* cannot be used .*free space on its disk"
    with full_disk, pytest.raises(UnusableFile, match=reason):
        write_whole(file, "content")

    assert file.read_text() == ""


@pytest.mark.parametrize(
    ("number", "path", "remedy"),
    [
        (errno.ENOSPC, "/home/run.json", "free space on its disk"),
        (errno.EROFS, "/home/run.json", "let this user write it"),
        (errno.EACCES, "/home/servers/postgres/data/x", "let this user write it"),
        (errno.EISDIR, "/home/metrics/x.lock", "move it out of the way"),
        (errno.EIO, "/home/servers/postgres/data/x", "never remove it: the database lies there"),
    ],
)
def test_every_error_names_its_file_and_a_remedy(number: int, path: str, remedy: str) -> None:
    with pytest.raises(UnusableFile, match=remedy) as refusal, named(Path("/home")):
        raise OSError(number, "reason", path)

    assert refusal.value.file == path
    assert str(refusal.value).startswith(f"{path} cannot be used (reason): ")


def test_an_error_without_a_file_is_of_the_file_that_is_worked_on() -> None:
    with (
        pytest.raises(UnusableFile, match=r"^/home cannot be used") as refusal,
        named(Path("/home")),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert refusal.value.remedy == "free space on its disk"
