"""The commands `db explain`, `db slow-queries` and `db size`."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Engine

from angel_x.adapters.postgres.hot_statements import hot_statements
from angel_x.adapters.postgres.prepared import Statement
from angel_x.adapters.postgres.scratch import scratch_database
from angel_x.entrypoints.cli import database_reports
from angel_x.errors import ServerUnavailable
from tests.builders.shells import Shell

SCAN = Statement("scan", "SELECT count(*) FROM orders WHERE tag = %(tag)s::text")


@pytest.fixture
def shell(environ: dict[str, str]) -> Shell:
    return Shell(environ)


def databases(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(connection.exec_driver_sql("SELECT datname FROM pg_database").scalars())


def test_every_hot_statement_runs_on_an_index_and_a_scan_of_a_large_table_fails(
    shell: Shell, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_reports, "hot_statements", lambda: [*hot_statements(), SCAN])

    result = shell.run("db", "explain", "--rows", "5000", "--json")

    plans = json.loads(result.stdout)["statements"]
    assert [p["statement"] for p in plans] == [s.label for s in [*hot_statements(), SCAN]]
    assert {p["statement"]: p["scanned"] for p in plans if p["scanned"]} == {"scan": ["orders"]}
    assert result.exit_code == 1
    assert "1 of" in result.stderr
    # The table of the guide's query is joined through its key.
    [positions] = [p for p in plans if p["statement"] == "reading_positions"]
    assert {"greeks_snapshot_pkey", "idx_positions_one_open"} == set(positions["indexes"])
    assert "angel_x_scratch" not in databases(engine)


def test_a_role_that_may_not_create_a_database_is_told_what_it_needs(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE ROLE angel_x_reader")
        connection.exec_driver_sql("SET ROLE angel_x_reader")
        # The role stays with the only connection of the pool.
    try:
        with pytest.raises(ServerUnavailable, match="CREATEDB"), scratch_database(engine):
            pass
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("RESET ROLE")
            connection.exec_driver_sql("DROP ROLE angel_x_reader")


def test_a_server_that_counts_no_statements_is_named_with_the_remedy(shell: Shell) -> None:
    result = shell.run("db", "slow-queries")

    assert result.exit_code == 1
    assert "postgresql-contrib" in result.stderr
    assert result.stdout == ""


def test_the_statements_that_take_longest_altogether_come_first(
    shell: Shell, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE VIEW pg_stat_statements AS SELECT n AS calls, n * 2.0::float8 AS total_exec_time, "
            "2.0::float8 AS mean_exec_time, 3.0::float8 AS max_exec_time, n * 5 AS rows, "
            "E'SELECT\\n  ' || n AS query FROM generate_series(1, 20) AS n"
        )

    slowest = shell.json("db", "slow-queries")["statements"]

    assert [each["calls"] for each in slowest] == list(range(20, 10, -1))
    assert slowest[0] == {"calls": 20, "total_ms": 40.0, "mean_ms": 2.0, "max_ms": 3.0,
                          "rows_a_call": 5.0, "statement": "SELECT 20"}  # fmt: skip
    assert "SELECT 20" in shell.run("db", "slow-queries").stdout


def test_sizes_are_those_of_the_tables_with_their_indexes_and_free_space(
    shell: Shell, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE users SET (autovacuum_enabled = false)")
        connection.exec_driver_sql(
            "INSERT INTO users (name) SELECT 'u' || n FROM generate_series(1, 5000) n"
        )
        connection.exec_driver_sql("DELETE FROM users WHERE id > 1000")
        connection.exec_driver_sql("ANALYZE users")

    shown = shell.json("db", "size", "--indexes", "3")

    sizes = {table["name"]: table for table in shown["tables"]}
    users = sizes["users"]
    assert shown["tables"][0] == users
    assert users["rows"] == 1000
    assert 0.6 < users["bloat_bytes"] / users["heap_bytes"] < 0.9
    assert users["total_bytes"] >= sum(
        users[f"{part}_bytes"] for part in ("heap", "index", "toast")
    )
    assert users["index_share"] == pytest.approx(
        users["index_bytes"] / users["total_bytes"], abs=0.001
    )
    # A partition counts for its table.
    assert "order_events" in sizes
    assert "order_events_default" not in sizes
    assert "users" in {index["table"] for index in shown["indexes"]}
    assert len(shown["indexes"]) == 3
    assert "users" in shell.run("db", "size").stdout
