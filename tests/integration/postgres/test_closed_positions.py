"""Positions leave the table of open ones after the day on which they were closed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.archive_files import Archive
from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.closed_positions import ClosedPositions
from angel_x.adapters.postgres.partitions import Partitions
from angel_x.adapters.postgres.retention import Retention
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe

UNIVERSE = make_universe()
NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
STORE = text("""
INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost, realised_pnl, entry_time, exit_time)
SELECT :user, :user, :symbol, 'CLOSED', 0, 0, n, '2026-11-24T04:00Z', CAST(:closed AS timestamptz)
FROM generate_series(1, :count) n
""")
LANDED = text("""
WITH aged AS (DELETE FROM positions WHERE exit_time < '2026-10-06' RETURNING *)
INSERT INTO closed_positions (id, user_id, portfolio_id, symbol, product, realised_pnl, entry_time, exit_time)
SELECT id, user_id, portfolio_id, symbol, product, realised_pnl, entry_time, exit_time FROM aged
""")


@pytest.fixture
def user(engine: Engine) -> int:
    Partitions(engine, lambda: datetime(2026, 11, 23, tzinfo=UTC)).maintain()
    list_contracts(engine, UNIVERSE)
    [user] = open_accounts(engine, 1)
    return user


def closed(engine: Engine, page: int = 5_000) -> ClosedPositions:
    return ClosedPositions(engine, lambda: NOW, Partitions(engine, lambda: NOW), page=page)


def store(engine: Engine, user: int, closed: str, count: int = 1) -> None:
    given = {"user": user, "symbol": UNIVERSE.symbols[0], "closed": closed, "count": count}
    with engine.begin() as connection:
        connection.execute(STORE, given)


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_positions_closed_before_today_move_to_the_partition_of_their_day(
    engine: Engine, user: int
) -> None:
    store(engine, user, "2026-11-24T09:00Z", count=25)
    store(engine, user, "2026-11-25T01:00Z")
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost) "
                "VALUES (:user, :user, :symbol, 'OPEN', 65, 650)"
            ),
            {"user": user, "symbol": UNIVERSE.symbols[1]},
        )

    assert closed(engine, page=10).move() == 25

    assert count(engine, "closed_positions_20261124") == 25
    assert count(engine, "positions") == 2
    assert closed(engine).move() == 0
    with engine.connect() as connection:
        earned = connection.execute(text("SELECT sum(realised_pnl) FROM closed_positions"))
        assert earned.scalar_one() == sum(range(1, 26))


def test_a_backlog_from_before_leaves_with_the_partitions_of_its_days(
    engine: Engine, user: int, tmp_path: Path
) -> None:
    """One day waits among the open positions, another landed in the default partition before."""
    store(engine, user, "2026-10-05T09:00Z", count=12)
    store(engine, user, "2026-10-06T09:00Z", count=3)
    with engine.begin() as connection:
        connection.execute(LANDED)

    assert closed(engine, page=5).move() == 15

    assert count(engine, "closed_positions_default") == 0
    assert count(engine, "closed_positions_20261005") == 12
    assert count(engine, "closed_positions_20261006") == 3
    kept = Retention(
        engine,
        lambda: NOW,
        Archive(tmp_path),
        days={"closed_positions": 30},
        on_failure=lambda _: None,
    )
    assert kept.enforce() == 2
    assert count(engine, "closed_positions") == 0


def test_a_downgrade_puts_them_back(engine: Engine, user: int) -> None:
    store(engine, user, "2026-11-24T09:00Z", count=3)
    closed(engine).move()

    schema.downgrade(engine, "0012")

    assert count(engine, "positions") == 3
