"""When the relay looks, when it rings again, and when it gives up."""

from __future__ import annotations

from threading import Event

import pytest

from angel_x.entrypoints import relay
from config.queues import QueueName
from tests.builders.orders import Market
from tests.integration.api.running import wait_until
from tests.integration.settings.conftest import Build


class FirstPause(Event):
    """Is set while it is waited for, and remembers for how long somebody wanted to wait."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float | None] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        self.set()
        return True


@pytest.mark.parametrize("milliseconds", [20, 1_500])
def test_the_relay_pauses_for_relay_interval_ms(built: Build, milliseconds: int) -> None:
    stop = FirstPause()

    relay.run(built(RELAY_INTERVAL_MS=milliseconds), stop)

    assert stop.seconds == [milliseconds / 1000]


def test_an_order_is_due_after_ring_after_ms(built: Build) -> None:
    application = built(RING_AFTER_MS=10)
    market = Market.open(application)
    market.accept(market.account(), market.request())

    wait_until(lambda: application.trading.relay.sweep() == 1)


def test_an_order_is_not_due_before_ring_after_ms(built: Build) -> None:
    application = built(RING_AFTER_MS=600_000)
    market = Market.open(application)
    market.accept(market.account(), market.request())

    assert application.trading.relay.sweep() == 0
    with application.base.engine.connect() as connection:
        due_in = connection.exec_driver_sql("SELECT ring_at - clock_timestamp() FROM orders")
        assert 540 < due_in.scalar_one().total_seconds() <= 600


@pytest.mark.parametrize("rings", [1, 3])
def test_an_order_is_parked_after_max_rings(built: Build, rings: int) -> None:
    application = built(MAX_RINGS=rings)
    market = Market.open(application)
    (order,) = market.accept(market.account(), market.request())
    application.base.broker.delete(QueueName.NORMAL)
    taken = 0

    # Somebody takes every message and decides nothing.
    for _ in range(rings + 1):
        assert market.statuses() == {order.order_id: "received"}
        with application.base.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE orders SET ring_at = now() - interval '1 second'")
        application.trading.relay.sweep()
        taken += int(str(application.base.broker.delete(QueueName.NORMAL)))

    assert market.statuses() == {order.order_id: "denied"}
    assert taken == rings


@pytest.mark.parametrize(("seconds", "sent"), [(0.1, 2), (3600, 1)])
def test_a_canary_leaves_every_canary_interval_seconds(
    built: Build, seconds: float, sent: int
) -> None:
    application = built(CANARY_INTERVAL_SECONDS=seconds)
    application.base.broker.delete(QueueName.MONITOR)
    first = application.operations.canaries.send()
    with application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE canaries SET sent_at = sent_at - interval '1 minute'")
    wait_until(lambda: application.operations.canaries.send() > 0 or seconds > 1)

    # Without a key there is no worker of alerts.
    assert first == len(QueueName) - 1
    wait_until(lambda: application.base.broker.llen(QueueName.MONITOR) == sent)
