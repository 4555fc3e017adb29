"""A worker whose connection breaks while it gives a message back or acknowledges it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import redis

from angel_x.adapters.postgres.book_unit import CONTROLS_LOCK
from angel_x.bootstrap import Application
from angel_x.domain.orders.order import Priority
from angel_x.rehearsal.chaos.cut import Point
from angel_x.rehearsal.chaos.environment import Passage
from angel_x.rehearsal.chaos.passages import open_passages
from angel_x.rehearsal.chaos.proxy import Proxy
from tests.builders.environs import application_on
from tests.e2e.processes import Processes, eventually, processes
from tests.plugins.servers import RedisUrls

pytestmark = pytest.mark.e2e

DROPPED = "doorbell.dropped"
#: kombu's command that ends a message's life on the broker.
ACKNOWLEDGEMENT = b"ZREM"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def sender(environ: dict[str, str]) -> Iterator[Application]:
    """Whoever rings: it waits until the message is on its queue."""
    with application_on(environ, "relay") as application:
        yield application


@pytest.fixture
def proxy(environ: dict[str, str], sender: Application, opened: ExitStack) -> Proxy:
    """What stands between the worker and its broker; whoever rings does without."""
    # The path of a socket may not be long, and pytest's own folders are.
    folder = Path(opened.enter_context(TemporaryDirectory(prefix="angel-x-test-")))
    passages = open_passages(
        environ["ANGEL_X_DATABASE_URL"], environ["ANGEL_X_BROKER_URL"], folder, opened
    )
    environ |= passages.environment(Passage.WORKERS_TO_BROKER)
    return passages.proxies[Passage.WORKERS_TO_BROKER]


@pytest.fixture
def worker(environ: dict[str, str], proxy: Proxy, tmp_path: Path, opened: ExitStack) -> Processes:
    """A worker that may hold one message at a time."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANGEL_X_")}
    started = opened.enter_context(processes({**inherited, **environ}, tmp_path))
    started.worker("orders", "orders.normal")
    return started


@pytest.fixture
def broker(redis_urls: RedisUrls) -> Iterator[redis.Redis]:
    with closing(redis.Redis.from_url(redis_urls.broker_redis_url)) as client:
        yield client


def ring(sender: Application, worker: Processes, order_id: int) -> None:
    """Ring for an order that nobody knows, and wait until a worker has said so."""
    before = worker.log("orders").count(DROPPED)
    assert sender.base.dispatcher.ring(Priority.NORMAL, [order_id])
    eventually(
        lambda: worker.log("orders").count(DROPPED) > before, f"the worker looks at {order_id}"
    )


def _looks_at(sender: Application, worker: Processes, order_id: int) -> bool:
    """Ring, and return whether a worker has said that it knows no such order."""
    assert sender.base.dispatcher.ring(Priority.NORMAL, [order_id])
    return f"example={order_id}" in worker.log("orders")


def await_unacknowledged(broker: redis.Redis, count: int) -> None:
    """Wait until so many messages were delivered and not acknowledged."""
    eventually(lambda: broker.hlen("unacked") == count, f"{count} messages are unacknowledged")


def test_a_worker_whose_acknowledgement_was_lost_still_takes_messages(
    sender: Application, proxy: Proxy, worker: Processes, broker: redis.Redis
) -> None:
    ring(sender, worker, 1)
    for lost, order_id in enumerate((2, 3)):
        # The acknowledgement of the message before would be cut instead.
        await_unacknowledged(broker, lost)
        cut = proxy.arm(ACKNOWLEDGEMENT, Point.REQUEST)
        ring(sender, worker, order_id)
        assert cut.wait(120)

    ring(sender, worker, 4)

    assert worker.started[0].poll() is None
    # The message broker keeps both, and delivers them again after the visibility timeout.
    await_unacknowledged(broker, 2)


def test_a_worker_survives_that_its_broker_goes_away_while_it_holds_a_message(
    sender: Application, proxy: Proxy, worker: Processes, broker: redis.Redis
) -> None:
    ring(sender, worker, 1)
    await_unacknowledged(broker, 0)
    with sender.base.engine.connect() as controls:
        # Claims wait for whoever changes a control, so the worker is in the middle of a task.
        controls.exec_driver_sql(f"SELECT pg_advisory_xact_lock({CONTROLS_LOCK})")
        assert sender.base.dispatcher.ring(Priority.NORMAL, [2])
        eventually(lambda: broker.hlen("unacked") == 1, "the worker holds the message")
        proxy.refuse(refuses=True)
        proxy.cut_all()
        worker.until_logged("orders", "Connection to broker lost")
        eventually(lambda: proxy.count.refused > 0, "the worker tries to connect")
    proxy.refuse(refuses=False)

    # The task of order 2 may end only now, and takes the doorbells off the lane, none of which has an
    # order in the database.
    eventually(lambda: _looks_at(sender, worker, 3), "the worker looks at 3")

    assert worker.started[0].poll() is None
    assert "Unrecoverable error" not in worker.log("orders")
