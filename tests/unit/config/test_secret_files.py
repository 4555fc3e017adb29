"""Secrets in files: read once, without their line end, and never beside a variable."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.loading import load, with_secrets
from config.settings import SETTINGS, Setting, SettingsError

SECRETS = [setting for setting in SETTINGS if setting.doc.secret]
VALUES = {
    "database_url": "postgresql+psycopg2://angel:5ec7e7@db/angel_x",
    "flower_password": "correct horse 5ec7e7",
    "traces_url": "https://angel:5ec7e7@collector/v1/traces",
}


def value_of(setting: Setting) -> str:
    return VALUES.get(setting.name, "rediss://:5ec7e7@queue:6379/0")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "secret"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
@pytest.mark.parametrize("setting", SECRETS, ids=lambda setting: setting.name)
def test_a_secret_is_read_from_its_file(setting: Setting, end: str, file: Path) -> None:
    file.write_bytes(f"{value_of(setting)}{end}".encode())

    settings = load({f"{setting.variable}_FILE": str(file)})

    assert getattr(settings, setting.name) == value_of(setting)
    assert "5ec7e7" not in repr(settings)
    assert any("5ec7e7" in secret for secret in settings.secrets)


@pytest.mark.parametrize("setting", SECRETS, ids=lambda setting: setting.name)
def test_a_secret_is_given_once(setting: Setting, file: Path) -> None:
    file.write_text(value_of(setting))
    both = {setting.variable: value_of(setting), f"{setting.variable}_FILE": str(file)}

    with pytest.raises(SettingsError, match=f"{setting.variable} and {setting.variable}_FILE") as e:
        load(both)
    assert "5ec7e7" not in str(e.value)
    # An empty variable is not set.
    assert load({**both, setting.variable: ""}) == load({**both, f"{setting.variable}_FILE": ""})


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"", "was the empty file"),
        (b"\n", "was the empty file"),
        (b"\xff5ec7e7", "expected UTF-8"),
        (b"5ec7e7" * 2_000, "at most 10,000"),
        (b"mysql://user:5ec7e7@host/db", "was a hidden value"),
    ],
)
def test_a_file_without_a_secret_is_named_and_not_shown(
    content: bytes | None, reason: str, file: Path
) -> None:
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SettingsError, match=reason) as refused:
        load({"ANGEL_X_DATABASE_URL_FILE": str(file)})

    assert "ANGEL_X_DATABASE_URL" in str(refused.value)
    assert "hidden" in reason or str(file) in str(refused.value)
    assert "5ec7e7" not in str(refused.value)


def test_a_directory_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=str(tmp_path)):
        load({"ANGEL_X_BROKER_URL_FILE": str(tmp_path)})


@pytest.mark.parametrize("name", ["API_PORT_FILE", "DATABASE_URI_FILE", "FILE"])
def test_only_secrets_come_from_files(name: str, file: Path) -> None:
    file.write_text("8000")

    with pytest.raises(SettingsError, match="no setting has this name"):
        load({f"ANGEL_X_{name}": str(file)})


def test_processes_get_the_secret_instead_of_the_file(file: Path) -> None:
    file.write_text("redis://:5ec7e7@queue:6379/0\n")
    given = {"ANGEL_X_REDIS_URL_FILE": str(file), "PATH": os.defpath}

    resolved = with_secrets(given)

    assert resolved == {
        "ANGEL_X_REDIS_URL": "redis://:5ec7e7@queue:6379/0",
        "PATH": os.defpath,
    }
    assert with_secrets(resolved) == resolved
