"""A backup holds everything, is verified before it is one, and comes back whole or not at all."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from angel_x.adapters.backup import description, restoring, taking
from angel_x.adapters.backup.programs import Programs
from angel_x.adapters.backup.restoring import restore
from angel_x.adapters.backup.taking import latest_age_seconds, take
from angel_x.adapters.clock import wall_clock
from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.invariants import Invariants
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Side
from angel_x.domain.records.audit import AuditFilter
from angel_x.errors import BackupFailed
from tests.builders.orders import Market
from tests.builders.shells import Shell
from tests.plugins.servers import DatabaseFactory


@pytest.fixture
def market(application: Application) -> Market:
    """A book that has traded."""
    market = Market.open(application)
    user = market.account("demo")
    for side in (Side.BUY, Side.SELL, Side.BUY):
        accepted = market.accept(user, market.request(side), market.request(limit="1"))
        application.trading.execution.run([each.order_id for each in accepted])
    return market


@pytest.fixture
def shell(environ: dict[str, str], market: Market) -> Shell:
    # The tests' own process must not lose its priority.
    return Shell({**environ, "ANGEL_X_BULK_NICENESS": "0"})


@pytest.fixture
def target(databases: DatabaseFactory) -> Iterator[Engine]:
    """An engine without connections on an empty database."""
    with databases.fresh() as url:
        engine = make_engine(url, pool_size=1, max_pool_size=1)
        yield engine
        engine.dispose()


def address(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def count(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        found = int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())
    # A connection that stays open is somebody who uses the database.
    engine.dispose()
    return found


def rewrite(backup: Path, **changes: object) -> None:
    file = description.place_of(backup)
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_a_book_comes_back_with_every_row_and_its_invariants(
    shell: Shell, application: Application, target: Engine, tmp_path: Path
) -> None:
    assert latest_age_seconds(application.base.engine) == float("inf")

    taken = shell.json("backup", str(tmp_path))

    backup = Path(taken["file"])
    for file in (backup, description.place_of(backup)):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [file.suffix for file in sorted(tmp_path.glob("angel-x-*"))] == [".dump", ".json"]
    assert taken["rows"]["orders"] == 6
    assert taken["rows"]["fills"] == 3
    assert 0 <= latest_age_seconds(application.base.engine) < 600
    (entry,) = application.operations.audit.entries(
        AuditFilter(subject=taking.SUBJECT), after=None, limit=9
    ).entries
    assert (entry.action, entry.detail["sha256"]) == ("backup.taken", taken["sha256"])

    elsewhere = Shell({**shell.environ, "ANGEL_X_DATABASE_URL": address(target)})
    restored = elsewhere.json("restore", str(backup))

    assert restored["rows"] == taken["rows"]
    assert (restored["replaced"], restored["broken"]) == (False, [])
    assert count(target, "orders") == 6
    assert all(each.holds for each in Invariants(target).check(datetime(1, 1, 2, tzinfo=UTC)))


@pytest.fixture
def backup(market: Market, tmp_path: Path) -> Path:
    file = tmp_path / "book.dump"
    take(address(market.application.base.engine), file, actor="test", clock=wall_clock)
    return file


def test_a_database_that_holds_something_is_replaced_only_when_it_is_told(
    backup: Path, target: Engine
) -> None:
    schema.upgrade(target)
    with target.begin() as connection:
        connection.execute(text("INSERT INTO users (name, cash) VALUES ('another', 0)"))
        connection.execute(text("CREATE TABLE of_another_release (id int REFERENCES users)"))
    target.dispose()

    with pytest.raises(BackupFailed, match="not empty, so nothing was restored: --replace"):
        restore(address(target), backup, replace=False)

    assert count(target, "users") == 1
    restored = restore(address(target), backup, replace=True)
    assert restored.replaced
    assert count(target, "orders") == 6
    with pytest.raises(Exception, match="of_another_release"):
        count(target, "of_another_release")


def test_a_database_in_use_is_not_restored(backup: Path, target: Engine) -> None:
    with target.connect(), pytest.raises(BackupFailed, match=r"stop the system first.*1 conn"):
        restore(address(target), backup, replace=True)


def cut(backup: Path) -> None:
    backup.write_bytes(backup.read_bytes()[:-100])


def flip(backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    # More than one byte, which may be one that nothing depends on.
    for place in range(len(content) // 2, len(content) // 2 + 500):
        content[place] ^= 0xFF
    backup.write_bytes(content)


REFUSED = {
    "cut short": (cut, "is damaged"),
    "with another byte": (flip, "is damaged"),
    "without a description": (
        lambda b: description.place_of(b).unlink(),
        "a backup has a description beside it",
    ),
    "with a damaged description": (
        lambda b: description.place_of(b).write_text("{"),
        "cannot be read",
    ),
    "of a newer description": (lambda b: rewrite(b, format=99), "newer release"),
    "of a newer schema": (lambda b: rewrite(b, revision="9999"), "does not know"),
    "of a newer server": (lambda b: rewrite(b, postgres=99), "the server is older"),
    "of other rows": (lambda b: rewrite(b, rows={"orders": 7}), "other rows than the backup"),
}


@pytest.mark.parametrize(("damage", "reason"), REFUSED.values(), ids=REFUSED)
def test_such_a_backup_is_not_restored(
    backup: Path, target: Engine, damage: object, reason: str
) -> None:
    assert callable(damage)
    damage(backup)

    with pytest.raises(BackupFailed, match=reason):
        restore(address(target), backup, replace=False)


def test_a_restore_that_fails_on_its_way_leaves_the_database_as_it_was(
    backup: Path, target: Engine
) -> None:
    schema.upgrade(target)
    with target.begin() as connection:
        connection.execute(text("INSERT INTO users (name, cash) VALUES ('kept', 0)"))
    target.dispose()
    flip(backup)
    rewrite(backup, sha256=description.checksum(backup))

    # Where the byte is decides whether the program says so or crashes.
    ended = r"(ended with \d|was ended by SIG[A-Z]+): .+"
    with pytest.raises(BackupFailed, match=rf"^(pg_restore|psql) {ended}"):
        restore(address(target), backup, replace=True)

    assert count(target, "users") == 1


def test_a_backup_that_the_database_does_not_take_is_refused_with_its_reason(
    backup: Path, target: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "_BEGIN", b"BEGIN; CREATE TABLE orders (id int);\n")

    with pytest.raises(BackupFailed, match=r'psql ended with 3: .*"orders" already'):
        restore(address(target), backup, replace=False)

    assert not inspect(target).get_table_names()


def test_a_backup_that_cannot_be_verified_gets_no_name(
    market: Market, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dump = taking._dump

    def dump_in_part(programs: Programs, file: Path, snapshot: str) -> None:
        dump(programs, file, snapshot)
        cut(file)

    monkeypatch.setattr(taking, "_dump", dump_in_part)

    with pytest.raises(BackupFailed, match="pg_restore ended with"):
        take(
            address(market.application.base.engine),
            tmp_path / "book.dump",
            actor="test",
            clock=wall_clock,
        )

    assert list(tmp_path.glob("book*")) == []
    assert latest_age_seconds(market.application.base.engine) == float("inf")


def test_a_backup_is_never_overwritten_and_an_empty_database_has_none(
    backup: Path, target: Engine, tmp_path: Path
) -> None:
    with pytest.raises(BackupFailed, match="never overwritten"):
        take(address(target), backup, actor="test", clock=wall_clock)
    with pytest.raises(BackupFailed, match="no schema of Angel-X"):
        take(address(target), tmp_path / "other.dump", actor="test", clock=wall_clock)
    assert not (tmp_path / "other.dump.part").exists()


def test_a_password_is_in_no_argument() -> None:
    programs = Programs("postgresql+psycopg2://u:hunter2%40@h:5433/db?sslmode=require", 18)

    assert "hunter2" not in programs.database
    assert "sslmode=require" in programs.database
    assert programs._environment({"PGHOST": "other", "PATH": "/bin"}) == {
        "PATH": "/bin",
        "PGPASSWORD": "hunter2@",
    }
