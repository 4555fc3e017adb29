"""Two releases at once across a migration, under load: nothing is lost and nothing doubled."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest

from angel_x.adapters.postgres import schema
from angel_x.adapters.postgres.schema import MigrationPace
from tests.builders.migrations import CONTRACT, EXPAND, write_versions
from tests.e2e.processes import eventually
from tests.faults.web import Api
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e

PACE = MigrationPace(pause=0.1, patience=300)
#: Orders that are accepted in each step, at least.
LOAD = 30


class Clients:
    """Submits orders one after the other from two connections, each again until it is answered."""

    def __init__(self, api: Api, key: str) -> None:
        self.accepted: list[str] = []
        self.refused: list[int] = []
        self._api = api
        self._key = key
        self._numbers = itertools.count(1)
        self._stop = Event()

    @contextmanager
    def submitting(self) -> Iterator[None]:
        threads = [Thread(target=self._submit) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def more(self) -> None:
        """Wait until more orders were accepted."""
        before = len(self.accepted)
        eventually(lambda: len(self.accepted) >= before + LOAD, "orders are accepted", 300)

    def _submit(self) -> None:
        while not self._stop.is_set():
            name = f"o{next(self._numbers)}"
            while (status := self._api.submit(self._key, name)) not in {200, 202}:
                if status not in {None, 429, 503}:
                    self.refused.append(status or 0)
                    return
                if self._stop.is_set():
                    return
            self.accepted.append(name)


def test_orders_are_decided_once_while_one_release_replaces_another(
    world: World, tmp_path: Path
) -> None:
    engine = world.application.base.engine
    user = world.market.account("trader", cash="1000000000")
    api = Api.on_free_port(world)
    with ThreadPoolExecutor(3) as pool:
        starts = [
            pool.submit(api.start, "api"),
            pool.submit(world.system.worker, "old", ORDER_QUEUES),
            pool.submit(world.system.relay, "relay"),
        ]
        old = starts[1].result()
        for start in starts:
            start.result()
    clients = Clients(api, api.key(user))

    with clients.submitting():
        clients.more()
        schema.upgrade(engine, pace=PACE, more=(write_versions(tmp_path, EXPAND),))
        clients.more()
        # Both releases decide orders now, then the new one alone.
        world.system.worker("new", ORDER_QUEUES)
        clients.more()
        old.terminate()
        clients.more()
        schema.upgrade(engine, pace=PACE, more=(write_versions(tmp_path, EXPAND, CONTRACT),))
        clients.more()

    assert schema.current_revision(engine) == CONTRACT.revision
    assert clients.refused == []
    world.until(user, "filled")
    ids = world.ids(user)
    # An order that was sent as the clients stopped may be stored without its answer.
    assert set(clients.accepted) <= ids.keys()
    assert len(ids) - len(clients.accepted) <= 2
    world.assert_filled_once(user, ids.values())
