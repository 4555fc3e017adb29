"""A worker whose clock is two hours off: it loses nothing, doubles nothing and refuses nobody."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.processes import ROOT, Processes, processes
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
    for symbol in world.market.symbols:
        world.market.quote(symbol, "100.00", "100.50")
    name = f"worker{skew}"
    options = f"-m celery -A tasks.app worker -n {name}@test -Q {ORDER_QUEUES} -c 1"
    skewed.start(name, *options.split(), SKEW_SECONDS=str(skew))
    skewed.until_logged(name, "ready.")

    accepted = world.market.accept(user, *[world.market.request() for _ in range(5)])

    world.until(user, "filled", "denied", "expired")
    print(skewed.log(name)[-3000:])
    world.assert_filled_once(user, [order.order_id for order in accepted])
