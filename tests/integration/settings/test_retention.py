"""How long the database keeps the rows of each table, and where they go."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from angel_x.adapters.postgres.partitions import Partitions, existing
from tests.integration.settings.conftest import Build

TABLES = ("order_events", "closed_positions", "portfolio_snapshots")


@pytest.mark.parametrize("kept", TABLES)
def test_a_table_is_kept_for_its_order_events_closed_positions_or_portfolio_snapshots_retention_days(
    built: Build, tmp_path: Path, kept: str
) -> None:
    days = {
        "ORDER_EVENTS_RETENTION_DAYS": 10,
        "CLOSED_POSITIONS_RETENTION_DAYS": 10,
        "PORTFOLIO_SNAPSHOTS_RETENTION_DAYS": 10,
    }
    application = built(
        ARCHIVE_DIRECTORY=tmp_path, **{**days, f"{kept.upper()}_RETENTION_DAYS": 1000}
    )
    engine, now = application.base.engine, application.base.clock()
    Partitions(engine, lambda: now - timedelta(days=100), days_ahead=0).maintain()

    assert application.operations.retention.enforce() == 2

    left = {table for table in TABLES if len(existing(engine, table)) > 1}
    assert left == {kept}


def test_rows_that_leave_the_database_are_in_archive_directory(
    built: Build, tmp_path: Path
) -> None:
    application = built(ARCHIVE_DIRECTORY=tmp_path / "elsewhere", ORDER_EVENTS_RETENTION_DAYS=10)
    engine, day = application.base.engine, application.base.clock() - timedelta(days=99)
    Partitions(engine, lambda: day, days_ahead=0).maintain()
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO order_events (order_id, status, actor, at) VALUES (1, 'filled', 'api', %s)",
            (day,),
        )

    application.operations.retention.enforce()

    names = {path.name for path in (tmp_path / "elsewhere").iterdir()}
    partition = f"order_events_{day:%Y%m%d}"
    assert names == {f"{partition}.json", f"{partition}.0001.jsonl.gz"}


@pytest.mark.parametrize(("days", "kept"), [(20, 1), (10, 0)])
def test_minutes_are_kept_for_minute_quotes_retention_days(
    built: Build, days: int, kept: int
) -> None:
    application = built(MINUTE_QUOTES_RETENTION_DAYS=days)
    engine = application.base.engine
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO minute_quotes (minute, written_at, expiry, underlying, contracts, prices, oi) "
            "VALUES (now(), now() - interval '15 days', now(), 'NIFTY', '{}', '{}', '{}')"
        )

    assert application.analytics.minute_sampling.forget() == 1 - kept

    with engine.connect() as connection:
        left = connection.exec_driver_sql("SELECT count(*) FROM minute_quotes").scalar_one()
    assert left == kept
