"""Everything that an API writes while it fails, in both formats: no key and no password is in it."""

from __future__ import annotations

import json
import logging
import socket

import pytest

from angel_x.adapters.logging import configure_logging
from angel_x.adapters.servers.given import given_database
from angel_x.domain.records.access import Scope
from angel_x.errors import ServerUnavailable
from config.loading import load
from tests.integration.api.conftest import StartApi
from tests.integration.api.running import RunningApi

PASSWORD = "p4ss%2F5ec7e7"
#: More than any line may take up.
LONGEST_LINE = 24_000


def with_password(url: str) -> str:
    """Give a password that these servers do not ask for."""
    scheme, _, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    return f"{scheme}://{user or 'default'}:{PASSWORD}@{place if at else rest}"


def start(start_api: StartApi, environment: dict[str, str], log_format: str) -> RunningApi:
    names = ("ANGEL_X_DATABASE_URL", "ANGEL_X_BROKER_URL", "ANGEL_X_CACHE_URL")
    secret = {name: with_password(environment[name]) for name in names}
    secret["ANGEL_X_LOG_FORMAT"] = log_format
    configure_logging(load(environment | secret), "api")
    return start_api(**secret)


def check(written: str, *secrets: str) -> None:
    for secret in (*secrets, PASSWORD, "5ec7e7"):
        assert secret not in written
    assert "authorization" not in written.lower()
    assert all(len(line) < LONGEST_LINE for line in written.splitlines())


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_an_error_of_a_request_shows_no_key_and_no_password(
    start_api: StartApi,
    environment: dict[str, str],
    capsys: pytest.CaptureFixture[str],
    log_format: str,
) -> None:
    failing = start(start_api, environment, log_format)
    _, key = failing.open_account("trader", scopes=[Scope.TRADE, Scope.ADMIN])
    with failing.application.base.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE trading_controls RENAME TO gone")

    answers = [
        failing.call("GET", "/v1/kill-switch", key=key),
        failing.call("PUT", "/v1/kill-switch", key=key, content={"state": "on"}),
    ]

    assert [answer.status for answer in answers] == [500, 500]
    written = capsys.readouterr().err
    check(written, key)
    assert written.count("request.failed") == 2
    assert 'relation "trading_controls" does not exist' in written.replace("\\", "")
    if log_format == "json":
        for line in written.splitlines():
            assert isinstance(json.loads(line).get("exception", ""), str)


def test_servers_that_are_away_show_no_password(
    start_api: StartApi, environment: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        nowhere = f"127.0.0.1:{listening.getsockname()[1]}"
    away = {
        "ANGEL_X_ENV": "production",
        "ANGEL_X_HOME": environment.get("ANGEL_X_HOME", ".angel-x"),
        "ANGEL_X_DATABASE_URL": f"postgresql://angel:{PASSWORD}@{nowhere}/angel",
        "ANGEL_X_BROKER_URL": f"redis://angel:{PASSWORD}@{nowhere}/0",
        "ANGEL_X_CACHE_URL": f"redis://angel:{PASSWORD}@{nowhere}/1",
        "ANGEL_X_WARM_CACHE_ON_STARTUP": "false",
    }
    settings = load({**environment, **away})
    configure_logging(settings, "api")
    logging.getLogger("api").warning("started with %r", settings)
    api = start_api(**away)
    key = f"ax_0123456789ab_{'ab' * 32}"

    assert api.call("GET", "/v1/orders", key=key).status == 503
    assert api.call("GET", "/readyz").status == 503
    health = api.call("GET", "/healthz")

    check(health.raw.decode(), key)
    written = capsys.readouterr().err
    check(written, key)
    assert "server.unreachable" in written
    assert "***" in written


@pytest.mark.parametrize("character", ["/", "%zz"])
def test_an_address_that_cannot_be_read_is_not_quoted(
    character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("angel_x.adapters.servers.given.PATIENCE", 0)

    with pytest.raises(ServerUnavailable) as refused:
        given_database(f"postgresql://angel:5ec7e7{character}5ec7e7@127.0.0.1:1/angel")

    assert "5ec7e7" not in str(refused.value)
