"""The command `doctor`: each fault is named with its remedy, also where a server is away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from angel_x.bootstrap import Application
from tests.builders.shells import Shell

Checks = dict[str, dict[str, Any]]

#: A server that is away leaves these unmade.
OF_DATABASE = {"schema", "slow statements", "invariants", "time of a query", "warmth of the cache"}


def made(environ: dict[str, str], *options: str, code: int = 1) -> Checks:
    """Return the checks by name.  No process runs, so the code is 1."""
    shown = Shell(environ).json("doctor", *options, code=code)
    assert shown["ok"] is (code == 0)
    return {check["name"]: check for check in shown["checks"]}


def statuses(checks: Checks, *names: str) -> set[str]:
    return {checks[name]["status"] for name in names}


@pytest.fixture
def listed(application: Application) -> Application:
    """A system with contracts and partitions."""
    application.market.contracts.load_generated()
    application.operations.partitions.maintain()
    return application


def test_servers_and_books_that_are_sound_pass_and_missing_processes_fail_for_people_too(
    listed: Application, environ: dict[str, str]
) -> None:
    checks = made(environ)

    assert statuses(
        checks, "settings", "database answers", "message broker takes writes", "cache takes writes",
        "revision of the schema", "indexes", "partitions of the coming days", "clock of the database",
        "clock of the cache", "contracts that trade", "universe in the cache", "messages are kept",
        "connections to the database", "pools and workers fit the load", "TLS and user of the message broker", "age of waiting orders",
    ) == {"ok"}  # fmt: skip
    invariants = [name for name in checks if name.startswith("invariant: ")]
    assert len(invariants) == 14
    assert statuses(checks, *invariants) == {"ok"}
    assert checks["processes"]["status"] == "failed"
    assert checks["processes"]["fix"].endswith("(docs/runbooks/ProcessesMissing.md)")
    assert checks["readiness of the API"]["status"] == "failed"
    assert checks["latency of orders"]["status"] == "unknown"
    broker = checks["clock of the message broker"]
    assert (broker["limit"], broker["unit"]) == (2.0, "s")
    assert 0 <= broker["value"] < 2

    result = Shell(environ).run("doctor")

    assert result.exit_code == 1
    for words in (
        "invariant: ledger balances",
        "FAILED",
        "What to do",
        "angel-x backup",
        "checks:",
    ):
        assert words in result.stdout


@pytest.mark.parametrize(
    ("name", "server", "unmade"),
    [
        ("BROKER_URL", "message broker", {"writes of the message broker", "clocks of Redis"}),
        ("CACHE_URL", "cache", {"writes of the cache", "warmth of the cache"}),
    ],
)
def test_a_redis_that_is_away_fails_and_only_its_checks_are_unknown(
    environ: dict[str, str], tmp_path: Path, name: str, server: str, unmade: set[str]
) -> None:
    checks = made({**environ, f"ANGEL_X_{name}": f"unix://{tmp_path}/gone.sock"})

    assert checks[f"{server} answers"]["status"] == "failed"
    assert f"ANGEL_X_{name}" in checks[f"{server} answers"]["fix"]
    assert statuses(checks, *unmade) == {"unknown"}
    assert statuses(checks, "database answers", "revision of the schema", "indexes") == {"ok"}


def test_a_system_without_any_server_that_answers_is_examined_all_the_same(tmp_path: Path) -> None:
    checks = made(
        {
            "ANGEL_X_HOME": str(tmp_path),
            "ANGEL_X_DATABASE_URL": f"postgresql://postgres@/none?host={tmp_path}",
            "ANGEL_X_REDIS_URL": f"unix://{tmp_path}/gone.sock",
        }
    )

    servers = ("database answers", "message broker answers", "cache answers")
    assert statuses(checks, *servers) == {"failed"}
    assert statuses(checks, *OF_DATABASE) == {"unknown"}
    assert statuses(checks, "home takes files", "settings") == {"ok"}


def test_a_home_in_which_nothing_runs_is_told_how_to_start_it(tmp_path: Path) -> None:
    checks = made({"ANGEL_X_HOME": str(tmp_path)})

    assert checks["database answers"]["status"] == "failed"
    assert "angel-x up" in checks["database answers"]["fix"]


def test_a_wrong_password_is_called_one_and_is_not_shown(environ: dict[str, str]) -> None:
    socket = environ["ANGEL_X_CACHE_URL"].removeprefix("unix://")
    wrong = {**environ, "ANGEL_X_CACHE_URL": f"unix://someone:a-secret-word@{socket}"}

    checks = made(wrong)

    assert "password" in checks["cache answers"]["fix"]
    assert "a-secret-word" not in str(checks)


def test_a_setting_that_is_wrong_is_named_before_anything_else(environ: dict[str, str]) -> None:
    checks = made({**environ, "ANGEL_X_API_PORT": "many"})

    assert "ANGEL_X_API_PORT" in checks["settings"]["detail"]
    assert list(checks) == ["settings"]


def test_a_schema_with_two_revisions_and_a_missing_index_are_named(
    engine: Engine, environ: dict[str, str]
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX idx_positions_user_status")
    missing = made(environ)["indexes"]
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO alembic_version VALUES ('0012')")
    two = made(environ)["revision of the schema"]

    assert missing["status"] == "failed"
    assert missing["fix"].startswith("CREATE INDEX idx_positions_user_status ON positions")
    assert two["status"] == "failed"
    assert "several revisions: 0012, " in two["detail"]


def test_books_that_do_not_add_up_fail_with_an_example(
    listed: Application, engine: Engine, environ: dict[str, str]
) -> None:
    account = listed.people.accounts.open("demo")
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE users SET cash = cash + 1")

    found = made(environ)["invariant: cash folds ledger"]

    assert found["status"] == "failed"
    assert found["detail"] == f"1 rows, such as {account.id}"


@pytest.fixture
def neglected(listed: Application, environ: dict[str, str]) -> Path:
    """A system without a partition of a coming day, without a universe in the cache, with an open file."""
    with listed.base.engine.begin() as connection:
        name = connection.exec_driver_sql(
            "SELECT max(relname) FROM pg_class WHERE relkind = 'r' AND relname LIKE 'order_events_2%%'"
        ).scalar_one()
        connection.exec_driver_sql(f"DROP TABLE {name}")
    listed.base.cache.delete("ax:universe")
    key = Path(environ["ANGEL_X_HOME"]) / "demo.key"
    key.write_text("a key")
    key.chmod(0o644)
    return key


def test_what_is_safe_is_repaired_and_checked_again(
    neglected: Path, environ: dict[str, str]
) -> None:
    names = ("partitions of the coming days", "universe in the cache", "files with secrets")
    before = made(environ)
    assert statuses(before, *names) <= {"warning", "failed"}

    shown = Shell(environ).json("doctor", "--fix", code=1)

    after = {check["name"]: check for check in shown["checks"]}
    assert statuses(after, *names) == {"ok"}
    assert {each["name"] for each in shown["repairs"] if each["is_made"]} >= set(names)
    assert neglected.stat().st_mode & 0o077 == 0


def test_rebuild_repairs_nothing(environ: dict[str, str]) -> None:
    result = Shell(environ).run("doctor", "--rebuild", "--fix")

    assert result.exit_code == 2
    assert "--fix" in result.stderr
