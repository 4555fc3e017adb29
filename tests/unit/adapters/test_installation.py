from __future__ import annotations

from pathlib import Path

import pytest

from angel_x.adapters import installation
from angel_x.adapters.installation import check_packages, forget_celery, python
from angel_x.errors import ShadowedPackage


def test_a_module_is_run_without_the_working_directory_on_its_path() -> None:
    _, *options = python("tasks", "worker")

    assert options == ["-P", "-m", "tasks", "worker"]


def test_the_packages_of_a_checkout_are_its_own() -> None:
    check_packages()


def test_a_package_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installation, "_HOME", tmp_path)

    with pytest.raises(ShadowedPackage) as refused:
        check_packages()

    for name in installation.PACKAGES:
        assert f"the package {name} of Angel-X is missing in {tmp_path}" in str(refused.value)


def test_only_variables_that_celery_reads_are_removed() -> None:
    kept = {"ANGEL_X_BROKER_URL": "redis://ours", "PATH": "/bin", "C_FORCE_ROOT": "1"}
    environ = {**kept, "CELERY_BROKER_URL": "redis://theirs", "BROKER_URL": "redis://theirs"}

    forget_celery(environ)
    forget_celery(environ)

    assert environ == kept
