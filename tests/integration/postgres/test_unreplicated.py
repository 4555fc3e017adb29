"""Commits of a primary whose synchronous standby is away: they wait, and nothing is promised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime

import psycopg2
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.order_intake import OrderIntake
from angel_x.adapters.servers import RunningServers
from angel_x.adapters.servers.urls import libpq_url
from angel_x.domain.orders.intake import IntakeRow
from angel_x.services.intake.acceptance import fingerprint
from tests.builders.accounts import list_contracts, open_accounts
from tests.builders.reception import UNIVERSE, order
from tests.integration.api.running import wait_until

UNTIL = datetime(2026, 8, 19, 10, 10, tzinfo=UTC)
_WAITING = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = current_database()"


@pytest.fixture
def require(servers: RunningServers) -> Iterator[Callable[[str], None]]:
    """Name the standby that commits wait for; an empty name is none."""

    def required(standby: str) -> None:
        with closing(psycopg2.connect(libpq_url(servers.urls.database_url))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute("ALTER SYSTEM SET synchronous_standby_names = %s", (standby,))
                cursor.execute("SELECT pg_reload_conf()")

    yield required
    required("")


@pytest.fixture
def durable_url(migrated_url: str, engine: Engine) -> str:
    """A database whose new sessions wait for a standby."""
    name = migrated_url.partition("?")[0].rpartition("/")[2]
    with engine.begin() as connection:
        connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET synchronous_commit = on')
    return migrated_url


@pytest.fixture
def primary(durable_url: str) -> Iterator[Engine]:
    """A pool that waits for commits, though not for long."""
    made = make_engine(durable_url, pool_size=1, max_pool_size=1, commit_seconds=0.2)
    yield made
    made.dispose()


def write(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("SELECT pg_logical_emit_message(true, 'test', 'x')")


def waits(engine: Engine) -> bool:
    """Return whether commits wait by now: the server reads its settings in its own time."""
    try:
        write(engine)
    except OperationalError:
        return True
    return False


def test_a_commit_that_is_not_answered_in_time_is_an_outage_until_there_is_an_answer(
    primary: Engine, require: Callable[[str], None]
) -> None:
    require("away")
    wait_until(lambda: waits(primary))
    with pytest.raises(OperationalError) as failure:
        write(primary)

    assert failure.value.connection_invalidated
    require("")
    wait_until(lambda: not waits(primary))


def test_a_commit_that_is_acknowledged_without_its_standby_is_an_outage(
    durable_url: str, primary: Engine, engine: Engine, require: Callable[[str], None]
) -> None:
    patient = make_engine(durable_url, pool_size=1, max_pool_size=1, commit_seconds=300)
    require("away")
    wait_until(lambda: waits(primary))

    def is_written() -> bool:
        """Cancel the waits of all commits; those of before may be among them."""
        with engine.connect() as connection:
            connection.exec_driver_sql(f"SELECT pg_cancel_backend(pid) {_WAITING}")
        return written.done()

    with ThreadPoolExecutor(1) as thread:
        written = thread.submit(write, patient)
        wait_until(is_written)

    with pytest.raises(OperationalError, match="might not have been replicated") as failure:
        written.result()
    assert failure.value.connection_invalidated
    patient.dispose()


def test_an_order_that_is_sent_again_is_not_promised_before_the_standby_has_it(
    primary: Engine, require: Callable[[str], None]
) -> None:
    list_contracts(primary, UNIVERSE)
    (user,) = open_accounts(primary, 1)
    request = order()
    row = IntakeRow(user, request, fingerprint(request), UNTIL, ())
    intake = OrderIntake(primary, ring_after_seconds=1000)
    assert intake.store([row], "api")[row.key].is_new

    require("away")
    wait_until(lambda: waits(primary))
    with pytest.raises(OperationalError):
        intake.store([row], "api")

    require("")
    wait_until(lambda: not waits(primary))
    assert not intake.store([row], "api")[row.key].is_new
