"""An API process of its own, and callers that remember what they were answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from types import MappingProxyType

import urllib3

from angel_x.domain.records.access import Scope
from tests.builders.ports import free_port
from tests.e2e.processes import eventually
from tests.faults.world import World

#: Seconds in which the API must have answered, whatever is away.
PATIENCE = 60.0


@dataclass
class Api:
    """An API on one port, which may die and come back."""

    world: World
    port: int
    http: urllib3.PoolManager

    @classmethod
    def on_free_port(cls, world: World) -> Api:
        return cls(
            world, free_port(), urllib3.PoolManager(maxsize=64, retries=False, timeout=PATIENCE)
        )

    def start(self, name: str, settings: Mapping[str, str] = MappingProxyType({})) -> BaseProcess:
        """Start a process and wait until it serves."""
        port = {"ANGEL_X_API_PORT": str(self.port)}
        process = self.world.system.start(name, "angel_x.entrypoints.cli api", {**settings, **port})
        eventually(lambda: self.call("GET", "/livez") == 200, f"{name} serves")
        return process

    def key(self, user: int) -> str:
        return self.world.application.people.access.issue(user, [Scope.TRADE])

    def call(self, method: str, path: str, key: str = "", content: object = None) -> int | None:
        """Return the status of the answer, or None where the connection ended without one."""
        try:
            answer = self.http.request(
                method,
                f"http://127.0.0.1:{self.port}{path}",
                json=content,
                headers={"Authorization": f"Bearer {key}"} if key else None,
            )
        except urllib3.exceptions.HTTPError:
            return None
        return answer.status

    def submit(self, key: str, client_order_id: str) -> int | None:
        return self.call("POST", "/v1/orders", key, order_fields(self.world, client_order_id))

    def submit_at_once(self, key: str, ids: Sequence[str], connections: int) -> list[int | None]:
        """Submit one order an id over so many connections; return the statuses."""
        with ThreadPoolExecutor(connections) as callers:
            return list(callers.map(lambda name: self.submit(key, name), ids))


def order_fields(world: World, client_order_id: str) -> dict[str, object]:
    return {
        "client_order_id": client_order_id,
        "symbol": world.market.symbols[0],
        "side": "BUY",
        "quantity": 65,
    }
