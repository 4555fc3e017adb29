"""Daily partitions: made ahead and filled."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine, text

from angel_x.adapters.postgres.partitions import TABLES, Partitions

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def names(engine: Engine, table: str) -> list[str]:
    query = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = :t ::regclass")
    with engine.connect() as connection:
        return sorted(connection.execute(query, {"t": table}).scalars())


def maintain(engine: Engine) -> int:
    return Partitions(engine, lambda: NOW, days_ahead=3).maintain()


def test_the_coming_days_have_partitions_of_their_own(engine: Engine) -> None:
    assert maintain(engine) == 3 * len(TABLES)

    assert names(engine, "order_events") == [
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

    assert made == 3 * len(TABLES) - 1
    with engine.connect() as connection:
        count = connection.execute(text("SELECT count(*) FROM portfolio_snapshots"))
        assert count.scalar_one() == 1
