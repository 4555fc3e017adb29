"""The state of the fake exchange for rehearsals."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import msgspec
import pytest

from angel_x.errors import BrokerThrottled
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.rehearsal.fake_exchange.inspection import FAULTS, STATE, ExchangeState
from tests.builders.broker import Broker, broker, order


@pytest.fixture
def at_broker() -> Iterator[Broker]:
    with broker() as found:
        yield found


def state(at_broker: Broker) -> ExchangeState:
    answer = httpx.get(f"{at_broker.server.url}{STATE}", timeout=60, trust_env=False)
    return msgspec.json.decode(answer.content, type=ExchangeState)


def test_orders_executions_and_requests_are_shown(at_broker: Broker) -> None:
    at_broker.exchange.throttle.limits = lambda _rate: ((600.0, 2),)
    placed = at_broker.client.place(order(ordertag="angel-x-1"))
    at_broker.client.place(order(ordertag="angel-x-1", price="95.00"))
    with pytest.raises(BrokerThrottled):
        at_broker.client.place(order(ordertag="angel-x-2"))

    found = state(at_broker)

    ((execution, tag),) = found.executions.items()
    assert (execution.startswith(f"{placed.order_id}-"), tag) == (True, "angel-x-1")
    assert found.orders == {"angel-x-1": 2}
    assert (found.let_in["orders"], found.over) == (2, {"orders": 1})
    assert found.faults == {}


def test_the_rates_of_faults_are_changed_and_nonsense_is_refused(at_broker: Broker) -> None:
    url, faults = f"{at_broker.server.url}{FAULTS}", at_broker.exchange.faults

    def put(content: object) -> int:
        return httpx.put(url, json=content, timeout=60, trust_env=False).status_code

    assert put({"drop": 0.5}) == 204
    assert faults.rates == {Fault.DROP: 0.5}
    assert put({"explode": 0.5}) == put([]) == 400
    assert faults.rates == {Fault.DROP: 0.5}
    assert put({}) == 204
    assert faults.rates == {}
