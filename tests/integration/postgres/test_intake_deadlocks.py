"""Two requests that share client order ids in opposite order: the one that is undone tries again."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from time import monotonic

import pytest
from psycopg2.errors import AdminShutdown, DeadlockDetected, LockNotAvailable, QueryCanceled
from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.domain.orders.intake import IntakeRow, KnownOrder, OrderKey
from angel_x.services.intake.acceptance import fingerprint
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.reception import UNIVERSE, order

UNTIL = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)
DEADLINE_SECONDS = 120
Found = dict[OrderKey, KnownOrder]


@pytest.fixture
def user(engine: Engine) -> int:
    list_contracts(engine, UNIVERSE)
    return open_accounts(engine, 1)[0]


@pytest.fixture
def patient(migrated_url: str) -> Iterator[Engine]:
    """Connections that wait for a lock as long as it takes, and look for a deadlock at once."""
    made = make_engine(
        migrated_url,
        pool_size=1,
        max_pool_size=1,
        query_timeout_seconds=DEADLINE_SECONDS,
        lock_seconds=DEADLINE_SECONDS,
    )
    event.listen(made, "connect", _look_for_deadlocks_at_once)
    yield made
    made.dispose()


def _look_for_deadlocks_at_once(connection: object, _record: object) -> None:
    with connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("SET deadlock_timeout = '10ms'")


def rows(user: int, names: Sequence[str]) -> list[IntakeRow]:
    requests = [order(name) for name in names]
    return [IntakeRow(user, request, fingerprint(request), UNTIL) for request in requests]


@contextmanager
def holding(engine: Engine, user: int, name: str) -> Iterator[Connection]:
    """Store an order without a commit, on a connection that never looks for deadlocks itself."""
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SET LOCAL deadlock_timeout = '1h'; SET LOCAL lock_timeout = 0; "
            f"SET LOCAL statement_timeout = '{DEADLINE_SECONDS}s'; "
            "SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        insert(connection, user, name)
        yield connection
        connection.rollback()


def insert(connection: Connection, user: int, name: str) -> None:
    request = order(name)
    connection.exec_driver_sql(
        "INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, "
        "order_type, limit_price, validity, product, priority, valid_until, ring_at) "
        "VALUES (%s, %s, %s, %s, 'BUY', 65, 'LIMIT', 100.05, 'DAY', 'NRML', 'normal', %s, now())",
        (user, name, fingerprint(request), request.symbol, UNTIL),
    )


def until_waiting(engine: Engine, sessions: int) -> None:
    """Wait until so many sessions of this database wait for a lock."""
    deadline, pause = monotonic() + DEADLINE_SECONDS, threading.Event()
    with engine.connect() as connection:
        while True:
            waiting = connection.exec_driver_sql(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE datname = current_database() AND wait_event_type = 'Lock'"
            ).scalar_one()
            connection.rollback()
            if waiting == sessions:
                return
            assert monotonic() < deadline, f"{waiting} sessions wait, not {sessions}"
            pause.wait(0.01)


def test_a_request_that_the_server_undid_for_a_deadlock_is_stored_all_the_same(
    engine: Engine, patient: Engine, user: int
) -> None:
    attempts: list[str] = []
    event.listen(patient, "before_cursor_execute", lambda *args: attempts.append(args[2][:12]))
    intake = OrderIntake(patient, ring_after_seconds=5)

    with (
        ThreadPoolExecutor(2) as pool,
        holding(engine, user, "last") as other,
        holding(engine, user, "middle") as doorkeeper,
    ):
        # Its first row is stored, its second waits.
        storing: Future[Found] = pool.submit(
            intake.store, rows(user, ["first", "middle", "last"]), "api"
        )
        until_waiting(engine, 1)
        # Now somebody who has its last row waits for its first, and it goes on to the last.
        crossing = pool.submit(insert, other, user, "first")
        until_waiting(engine, 2)
        doorkeeper.rollback()
        crossing.result(DEADLINE_SECONDS)
        other.rollback()
        stored = storing.result(DEADLINE_SECONDS)

    # Once more where the other request had not taken its row when the second attempt came for it.
    assert 2 <= attempts.count("EXECUTE acce") <= 4
    assert [stored[user, name].is_new for name in ("first", "middle", "last")] == [True] * 3
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT client_order_id FROM orders JOIN order_events e ON e.order_id = orders.id"
        ).scalars()
        assert sorted(found) == ["first", "last", "middle"]


class Undone(OrderIntake):
    """An intake whose first attempts end with errors."""

    def __init__(self, engine: Engine, *errors: Exception) -> None:
        super().__init__(engine, ring_after_seconds=5)
        self.errors = list(errors)
        self.attempts = 0

    def _store(self, rows: object, actor: str, basket_id: int | None) -> Found:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return {}


def deadlock() -> OperationalError:
    return OperationalError("INSERT", {}, DeadlockDetected())


@pytest.mark.parametrize("deadlocks", [0, 1, 2, 3])
def test_a_request_outlasts_three_deadlocks(patient: Engine, deadlocks: int) -> None:
    intake = Undone(patient, *[deadlock() for _ in range(deadlocks)])

    assert intake.store([], "api") == {}
    assert intake.attempts == deadlocks + 1


def test_a_request_does_not_try_for_ever(patient: Engine) -> None:
    intake = Undone(patient, *[deadlock() for _ in range(10)])

    with pytest.raises(OperationalError):
        intake.store([], "api")

    assert intake.attempts == 4


@pytest.mark.parametrize("cause", [AdminShutdown, QueryCanceled, LockNotAvailable, OSError])
def test_no_other_error_is_tried_again(patient: Engine, cause: type[Exception]) -> None:
    intake = Undone(patient, OperationalError("INSERT", {}, cause()))

    with pytest.raises(OperationalError):
        intake.store([], "api")

    assert intake.attempts == 1
