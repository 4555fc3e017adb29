from __future__ import annotations

import math
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.indexes import planned_indexes
from angel_x.domain.operations.alert import RULES
from angel_x.domain.operations.check import CheckStatus
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.doctor import capacity, database, home, market, security
from angel_x.entrypoints.doctor.limits import TITLES, checks_of
from angel_x.entrypoints.doctor.pages import Pages
from angel_x.entrypoints.doctor.servers import fix_of
from config.loading import defaults, load
from config.settings import Settings

HEAD = schema.head_revision() or ""
RUNBOOKS = Path(__file__).parents[4] / "docs" / "runbooks"


def settings(**values: object) -> Settings:
    return Settings(**{"home": "/nowhere", **values})  # type: ignore[arg-type]


def test_every_alert_has_a_check_with_a_remedy_and_servers_have_their_own() -> None:
    alerts = {rule.alert for rule in RULES}

    assert alerts - TITLES.keys() == {"ServerAway"}
    assert all((RUNBOOKS / f"{alert}.md").is_file() for alert in TITLES)


def test_the_worst_reading_of_a_rule_counts_and_an_absent_one_is_unknown() -> None:
    checks = {
        check.name: check
        for check in checks_of(
            {
                Metric.CANARY_AGE_SECONDS: {"greeks": 5.0, "monitor": math.inf},
                Metric.PROCESSES: {"api": 1, "relay": 0},
                Metric.QUEUE_OLDEST_SECONDS: {"orders.low": 299.0, "orders.high": 1.0},
                Metric.SCHEDULE_LATE_SECONDS: {},
                Metric.REDIS_MEMORY_RATIO: {"broker": 0.1, "cache": 0.99},
                Metric.PROOF_AGE_SECONDS: {"changes": 3_601.0, "full": 3_601.0},
            }
        )
    }

    assert (checks["canaries"].status, checks["canaries"].detail) == ("failed", "of monitor")
    assert (checks["processes"].status, checks["processes"].detail) == ("failed", "of relay")
    assert checks["age of waiting orders"].value == 1.0
    assert checks["age of waiting orders in orders.low"].status is CheckStatus.OK
    assert checks["age of the proof of the books in changes"].status is CheckStatus.WARNING
    assert checks["age of the proof of the books in full"].status is CheckStatus.OK
    assert checks["lateness of Beat"].detail == "nothing to measure"
    assert checks["memory of the message broker"].value == 0.1
    assert checks["parked orders"].status is CheckStatus.UNKNOWN


@pytest.mark.parametrize(
    ("server", "words", "remedy"),
    [
        ("database", 'FATAL:  password authentication failed for user "x"', "user and password"),
        ("cache", "WRONGPASS invalid username-password pair", "ANGEL_X_CACHE_URL"),
        ("message broker", "MISCONF Errors writing to the AOF file", "Free space"),
        ("database", "could not extend file: No space left on device", "Free space"),
        ("database", 'FATAL:  database "angel" does not exist', "Create the database"),
        ("database", "cannot execute CREATE TABLE in a read-only transaction", "primary"),
        ("database", "FATAL:  sorry, too many clients already", "more connections"),
        ("message broker", "OOM command not allowed when used memory > 'maxmemory'", "maxmemory"),
        ("database", "the database system is starting up", "Wait"),
        ("cache", "Error 111 connecting to 10.0.0.1:6379. Connection refused.", "Start the server"),
    ],
)
def test_an_error_of_a_server_has_its_remedy(server: str, words: str, remedy: str) -> None:
    assert remedy in fix_of(server, words)


def test_a_home_without_room_is_named(
    tmp_path: Path, full_disk: AbstractContextManager[None]
) -> None:
    with full_disk:
        full = home.check(settings(home=str(tmp_path)))

    assert full.status is CheckStatus.FAILED
    assert str(tmp_path) in full.detail
    assert "Free space" in (full.fix or "")
    assert home.check(settings(home=str(tmp_path))).status is CheckStatus.OK
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("unix:///run/valkey.sock", None),
        ("redis://127.0.0.1:6379/0", None),
        ("rediss://angel:secret-word@redis.example:6379/0", None),
        ("redis://angel:secret-word@redis.example:6379/0", "no TLS to another machine"),
        ("rediss://redis.example:6379/0", "no password"),
        ("rediss://:secret-word@redis.example:6379/0", "the user `default`, who may do everything"),
        ("sentinel://:secret-word@a.example:26379/0?master=m", "no TLS to another machine and the"),
    ],
)
def test_a_connection_to_another_machine_needs_tls_and_a_user(url: str, fault: str | None) -> None:
    check = security.redis_check("cache", url)

    assert check.status is (CheckStatus.OK if fault is None else CheckStatus.WARNING)
    assert check.detail.startswith(fault or "")


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("postgresql+psycopg2://angel@/book?host=/run/postgres", "ok"),
        ("postgresql+psycopg2://angel:word@localhost/book", "ok"),
        ("postgresql+psycopg2://angel:word@db.example/book", "warning"),
        ("postgresql+psycopg2://angel:word@db.example/book?sslmode=verify-full", "ok"),
        ("postgresql+psycopg2://angel:word@/book?host=a.example,b.example&port=1,2", "warning"),
    ],
)
def test_a_database_on_another_machine_needs_tls(url: str, status: str) -> None:
    assert security.database_check(url).status.value == status


@pytest.mark.parametrize(
    ("revisions", "status", "words"),
    [
        ((HEAD,), "ok", ""),
        (("0001",), "failed", "db upgrade"),
        ((), "failed", "db upgrade"),
        (("9999",), "warning", "Install the release"),
        (("0001", HEAD), "failed", "Two releases"),
    ],
)
def test_a_schema_of_another_release_is_told_apart(
    revisions: tuple[str, ...], status: str, words: str
) -> None:
    check = database.revision_check(revisions, HEAD)

    assert check.status.value == status
    assert words in (check.fix or "")


def test_the_indexes_of_the_migrations_are_known_with_their_statements() -> None:
    planned = planned_indexes()

    assert planned["idx_positions_user_status"].startswith("CREATE INDEX idx_positions_user_status")
    assert len(planned) > 20


def test_the_api_of_api_url_is_asked(tmp_path: Path) -> None:
    here = {"ANGEL_X_HOME": str(tmp_path), "ANGEL_X_API_PORT": "8123"}
    there = {**here, "ANGEL_X_API_URL": "https://api.example"}

    assert Pages(load(here)).api == "http://127.0.0.1:8123"
    assert Pages(load(there)).api == "https://api.example"


def test_connections_are_those_of_the_api_and_of_every_other_process() -> None:
    production = defaults("production")

    # Eight of orders, four of Greeks, two of emergencies, one each of three others; relay, feed, exporter.
    assert capacity.workers(production) == 17
    assert capacity.connections(production) == 60 + 4 * (17 + 3)


def test_a_volatility_that_is_too_old_fails_and_is_named() -> None:
    sound, none, stale = map(
        market.volatility_check,
        ({"NIFTY": 0.012}, {}, {"NIFTY": 0.012, "SENSEX": math.nan}),
    )

    assert sound.status is none.status is CheckStatus.OK
    assert (stale.status, stale.detail) == ("failed", "too old, so margin is unknown: SENSEX")
