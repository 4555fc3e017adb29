"""Orders a second: whether they are limited, and what happens while the counter is away."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import pytest
import redis

from angel_x.adapters.servers.binaries import find_valkey
from angel_x.bootstrap import Application
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Priority
from angel_x.errors import OrderRateExceeded
from angel_x.services.intake.acceptance import Submission
from tests.builders.message_ids import new_id
from tests.builders.orders import Market
from tests.integration.api.running import wait_until
from tests.integration.settings.conftest import Build


@pytest.mark.parametrize(("enabled", "refusal"), [("true", OrderRateExceeded), ("false", None)])
def test_rate_limit_enabled_decides_whether_orders_a_second_are_limited(
    built: Build, enabled: str, refusal: type[Exception] | None
) -> None:
    application = built(RATE_LIMIT_ENABLED=enabled)
    market = Market.open(application)
    user = market.account()
    sheet = application.people.limits.put(user, {"max_orders_per_second": 1}, "test")
    assert sheet.own.max_orders_per_second == 1
    assert sheet.effective.max_orders_per_second == (1 if refusal else None)

    _, second = application.intake.submissions.submit(
        [Submission(user, (market.request(),)) for _ in range(2)]
    )

    assert isinstance(second, refusal or tuple)
    assert len(market.statuses()) == (1 if refusal else 2)


@pytest.mark.parametrize("limit", [1, 2])
def test_emergencies_that_open_are_bounded_by_emergency_orders_per_second(
    built: Build, limit: int
) -> None:
    application = built(RATE_LIMIT_ENABLED="false", EMERGENCY_ORDERS_PER_SECOND=limit)
    market = Market.open(application)
    users = market.account("first"), market.account("second")

    outcomes = application.intake.submissions.submit(
        [
            Submission(user, (market.request(priority=Priority.EMERGENCY),))
            for user in users
            for _ in range(3)
        ]
    )

    let_in = [isinstance(outcome, tuple) for outcome in outcomes]
    assert let_in == [n < limit for _ in users for n in range(3)]
    assert len(market.statuses()) == 2 * limit


def test_a_message_beyond_the_rate_is_refused_with_its_reason(built: Build) -> None:
    application = built(RATE_LIMIT_ENABLED="true")
    market = Market.open(application)
    user = market.account("demo")
    application.people.limits.put(user, {"max_orders_per_second": 1}, "test")
    order = {"symbol": market.symbols[0], "side": "BUY", "quantity": 65}
    sent = 0

    def refused() -> bool:
        nonlocal sent
        sent += 1
        outcome = application.intake.messaging.submit(
            new_id(), order | {"client_order_id": f"c{sent}"}
        )
        return isinstance(outcome, OrderRateExceeded)

    wait_until(refused)

    assert len(market.statuses()) == sent - 1
    kept = application.intake.refusals.get(user, f"c{sent}")
    assert kept is not None
    assert kept.title == "OrderRateExceeded"
    assert "at most 1 orders a second" in kept.detail


class Counter:
    """A cache of its own, to be killed."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "counter.sock"
        self.url = f"unix://{self._socket}"
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [
                *(find_valkey(), "--port", "0", "--save", "", "--databases", "256"),
                *("--unixsocket", str(self._socket), "--dir", str(self._socket.parent)),
            ],
            stdout=subprocess.DEVNULL,
        )
        with closing(redis.Redis.from_url(self.url)) as client:
            wait_until(lambda: _answers(client))
        return process

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.process = self._start()


def _answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture
def counter() -> Iterator[Counter]:
    # The path of a socket has to be short.
    with TemporaryDirectory(prefix="ax-rate-") as folder:
        counter = Counter(Path(folder))
        yield counter
        counter.process.send_signal(signal.SIGCONT)
        counter.kill()


@pytest.fixture
def market(built: Build, counter: Counter) -> Market:
    return Market.open(built(RATE_LIMIT_ENABLED="true", CACHE_URL=counter.url))


def fallbacks(application: Application, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list that grows whenever this process counts alone."""
    counted: list[float] = []

    def add(_: object, metric: Metric, amount: float = 1, **__: str) -> None:
        if metric is Metric.ORDER_RATE_FALLBACKS:
            counted.append(amount)

    monkeypatch.setattr(type(application.base.meter), "add", add)
    return counted


def test_orders_are_accepted_and_still_limited_while_the_counter_is_dead(
    market: Market, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, user = market.application, market.account()
    application.people.limits.put(user, {"max_orders_per_second": 2}, "test")
    alone = fallbacks(application, monkeypatch)

    def commit() -> list[bool]:
        """Hand in three orders at once and say which were stored."""
        requests = [market.request() for _ in range(3)]
        outcomes = application.intake.submissions.submit(
            [Submission(user, (request,)) for request in requests]
        )
        return [isinstance(outcome, tuple) for outcome in outcomes]

    assert commit() == [True, True, False]
    assert alone == []

    counter.kill()
    assert commit() == [True, True, False]
    assert sum(alone) == 3

    counter.restart()

    def is_shared_again() -> bool:
        before = len(alone)
        commit()
        return len(alone) == before

    wait_until(is_shared_again)


def test_a_counter_that_hangs_holds_a_commit_up_only_briefly(
    market: Market, counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, user = market.application, market.account()
    application.people.limits.put(user, {"max_orders_per_second": 1}, "test")
    submissions = [Submission(user, (market.request(),)) for _ in range(2)]
    assert application.intake.admission.admit(submissions)[0] is None
    alone = fallbacks(application, monkeypatch)

    counter.process.send_signal(signal.SIGSTOP)
    started = monotonic()
    first, second = application.intake.admission.admit(submissions)
    elapsed = monotonic() - started

    assert first is None
    assert isinstance(second, OrderRateExceeded)
    assert sum(alone) == 2
    # Less than the patience of any other connection to the cache.
    assert elapsed < 5
