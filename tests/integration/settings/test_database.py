"""How long the database waits for a process that has stopped, and how much it gives way."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.niceness import give_way
from tests.builders.orders import Market
from tests.builders.pooler import pooled
from tests.integration.api.running import wait_until
from tests.integration.settings.conftest import Build

_SESSION = "SELECT count(*) FROM pg_stat_activity WHERE pid = %(pid)s"


def test_a_transaction_outlives_its_process_for_order_lease_seconds(built: Build) -> None:
    stopped, witness = built(ORDER_LEASE_SECONDS=0.2), built(ORDER_LEASE_SECONDS=3600)
    # A transaction of the one that is stopped may end at any time, also before it is stopped.
    market = Market.open(witness)
    market.accept(market.account(), market.request())

    connection = stopped.base.engine.connect()
    connection.exec_driver_sql("UPDATE orders SET tag = 'never'")
    pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    wait_until(lambda: _ask(witness.base.engine, _SESSION, pid=pid) == 0)

    with pytest.raises(OperationalError):
        connection.commit()
    connection.invalidate()
    connection.close()
    assert _ask(witness.base.engine, "SELECT tag FROM orders") is None
    assert _ask(witness.base.engine, "SHOW idle_in_transaction_session_timeout") == "1h"


def _ask(engine: Engine, question: str, **parameters: object) -> object:
    with engine.connect() as connection:
        return connection.exec_driver_sql(question, parameters).scalar_one()


def test_a_session_on_this_machine_gives_way_when_it_is_told_to(migrated_url: str) -> None:
    engine = make_engine(migrated_url, pool_size=1, max_pool_size=1)
    give_way(engine, 7)

    with engine.connect() as connection:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        assert psutil.Process(pid).nice() == 7
    engine.dispose()


@pytest.fixture
def pooled_url(environ: dict[str, str]) -> Iterator[str]:
    with pooled(environ["ANGEL_X_DATABASE_URL"]) as url:
        yield url


def test_behind_a_pooler_of_transactions_no_session_is_relied_on(
    built: Build, pooled_url: str
) -> None:
    application = built(DATABASE_URL=pooled_url, DATABASE_POOLING="transaction")
    market = Market.open(application)
    user = market.account()

    for _ in range(6):
        accepted = market.accept(user, *[market.request() for _ in range(3)])
        application.trading.execution.run([order.order_id for order in accepted])
        (resting,) = market.accept(user, market.request(limit="90.00"))
        application.trading.execution.run([resting.order_id])
        application.trading.cancellation.cancel(user, resting.order_id)
        application.trading.relay.sweep()

    assert sorted(set(market.statuses().values())) == ["canceled", "filled"]
    market.assert_invariants()
    limits = ("lock_timeout", "idle_in_transaction_session_timeout")
    assert [_ask(application.base.engine, f"SHOW {limit}") for limit in limits] == ["10s", "15s"]


def test_a_pooler_of_transactions_refuses_sessions(built: Build, pooled_url: str) -> None:
    application = built(DATABASE_URL=pooled_url)

    with pytest.raises(OperationalError, match="unsupported startup parameter"):
        _ask(application.base.engine, "SELECT 1")
