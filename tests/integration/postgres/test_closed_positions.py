"""Positions leave the table of open ones after the day on which they were closed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.closed_positions import ClosedPositions
from angel_x.adapters.postgres.partitions import Partitions
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.chains import make_universe

UNIVERSE = make_universe()
NOW = datetime(2026, 11, 25, 3, tzinfo=UTC)
STORE = text("""
INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost, realised_pnl, entry_time, exit_time)
SELECT :user, :user, :symbol, 'CLOSED', 0, 0, n, '2026-11-24T04:00Z', CAST(:closed AS timestamptz)
FROM generate_series(1, :count) n
""")


@pytest.fixture
def user(engine: Engine) -> int:
    Partitions(engine, lambda: datetime(2026, 11, 23, tzinfo=UTC)).maintain()
    list_contracts(engine, UNIVERSE)
    [user] = open_accounts(engine, 1)
    return user


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

    assert ClosedPositions(engine, lambda: NOW, page=10).move() == 25

    assert count(engine, "closed_positions_20261124") == 25
    assert count(engine, "positions") == 2
    assert ClosedPositions(engine, lambda: NOW).move() == 0
    with engine.connect() as connection:
        earned = connection.execute(text("SELECT sum(realised_pnl) FROM closed_positions"))
        assert earned.scalar_one() == sum(range(1, 26))


def test_a_downgrade_puts_them_back(engine: Engine, user: int) -> None:
    store(engine, user, "2026-11-24T09:00Z", count=3)
    ClosedPositions(engine, lambda: NOW).move()

    schema.downgrade(engine, "0012")

    assert count(engine, "positions") == 3
