"""The command `keys` against the servers of a system."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from angel_x.bootstrap import Application
from angel_x.errors import KeyExpired
from tests.builders.shells import Shell

HOUR = timedelta(hours=1)


@pytest.fixture
def shell(environ: dict[str, str], application: Application) -> Shell:
    application.people.accounts.open("asha")
    return Shell(environ, "keys")


def test_a_key_is_rotated_with_an_overlap_and_listed_with_its_expiry(
    shell: Shell, application: Application
) -> None:
    old = shell.json("create", "--user", "asha", "--scope", "admin", "--days", "90")["key"]
    prefix = old.split("_")[1]

    rotated = shell.json("rotate", prefix, "--overlap-hours", "1", "--days", "30")

    first, second = shell.json("list", "--user", "asha")["keys"]
    assert rotated["replaces"] == {"prefix": prefix, "expires_at": first["expires_at"]}
    lives = [
        datetime.fromisoformat(key["expires_at"]) - datetime.fromisoformat(second["created_at"])
        for key in (first, second)
    ]
    assert abs(lives[0] - HOUR) < HOUR / 2
    assert abs(lives[1] - timedelta(days=30)) < HOUR
    assert [key["scopes"] for key in (first, second)] == [["admin"], ["admin"]]
    access = application.people.access
    assert access.authenticate(old).user_id == access.authenticate(rotated["key"]).user_id

    shell.json("rotate", prefix, "--overlap-hours", "0", "--days", "30")

    with pytest.raises(KeyExpired):
        access.authenticate(old)
    assert "expired" in shell.run("list", "--user", "asha").output


def test_a_rotation_without_a_valid_key_or_without_an_end_does_nothing(shell: Shell) -> None:
    key = shell.json("create", "--user", "asha", "--days", "1")["key"]

    refused = [shell.run("rotate", prefix) for prefix in ("0" * 12, key.split("_")[1])]

    assert [result.exit_code for result in refused] == [2, 2]
    assert "days" in refused[1].output
    assert len(shell.json("list", "--user", "asha")["keys"]) == 1
