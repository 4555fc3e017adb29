"""Partitions past their days are in the archive before they leave the database, and only then."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from angel_x.adapters.archive_files import Archive
from angel_x.adapters.postgres import retention as retaining
from angel_x.adapters.postgres.partitions import Partitions, existing
from angel_x.adapters.postgres.retention import Retention
from angel_x.bootstrap import Application
from tests.builders.orders import Market

#: The old days that these tests write to.
OLD = datetime(2020, 1, 1, 12, tzinfo=UTC)
DAYS = {"order_events": 1827, "portfolio_snapshots": 1827}
DAY = "order_events_20200102"
NEXT_DAY = "order_events_20200103"


@pytest.fixture
def failures() -> list[str]:
    """The table of each failure."""
    return []


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


@pytest.fixture
def old(engine: Engine) -> Engine:
    """A database with partitions of two old days, and 500 events in the first."""
    Partitions(engine, lambda: OLD + timedelta(days=1), days_ahead=1).maintain()
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO order_events (order_id, status, actor, detail, at) "
                "SELECT n, 'filled', 'api', E'two\\nlines, \\u20b9 \"quoted\"', '2020-01-02T06:00Z' "
                "FROM generate_series(1, 500) n"
            )
        )
    return engine


def keep(
    engine: Engine, archive: Path, failures: list[str], *, budget_seconds: float = 60, **days: int
) -> Retention:
    return Retention(
        engine,
        lambda: OLD + timedelta(days=1835),
        Archive(archive),
        days={**DAYS, **days},
        on_failure=failures.append,
        budget_seconds=budget_seconds,
    )


def archived(archive: Path, partition: str) -> list[dict[str, Any]]:
    listed = json.loads((archive / f"{partition}.json").read_text())
    rows = []
    for part in listed["parts"]:
        with gzip.open(archive / part["file"], "rt", encoding="utf-8", newline="\n") as lines:
            rows += [json.loads(line) for line in lines]
    assert len(rows) == sum(part["rows"] for part in listed["parts"])
    return rows


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def test_old_rows_are_in_the_archive_as_they_were_and_then_leave(
    old: Engine, archive: Path, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Several files, as of a day that is large.
    monkeypatch.setattr(retaining, "_BLOCKS", 3)
    with old.connect() as connection:
        before = connection.execute(text(f"SELECT to_jsonb(r) FROM {DAY} r")).scalars().all()

    assert keep(old, archive, failures).enforce() == 4

    assert DAY not in existing(old, "order_events")
    assert archived(archive, DAY) == before
    assert len(list(archive.glob(f"{DAY}.*.jsonl.gz"))) > 1
    # A day without rows leaves no file.
    assert not (archive / f"{NEXT_DAY}.json").exists()
    assert (archive / f"{DAY}.json").stat().st_mode & 0o777 == 0o600
    assert keep(old, archive, failures).enforce() == 0
    # The ledger is kept for ever.
    assert "ledger_entries_20200102" in existing(old, "ledger_entries")
    assert failures == []


def test_each_table_is_kept_for_its_days(old: Engine, archive: Path, failures: list[str]) -> None:
    assert keep(old, archive, failures, order_events=1834).enforce() == 2

    assert DAY in existing(old, "order_events")
    assert existing(old, "portfolio_snapshots") == ["portfolio_snapshots_default"]
    assert keep(old, archive, failures, order_events=1833).enforce() == 1


def test_a_round_ends_in_time_and_the_next_one_goes_on(
    old: Engine, archive: Path, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "_BLOCKS", 3)
    times = iter([0.0, 1.0, 3.0])
    monkeypatch.setattr(retaining, "monotonic", lambda: next(times))

    assert keep(old, archive, failures, budget_seconds=2).enforce() == 0

    assert len(list(archive.glob(f"{DAY}.*.jsonl.gz"))) == 1
    assert count(old, DAY) == 500
    monkeypatch.setattr(retaining, "monotonic", lambda: 0.0)
    assert keep(old, archive, failures).enforce() == 4
    assert len(archived(archive, DAY)) == 500


def test_nothing_leaves_while_the_archive_cannot_be_written(
    old: Engine, archive: Path, failures: list[str]
) -> None:
    archive.write_text("a file in the place of the directory")

    assert keep(old, archive, failures).enforce() == 0

    assert count(old, DAY) == 500
    assert set(failures) == set(DAYS)


def test_nothing_leaves_that_the_archive_does_not_hold(
    old: Engine, archive: Path, failures: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retaining, "_BRIEFLY", "SELECT 1/0")
    with pytest.raises(Exception, match="division"):
        keep(old, archive, failures).enforce()
    monkeypatch.undo()
    (part,) = archive.glob(f"{DAY}.*.jsonl.gz")
    whole = part.read_bytes()

    # Damaged on the disk, then gone, then a row that came later.
    part.write_bytes(whole[:-1])
    keep(old, archive, failures).enforce()
    part.unlink()
    keep(old, archive, failures).enforce()
    part.write_bytes(whole)
    with old.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO order_events (order_id, status, actor, at) "
                "VALUES (501, 'filled', 'api', '2020-01-02T07:00Z')"
            )
        )
    keep(old, archive, failures).enforce()

    assert failures == ["order_events"] * 3
    assert count(old, DAY) == 501
    # The other days went in the meantime.
    assert NEXT_DAY not in existing(old, "order_events")


def test_invariants_know_how_far_events_reach_back(
    application: Application, archive: Path, failures: list[str]
) -> None:
    engine, market = application.base.engine, Market.open(application)
    user = market.account("demo")
    for _ in range(2):
        (order,) = market.accept(user, market.request())
        application.trading.execution.run([order.order_id])
    Partitions(engine, lambda: OLD, days_ahead=2).maintain()
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            "UPDATE order_events SET at = '2020-01-02T06:00Z' WHERE order_id = "
            "(SELECT min(id) FROM orders)"
        )
        connection.exec_driver_sql(
            "UPDATE orders SET accepted_at = '2020-01-02T06:00Z' WHERE id = "
            "(SELECT min(id) FROM orders)"
        )
    market.assert_invariants()

    keep(engine, archive, failures).enforce()

    assert archived(archive, DAY)[0]["status"] == "received"
    market.assert_invariants()
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql("DELETE FROM order_events")
    held = {i.name: i.holds for i in application.operations.invariants.check(OLD)}
    assert not held["one story each"]
