"""Canaries leave once an interval, whoever sends them, and say which queue nobody takes from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier

import pytest
from sqlalchemy import Engine

from angel_x.adapters.clock import wall_clock
from angel_x.adapters.postgres.canaries import PostgresCanaries
from angel_x.domain.operations.metric import Metric
from angel_x.errors import InvalidInput
from angel_x.services.operations.canaries import Canaries
from tests.builders.recorders import RecordingMeter

QUEUES = {"orders.high": 0, "orders.low": 0}
INTERVAL = 10.0


class Aviary:
    """Takes canaries and remembers them."""

    def __init__(self) -> None:
        self.released: list[tuple[str, float]] = []
        self.now = 0.0

    def release(self, queue: str, sent_at: datetime, *, expires_seconds: float) -> bool:
        assert sent_at.tzinfo is not None
        self.released.append((queue, expires_seconds))
        return True


@pytest.fixture
def aviary() -> Aviary:
    return Aviary()


def canaries(
    engine: Engine,
    aviary: Aviary,
    depths: Mapping[str, int] | None = None,
    meter: RecordingMeter | None = None,
) -> Canaries:
    return Canaries(
        board=PostgresCanaries(engine, QUEUES),
        release=aviary.release,
        depths=lambda: depths or QUEUES,
        meter=meter or RecordingMeter(),
        monotonic=lambda: aviary.now,
        interval_seconds=INTERVAL,
    )


def pass_seconds(engine: Engine, seconds: float) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE canaries SET sent_at = sent_at - make_interval(secs => %(by)s), "
            "seen_at = seen_at - make_interval(secs => %(by)s)",
            {"by": seconds},
        )


def test_every_queue_gets_a_canary_that_soon_expires(engine: Engine, aviary: Aviary) -> None:
    assert canaries(engine, aviary).send() == 2

    assert sorted(aviary.released) == [(queue, 2 * INTERVAL) for queue in sorted(QUEUES)]


def test_the_next_canary_leaves_after_the_interval(engine: Engine, aviary: Aviary) -> None:
    relay = canaries(engine, aviary)
    relay.send()

    aviary.now = INTERVAL
    assert relay.send() == 0, "the database's clock decides"
    pass_seconds(engine, INTERVAL)
    aviary.now = INTERVAL + 0.1
    assert relay.send() == 0, "it looked a moment ago"
    aviary.now = 2 * INTERVAL

    assert relay.send() == 2


def test_of_two_relays_one_sends(engine: Engine, aviary: Aviary) -> None:
    together = Barrier(2)

    def send(_: int) -> int:
        relay = canaries(engine, aviary)
        together.wait()
        return relay.send()

    for _ in range(5):
        aviary.released.clear()
        with ThreadPoolExecutor(2) as pool:
            assert sum(pool.map(send, range(2))) == 2
        assert sorted(queue for queue, _ in aviary.released) == sorted(QUEUES)
        pass_seconds(engine, INTERVAL)


def test_a_queue_that_is_full_gets_no_more_canaries(engine: Engine, aviary: Aviary) -> None:
    canaries(engine, aviary, {"orders.high": 0, "orders.low": 5000}).send()

    assert [queue for queue, _ in aviary.released] == ["orders.high"]


def test_a_queue_is_silent_until_a_worker_takes_its_canary(engine: Engine, aviary: Aviary) -> None:
    meter = RecordingMeter()
    flock = canaries(engine, aviary, meter=meter)
    flock.send()
    assert flock.ages() == {"orders.high": math.inf, "orders.low": math.inf}

    flock.hear("orders.high", wall_clock())

    assert flock.ages()["orders.high"] < 5
    assert flock.ages()["orders.low"] == math.inf
    ((metric, waited),) = meter.observed
    assert metric is Metric.QUEUE_WAIT_SECONDS
    assert 0 <= waited < 5


def test_the_age_grows_while_nobody_takes_one(engine: Engine, aviary: Aviary) -> None:
    flock = canaries(engine, aviary)
    flock.send()
    flock.hear("orders.high", wall_clock())
    pass_seconds(engine, 90)

    flock.send()

    assert 90 <= flock.ages()["orders.high"] < 100


def test_a_queue_that_is_consumed_no_more_is_not_reported(engine: Engine, aviary: Aviary) -> None:
    canaries(engine, aviary, {**QUEUES, "alerts": 0}).send()

    assert canaries(engine, aviary).ages().keys() == QUEUES.keys()


def test_a_canary_of_no_queue_is_refused(engine: Engine, aviary: Aviary) -> None:
    flock = canaries(engine, aviary)

    with pytest.raises(InvalidInput):
        flock.hear("orders.hihg", wall_clock())

    assert flock.ages() == {}
