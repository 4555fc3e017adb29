from __future__ import annotations

import sys
from pathlib import Path

import pytest
from celery import Celery

from tasks.loading import guest_app


@pytest.fixture
def app() -> Celery:
    return guest_app("guest", set_as_current=False)


def test_a_module_of_the_working_directory_is_not_found(
    app: Celery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").touch()
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="only_here"):
        app.loader.import_task_module("only_here")


def test_no_import_has_the_working_directory_on_its_path(
    app: Celery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "path_at_import.py").write_text("import sys\nPATH = list(sys.path)\n")
    monkeypatch.syspath_prepend(packages)
    monkeypatch.chdir(tmp_path)

    imported = app.loader.import_task_module("path_at_import")
    monkeypatch.delitem(sys.modules, "path_at_import")

    assert str(packages) in imported.PATH
    assert str(tmp_path) not in imported.PATH


def test_a_django_project_of_the_same_environment_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "shop.settings")

    assert guest_app("guest", set_as_current=False).fixups == []
