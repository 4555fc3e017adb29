"""A migration runs beside the system: it waits for its turn, gives way, and tells what it will do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.postgres import schema, schema_plan
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.schema import MigrationPace
from angel_x.bootstrap import Application
from angel_x.entrypoints.api.probed import probes_of
from angel_x.errors import MigrationRefused
from tests.builders.accounts import open_accounts
from tests.builders.migrations import CONTRACT, EXPAND, write_versions
from tests.builders.shells import Shell

HURRIED = MigrationPace(pause=0.05, patience=0.2)
PATIENT = MigrationPace(pause=0.05, patience=300)


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    engine = make_engine(database_url, pool_size=2, max_pool_size=4)
    yield engine
    engine.dispose()


def test_of_two_upgrades_at_once_one_waits_for_the_other(empty: Engine) -> None:
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(schema.upgrade, empty) for _ in range(2)]:
            done.result()

    assert schema.current_revision(empty) == schema.head_revision()


def counted(engine: Engine, view: str) -> int:
    """Return the rows of a view about this database; a transaction sees them as they were at first."""
    query = f"SELECT count(*) FROM {view} WHERE datname = current_database()"
    with engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


def test_an_upgrade_waits_for_another_longer_than_statements_may(
    empty: Engine, database_url: str
) -> None:
    hasty = make_engine(
        database_url, pool_size=1, max_pool_size=1, lock_seconds=0.1, query_timeout_seconds=0.2
    )
    with ThreadPoolExecutor(1) as pool:
        with schema.turn(empty) as other:
            alone = counted(empty, "pg_stat_activity")
            waiting = pool.submit(schema.upgrade, hasty, "0001")
            while counted(empty, "pg_stat_activity") == alone:
                assert not waiting.done()
            other.execute(text("SELECT pg_sleep(0.4)"))
            assert not waiting.done()
        # A slow revision is then canceled by its own limit, and not for the wait.
        waiting.exception()
    hasty.dispose()
    schema.upgrade(empty, "0001")
    assert schema.current_revision(empty) == "0001"


def test_a_migration_that_waits_for_a_lock_lets_the_order_path_through(
    engine: Engine, tmp_path: Path
) -> None:
    more = (write_versions(tmp_path, EXPAND),)
    reading = text("SELECT count(*) FROM orders")
    with engine.connect() as held, ThreadPoolExecutor(1) as pool:
        # A transaction that is open for long, such as a report.
        held.execute(reading)
        waiting = pool.submit(schema.upgrade, engine, pace=PATIENT, more=more)
        queued = "SELECT count(*) FROM pg_locks WHERE relation = 'orders'::regclass AND NOT granted"
        with engine.connect() as watching:
            while not watching.execute(text(queued)).scalar():
                assert not waiting.done()
        with engine.connect() as other:
            # It would wait for the report's end behind the migration: within its limit of ten seconds.
            other.execute(reading)
        assert not waiting.done()
        held.rollback()
        waiting.result(300)

    assert schema.current_revision(engine) == EXPAND.revision


def test_writers_go_on_while_the_index_of_a_revision_is_built(engine: Engine) -> None:
    schema.downgrade(engine, "0012")
    with engine.connect() as held, ThreadPoolExecutor(1) as pool:
        held.execute(text("LOCK TABLE positions IN ROW EXCLUSIVE MODE"))
        waiting = pool.submit(schema.upgrade, engine, pace=HURRIED)
        while not counted(engine, "pg_stat_progress_create_index"):
            assert not waiting.done()
        with engine.connect() as writer:
            writer.execute(text("LOCK TABLE positions IN ROW EXCLUSIVE MODE NOWAIT"))
        assert not waiting.done()
        held.rollback()
        waiting.result(300)

    assert schema.current_revision(engine) == schema.head_revision()


def test_an_index_that_was_interrupted_is_built_again(engine: Engine) -> None:
    schema.downgrade(engine, "0009")
    with engine.begin() as connection:
        connection.execute(text("CREATE INDEX idx_orders_ladders ON orders (side)"))
        connection.execute(
            text(
                "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'idx_orders_ladders'::regclass"
            )
        )

    schema.upgrade(engine)

    defined = "SELECT pg_get_indexdef('idx_orders_ladders'::regclass)"
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    with engine.connect() as connection:
        assert "time_priority" in connection.execute(text(defined)).scalar_one()
        assert connection.execute(text(invalid)).scalar_one() == 0


@pytest.mark.parametrize("revision", ["0008", "0009", "0010", "0011", "0012", "0013", "0014"])
def test_no_revision_builds_an_index_of_a_large_table_itself(revision: str) -> None:
    module = schema.scripts_of(schema.configuration()).get_revision(revision).module
    expands, _, _ = (
        Path(module.__file__ or "").read_text(encoding="utf-8").partition("def downgrade")
    )

    built = re.findall(r"CREATE (?:UNIQUE )?INDEX \w+ ON (\w+)", expands)

    assert not {*built} & {
        "orders",
        "order_events",
        "fills",
        "positions",
        "trades",
        "ledger_entries",
    }


def test_a_migration_without_its_locks_is_given_up_and_changes_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    more = (write_versions(tmp_path, EXPAND),)
    with engine.connect() as held:
        held.execute(text("SELECT count(*) FROM orders"))

        with pytest.raises(MigrationRefused, match="did not get its locks"):
            schema.upgrade(engine, pace=HURRIED, more=more)

    assert schema.current_revision(engine) == schema.head_revision()


def test_the_schema_of_a_newer_release_is_left_alone_and_is_ready(
    application: Application, tmp_path: Path
) -> None:
    engine = application.base.engine
    schema.upgrade(engine, more=(write_versions(tmp_path, EXPAND),))

    schema.upgrade(engine)

    assert schema.current_revision(engine) == EXPAND.revision
    assert probes_of(application)["migrations"]() == f"at {EXPAND.revision}"
    assert schema_plan.plan(engine) == []


def test_the_plan_tells_every_statement_and_does_nothing(engine: Engine, tmp_path: Path) -> None:
    more = (write_versions(tmp_path, EXPAND, CONTRACT),)

    expand, contract = schema_plan.plan(engine, more)

    assert (expand.revision, expand.title) == (EXPAND.revision, EXPAND.title)
    assert [s.nature for s in expand.statements] == ["adds", "adds", "adds"]
    assert [s.nature for s in contract.statements] == ["changes", "removes"]
    assert schema.current_revision(engine) == schema.head_revision()


@pytest.fixture
def shell(environ: dict[str, str]) -> Shell:
    return Shell(environ)


def test_the_command_shows_the_plan_of_an_older_schema(shell: Shell, engine: Engine) -> None:
    schema.downgrade(engine, "0003")

    planned = shell.json("db", "upgrade", "--plan")
    told = shell.run("db", "upgrade", "--plan").stdout

    assert planned["from"] == "0003"
    assert [each["revision"] for each in planned["revisions"]][:2] == ["0004", "0005"]
    assert "ALTER TABLE order_events DROP CONSTRAINT order_events_order_id_fkey" in told
    assert schema.current_revision(engine) == "0003"
    assert shell.json("db", "upgrade")["to"] == schema.head_revision()


def test_a_downgrade_that_loses_data_is_refused_until_each_loss_is_named(
    shell: Shell, engine: Engine
) -> None:
    open_accounts(engine, 1)

    refused = shell.run("db", "downgrade", "0001")

    assert refused.exit_code == 1
    assert "users.open_orders (1 rows)" in refused.output
    assert "workflows" not in refused.output
    planned = shell.json("db", "downgrade", "0001", "--plan")
    assert schema.current_revision(engine) == schema.head_revision()
    names = [word for loss in planned["lost"] for word in ("--lose", loss["name"])]
    assert shell.run("db", "downgrade", "0001", *names[2:]).exit_code == 1
    assert shell.json("db", "downgrade", "0001", *names)["to"] == "0001"
    assert schema.current_revision(engine) == "0001"


def test_a_downgrade_beside_a_busy_system_is_refused(engine: Engine) -> None:
    with engine.connect() as held:
        held.execute(text("SELECT count(*) FROM orders"))

        with pytest.raises(MigrationRefused, match="stop the system before a downgrade: canceling"):
            schema_plan.losses(engine, "0001")

    assert schema.current_revision(engine) == schema.head_revision()


def test_a_downgrade_that_loses_nothing_needs_no_word(shell: Shell, engine: Engine) -> None:
    assert shell.json("db", "downgrade", "0004") == {
        "from": schema.head_revision(),
        "to": "0004",
        "lost": [],
    }
