"""An API that dies at each step of accepting and canceling: whoever asks again gets the same order."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from angel_x.domain.orders.step import Step
from tests.e2e.processes import eventually
from tests.faults.web import Api
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e

#: Whether the orders of the request outlive a death at the step.
ACCEPTANCE = {
    Step.ACCEPTANCE_BEGUN: False,
    Step.ACCEPTANCE_STORED: False,
    Step.ACCEPTANCE_COMMITTED: True,
    Step.ACCEPTANCE_RUNG: True,
}
#: Whether the order is canceled by a request that dies at the step.
CANCELLATION = {
    Step.CANCELLATION_FOUND: False,
    Step.CANCELLATION_RECORDED: False,
    Step.CANCELLATION_COMMITTED: True,
}
#: Whether the order stands at its new price after a request that dies at the step.
AMENDMENT = {
    Step.AMENDMENT_FOUND: False,
    Step.AMENDMENT_RECORDED: False,
    Step.AMENDMENT_COMMITTED: True,
}
STEPS = {*ACCEPTANCE, *CANCELLATION, *AMENDMENT}


@pytest.fixture(scope="module", autouse=True)
def _processes(world: World) -> None:
    world.system.relay("relay")
    world.system.worker("orders", ORDER_QUEUES)


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    api = Api.on_free_port(world)
    yield api
    api.http.clear()


@pytest.mark.parametrize("step", ACCEPTANCE)
def test_an_api_that_dies_while_it_accepts_has_promised_nothing_that_is_not_stored(
    world: World, api: Api, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    key = api.key(user)
    fault = world.fault(step, tmp_path)
    process = api.start(step.value, fault.environment)

    assert api.submit(key, "first") is None

    process.join(120)
    assert (process.pid, process.exitcode) == (fault.await_victim(), -signal.SIGKILL)
    assert set(world.ids(user)) == ({"first"} if ACCEPTANCE[step] else set())

    successor = api.start(f"{step}-successor")
    assert api.submit(key, "first") == (200 if ACCEPTANCE[step] else 202)
    world.until(user, "filled")
    world.assert_filled_once(user, world.ids(user).values())
    assert set(world.ids(user)) == {"first"}
    world.system.kill(successor)


def test_no_answer_of_a_dying_api_promises_what_is_not_stored(
    world: World, api: Api, tmp_path: Path
) -> None:
    user = world.market.account("crowd")
    key = api.key(user)
    fault = world.fault(Step.ACCEPTANCE_STORED, tmp_path, passing=6)
    api.start("crowd", fault.environment)
    ids = [f"c{n}" for n in range(300)]

    answers = api.submit_at_once(key, ids, connections=8)

    fault.await_victim()
    accepted = {name for name, status in zip(ids, answers, strict=True) if status == 202}
    stored = set(world.ids(user))
    assert set(answers) == {202, None}
    assert accepted <= stored < set(ids)

    successor = api.start("crowd-successor")
    again = api.submit_at_once(key, ids, connections=8)
    assert set(again) == {200, 202}
    assert {n for n, status in zip(ids, again, strict=True) if status == 200} == stored
    world.until(user, "filled")
    assert set(world.ids(user)) == set(ids)
    world.assert_filled_once(user, world.ids(user).values())
    world.system.kill(successor)


@pytest.mark.parametrize("step", CANCELLATION)
def test_an_api_that_dies_while_it_cancels_has_canceled_or_not(
    world: World, api: Api, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    key = api.key(user)
    request = world.market.request(limit="99.00")
    (order,) = world.market.accept(user, request)
    world.until(user, "working")
    fault = world.fault(step, tmp_path)
    process = api.start(step.value, fault.environment)
    path = f"/v1/orders/{order.order_id}"

    assert api.call("DELETE", path, key) is None

    process.join(120)
    assert (process.pid, process.exitcode) == (fault.await_victim(), -signal.SIGKILL)
    survives = "canceled" if CANCELLATION[step] else "working"
    assert world.statuses(user) == {order.order_id: survives}

    successor = api.start(f"{step}-successor")
    assert api.call("DELETE", path, key) == (409 if CANCELLATION[step] else 200)
    assert world.statuses(user) == {order.order_id: "canceled"}
    assert world.events(order.order_id) == ["received", "working", "canceled"]
    world.market.assert_invariants()
    world.system.kill(successor)


@pytest.mark.parametrize("step", AMENDMENT)
def test_an_api_that_dies_while_it_amends_has_amended_or_not(
    world: World, api: Api, tmp_path: Path, step: Step
) -> None:
    user = world.market.account(step.value)
    key = api.key(user)
    (order,) = world.market.accept(user, world.market.request(limit="99.00"))
    world.until(user, "working")
    fault = world.fault(step, tmp_path)
    process = api.start(step.value, fault.environment)
    path, change = f"/v1/orders/{order.order_id}", {"price": "99.50", "quantity": 130}

    assert api.call("PATCH", path, key, change) is None

    process.join(120)
    assert (process.pid, process.exitcode) == (fault.await_victim(), -signal.SIGKILL)
    amended = ["working"] if AMENDMENT[step] else []
    assert world.events(order.order_id) == ["received", "working", *amended]

    successor = api.start(f"{step}-successor")
    assert api.call("PATCH", path, key, change) == 200
    assert world.statuses(user) == {order.order_id: "working"}
    assert world.events(order.order_id) == ["received", "working", "working"]
    assert world.fills(user) == {order.order_id: 0}
    world.market.assert_invariants()
    world.system.kill(successor)


def test_fifty_connections_with_one_id_get_one_order(world: World, api: Api) -> None:
    user = world.market.account("fifty")
    key = api.key(user)
    process = api.start("fifty")

    answers = api.submit_at_once(key, ["same"] * 200, connections=50)

    assert sorted({status for status in answers if status is not None}) == [200, 202]
    world.until(user, "filled")
    assert set(world.ids(user)) == {"same"}
    world.assert_filled_once(user, world.ids(user).values())
    eventually(lambda: api.call("GET", "/readyz") == 200, "the API is well")
    world.system.kill(process)
