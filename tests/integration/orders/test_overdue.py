"""Emergency orders that are decided without the message broker, once no message has done it in time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Priority
from angel_x.entrypoints import relay
from angel_x.rehearsal.chaos.passages import to_broker
from tests.builders.environs import application_on
from tests.builders.locks import is_connected, lock_of_account, silent_holder, working_holder
from tests.builders.orders import Market
from tests.integration.api.running import wait_until

#: Seconds by which orders seem older; those from the future are not overdue, however slow the machine.
OVERDUE, FROM_THE_FUTURE = 1.5, -3600.0


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


def age(application: Application, seconds: float = OVERDUE) -> None:
    """Let the orders be accepted so long ago."""
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET accepted_at = clock_timestamp() - make_interval(secs => %s)",
            (seconds,),
        )


def test_an_overdue_emergency_order_of_each_account_is_decided_with_those_behind_it(
    application: Application, market: Market
) -> None:
    for name in ("asha", "bharat"):
        user = market.account(name)
        market.accept(user, *[market.request(priority=Priority.EMERGENCY) for _ in range(2)])
        market.accept(user, market.request(priority=Priority.HIGH))
    age(application, FROM_THE_FUTURE)
    assert application.trading.overdue.look() == 0

    age(application)

    assert application.trading.overdue.look() == 4
    assert application.trading.overdue.look() == 0
    assert sorted(market.statuses().values()) == [*["filled"] * 4, *["received"] * 2]
    market.assert_invariants()


def test_an_account_that_a_worker_holds_delays_no_other(
    application: Application, market: Market
) -> None:
    held, free = market.account("held"), market.account("free")
    for user in (held, free):
        market.accept(user, market.request(priority=Priority.EMERGENCY))
    age(application)

    with working_holder(application.base.engine, lock_of_account(held)):
        assert application.trading.overdue.look() == 1

    assert application.trading.overdue.look() == 1


def test_an_account_that_a_stopped_worker_holds_is_freed_for_an_emergency_only(
    application: Application, market: Market
) -> None:
    engine, user = application.base.engine, market.account()
    market.accept(user, market.request(priority=Priority.HIGH))
    with silent_holder(engine, lock_of_account(user)) as pid:
        age(application)
        assert application.trading.overdue.look() == 0
        assert is_connected(engine, pid)
        market.accept(user, market.request(priority=Priority.EMERGENCY))
        age(application, FROM_THE_FUTURE)
        assert application.trading.overdue.look() == 0
        assert is_connected(engine, pid), "it is not overdue"
        age(application)

        decided = [application.trading.overdue.look()]
        wait_until(lambda: not is_connected(engine, pid))
        decided.append(application.trading.overdue.look())

    assert decided == [0, 1]
    assert sorted(market.statuses().values()) == ["filled", "received"]


def test_a_worker_that_works_on_an_account_is_not_ended_however_long_it_takes(
    application: Application, market: Market
) -> None:
    engine, user = application.base.engine, market.account()
    market.accept(user, market.request(priority=Priority.EMERGENCY))
    age(application)
    with (
        working_holder(engine, lock_of_account(user)) as pid,
        silent_holder(engine, "SELECT FROM contracts FOR UPDATE") as other,
    ):
        assert application.trading.overdue.look() == 0

        assert is_connected(engine, pid)
        assert is_connected(engine, other), "it holds no account"


def test_an_order_that_ends_its_process_is_tried_three_times_at_most(
    application: Application, market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    market.accept(market.account(), market.request(priority=Priority.EMERGENCY))
    tried: list[int] = []

    def give_up(order_ids: Sequence[int]) -> int:
        tried.extend(order_ids)
        return 0

    monkeypatch.setattr(application.trading.overdue, "_decide", give_up)

    for attempt in range(1, 11):
        age(application, attempt * OVERDUE)
        application.trading.overdue.look()

    assert len(tried) == 3


def test_a_relay_whose_broker_holds_everything_back_decides_emergencies_all_the_same(
    environ: dict[str, str], market: Market, folder: Path
) -> None:
    user, stop = market.account(), Event()
    proxy, url = to_broker(environ["ANGEL_X_BROKER_URL"], folder)

    def submit() -> None:
        market.accept(user, *[market.request(priority=Priority.EMERGENCY) for _ in range(3)])
        try:
            wait_until(lambda: set(market.statuses().values()) == {"filled"})
        finally:
            stop.set()
            # The relay waits for an answer, and would until the timeout of a socket.
            proxy.release()

    with (
        proxy,
        application_on({**environ, "ANGEL_X_BROKER_URL": url}, "relay") as deciding,
        ThreadPoolExecutor(1) as client,
    ):
        proxy.hold()
        submitted = client.submit(submit)
        relay.run(deciding, stop)
        submitted.result()


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a socket."""
    with tempfile.TemporaryDirectory(prefix="angel-x-test-") as name:
        yield Path(name)
