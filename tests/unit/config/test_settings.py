from __future__ import annotations

from pathlib import Path

import pytest

from config.loading import load
from config.settings import SETTINGS, SettingsError


def test_a_missing_address_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"ANGEL_X_DATABASE_URL is needed.*angel-x up"):
        load({"ANGEL_X_HOME": str(tmp_path)}).needed("database_url")


def test_secrets_are_not_printed() -> None:
    settings = load(
        {
            "ANGEL_X_DATABASE_URL": "postgresql://u:hunter2@h/db",
            "ANGEL_X_FLOWER_PASSWORD": "hunter2hunter2",
        }
    )

    assert "hunter2" not in repr(settings)
    assert "hunter2" not in f"{settings}"


def test_every_setting_is_described() -> None:
    assert all(setting.doc.meaning.endswith(".") for setting in SETTINGS)
    assert all(setting.doc.used_by for setting in SETTINGS)


def test_the_secrets_of_settings_are_their_passwords() -> None:
    settings = load(
        {
            "ANGEL_X_DATABASE_URL": "postgresql://u:1st5ec@h/d?sslpassword=2nd5ec&sslmode=require",
            "ANGEL_X_BROKER_URL": "redis://:3rd5ec%2F@h:6379/0",
            "ANGEL_X_CACHE_URL": "unix:///s?db=1&password=4th5ec",
            "ANGEL_X_FLOWER_PASSWORD": "5th5ec of them",
            "ANGEL_X_RESULT_URL": "rediss://results:6th5ec@h:6379/3",
        }
    )

    assert set(settings.secrets) == {
        "1st5ec",
        "2nd5ec",
        "3rd5ec%2F",
        "4th5ec",
        "5th5ec of them",
        "6th5ec",
    }
    assert "5ec" not in f"{settings} {settings!r}"


def test_addresses_without_a_password_hold_no_secret() -> None:
    settings = load(
        {
            "ANGEL_X_DATABASE_URL": "postgresql://u@/d?host=/s",
            "ANGEL_X_REDIS_URL": "redis://h:6379/0",
        }
    )

    assert settings.secrets == ()
