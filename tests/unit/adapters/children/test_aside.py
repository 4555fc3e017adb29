from __future__ import annotations

from pathlib import Path

import pytest

from angel_x.adapters.children.aside import KEPT, put_aside, remove


def test_a_file_and_a_directory_keep_their_content_under_another_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("damaged")
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "file").write_text("damaged too")

    file, directory = put_aside(tmp_path / "file"), put_aside(tmp_path / "directory")

    assert file.read_text() == "damaged"
    assert (directory / "file").read_text() == "damaged too"
    assert file.name.startswith("file.damaged-2")
    assert set(tmp_path.iterdir()) == {file, directory}


@pytest.mark.parametrize("name", ["run.json", "a [strange]*? name"])
def test_only_the_newest_are_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.damaged-1").touch()
    for number in range(KEPT + 3):
        (tmp_path / name).write_text(str(number))
        put_aside(tmp_path / name)

    kept = sorted(f.read_text() for f in tmp_path.iterdir() if f.name.startswith(f"{name}.damaged"))

    assert kept == [str(number) for number in range(3, KEPT + 3)]
    assert (tmp_path / "other.damaged-1").exists()


def test_a_name_that_is_taken_is_never_overwritten(tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / "run.json").write_text(content)
        put_aside(tmp_path / "run.json")

    assert {file.read_text() for file in tmp_path.iterdir()} == {"first", "second"}


def test_a_link_is_removed_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")

    remove(tmp_path / "link")
    remove(tmp_path / "link")

    assert list(tmp_path.iterdir()) == [tmp_path / "target"]
