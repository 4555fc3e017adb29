"""A worker whose clock is two hours off: it loses nothing, doubles nothing and refuses nobody."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from angel_x.domain.orders.step import Step
from tests.e2e.processes import ROOT, Processes, eventually, processes
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e

TWO_HOURS = 7200


@pytest.fixture
def skewed(world: World, tmp_path: Path) -> Iterator[Processes]:
    """Starts processes that import a wrong clock before everything else; give SKEW_SECONDS."""
    found = [str(Path(__file__).parent / "skewed"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**world.system.environment, "PYTHONPATH": os.pathsep.join(found)}
    with processes(environment, tmp_path) as started:
        yield started


@pytest.mark.parametrize("skew", [TWO_HOURS, -TWO_HOURS])
def test_a_worker_with_a_wrong_clock_decides_as_any_other(
    world: World, skewed: Processes, skew: int
) -> None:
    user = world.market.account(f"skew{skew}")
    quote(world)
    name = start(skewed, skew)

    accepted = world.market.accept(user, *[world.market.request() for _ in range(5)])

    world.until(user, "filled")
    world.assert_filled_once(user, [order.order_id for order in accepted])
    assert "clock.wrong" in skewed.log(name)
    assert f"ahead_seconds={float(skew)}" in skewed.log(name)


def test_a_worker_two_hours_ahead_takes_the_message_of_a_busy_one_and_trades_nothing_twice(
    world: World, skewed: Processes, tmp_path: Path
) -> None:
    user = world.market.account("busy")
    quote(world)
    fault = world.fault(Step.BATCH_COMMITTED, tmp_path, action="stop")
    busy = world.system.worker("busy", ORDER_QUEUES, fault.environment)
    accepted = world.market.accept(user, *[world.market.request() for _ in range(5)])
    victim = psutil.Process(fault.await_victim())
    eventually(lambda: victim.status() == psutil.STATUS_STOPPED, "it is busy for long")
    assert world.application.base.broker.hlen("unacked") == 1

    # By its clock the message was handed out longer ago than any task may take.
    start(skewed, TWO_HOURS)
    eventually(lambda: not world.application.base.broker.hlen("unacked"), "it was handed out again")

    assert victim.status() == psutil.STATUS_STOPPED
    os.kill(victim.pid, signal.SIGCONT)
    world.assert_filled_once(user, [order.order_id for order in accepted])
    assert [world.events(o.order_id) for o in accepted] == [["received", "filled"]] * 5
    world.system.kill(busy)


def quote(world: World) -> None:
    for symbol in world.market.symbols:
        world.market.quote(symbol, "100.00", "100.50")


def start(skewed: Processes, skew: int) -> str:
    """Start a worker whose clock is so many seconds ahead; return its name."""
    name = f"worker{skew}"
    options = f"-n {name}@test -Q {ORDER_QUEUES} -c 1 --without-mingle --without-gossip"
    command = f"-m celery --quiet -A tasks.app worker {options}"
    skewed.start(name, *command.split(), SKEW_SECONDS=str(skew))
    skewed.until_logged(name, "ready.")
    return name
