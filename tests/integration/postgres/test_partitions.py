"""Daily partitions: made ahead and filled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, cast

from sqlalchemy import Connection, Engine, event, text

from angel_x.adapters.postgres.partitions import TABLES, Partitions

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def names(engine: Engine, table: str) -> list[str]:
    query = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = :t ::regclass")
    with engine.connect() as connection:
        return sorted(connection.execute(query, {"t": table}).scalars())


def maintain(engine: Engine) -> int:
    return Partitions(engine, lambda: NOW, days_ahead=3).maintain()


def test_in_a_new_database_today_and_the_coming_days_have_partitions_of_their_own(
    engine: Engine,
) -> None:
    assert maintain(engine) == 4 * len(TABLES)

    assert names(engine, "order_events") == [
        "order_events_20261123",
        "order_events_20261124",
        "order_events_20261125",
        "order_events_20261126",
        "order_events_default",
    ]


def test_a_second_round_changes_nothing(engine: Engine) -> None:
    maintain(engine)

    assert maintain(engine) == 0


def test_rows_land_in_the_partition_of_their_day(engine: Engine) -> None:
    maintain(engine)
    insert = "INSERT INTO portfolio_snapshots VALUES (1, '2026-11-25T00:00Z', 0, 0, 0, 0)"
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO users (name) VALUES ('demo')"))
        connection.execute(text(insert))

    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM portfolio_snapshots_20261125"))
        assert count.scalar_one() == 1


def test_a_day_whose_rows_are_in_the_default_partition_is_left_there(engine: Engine) -> None:
    insert = "INSERT INTO portfolio_snapshots VALUES (1, '2026-11-25T00:00Z', 0, 0, 0, 0)"
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO users (name) VALUES ('demo')"))
        connection.execute(text(insert))

    made = maintain(engine)

    # Neither today nor that day, in this table only.
    assert made == 4 * len(TABLES) - 2
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM portfolio_snapshots"))
        assert count.scalar_one() == 1


def test_the_default_partition_takes_rows_of_a_day_that_could_not_be_made(engine: Engine) -> None:
    insert = text("INSERT INTO portfolio_snapshots VALUES (1, :at, 0, 0, 0, 0)")
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO users (name) VALUES ('demo')"))
        connection.execute(insert, {"at": "2026-11-24T00:00Z"})
    maintain(engine)

    with engine.begin() as connection:
        connection.execute(insert, {"at": "2026-11-24T01:00Z"})

    with engine.connect() as connection:
        found = connection.execute(text("SELECT count(*) FROM portfolio_snapshots_default"))
        assert found.scalar_one() == 2


def test_a_partition_is_made_without_a_scan_of_the_default_under_the_lock_of_writers(
    engine: Engine,
) -> None:
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO order_events (order_id, status, actor) VALUES (1, 'x', 'y')")
        )
    told: list[str] = []

    def ask(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "ATTACH" in statement:
            connection.exec_driver_sql("SET LOCAL client_min_messages = debug1")

    def listen(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if "ATTACH PARTITION order_events_" in statement:
            driver = cast("Any", connection.connection.driver_connection)
            told.extend(line for line in driver.notices if "order_events_default" in line)

    event.listen(engine, "before_cursor_execute", ask)
    event.listen(engine, "after_cursor_execute", listen)
    maintain(engine)

    assert told
    assert all("implied by existing constraints" in line for line in told), told
