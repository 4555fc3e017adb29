"""A system of its own for tests that kill its processes, and what must hold when they are done."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from celery import Celery

from angel_x.adapters.fault_points import fault_mark
from angel_x.adapters.servers import RunningServers
from angel_x.adapters.servers.urls import RedisAddress
from angel_x.bootstrap import Application
from angel_x.domain.orders.step import Step
from config.addresses import kombu_address
from config.queues import WORKER_QUEUES
from config.task_names import ROUTES, TaskName
from tests.builders.environs import application_on, environ_of
from tests.builders.orders import Market
from tests.e2e.processes import eventually
from tests.faults.nursery import Nursery, nursery

if TYPE_CHECKING:
    from tests.plugins.servers import DatabaseFactory

ORDER_QUEUES = ",".join([*WORKER_QUEUES["orders"], *WORKER_QUEUES["matching"]])
#: Seconds from the healing of a fault until every accepted order is closed or working.
BOUND = 120


@dataclass
class World:
    """Servers' databases, a market on them, and the processes of one test."""

    environment: Mapping[str, str]
    application: Application
    market: Market
    system: Nursery
    stranger: Celery

    def fault(self, step: Step, folder: Path, passing: int = 1, action: str = "kill") -> Fault:
        """Plan that the process which is started with it dies at a step."""
        home = folder / "victim"
        return Fault(
            fault_mark(home, step),
            {
                "ANGEL_X_HOME": str(home),
                "ANGEL_X_FAULT_AT": f"{step}:{passing}",
                "ANGEL_X_FAULT_ACTION": action,
            },
        )

    def send(self, task: TaskName, *args: object, queue: str | None = None) -> None:
        """Put a message on its queue, as a process that knows names only."""
        self.stranger.send_task(task.value, args=args, queue=queue or ROUTES[task].value)

    def ids(self, user: int) -> dict[str, int]:
        """Return the ids of an account's orders, by client order id."""
        return dict(self._rows("SELECT client_order_id, id FROM orders WHERE user_id = %s", user))

    def statuses(self, user: int) -> dict[int, str]:
        return dict(self._rows("SELECT id, status FROM orders WHERE user_id = %s", user))

    def until(self, user: int, *statuses: str, seconds: float = BOUND) -> None:
        """Wait until every order of an account has one of the statuses."""

        def reached() -> bool:
            return set(self.statuses(user).values()) <= set(statuses)

        try:
            eventually(reached, f"all orders are {statuses}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}, were {self.statuses(user)}") from None

    def fills(self, user: int) -> dict[int, int]:
        """Return how many fills each order of an account has."""
        query = """
            SELECT o.id, count(f.order_id) FROM orders o LEFT JOIN fills f ON f.order_id = o.id
            WHERE o.user_id = %s GROUP BY o.id
        """
        return dict(self._rows(query, user))

    def attempts(self, user: int) -> dict[int, int]:
        return dict(self._rows("SELECT id, attempt FROM orders WHERE user_id = %s", user))

    def events(self, order_id: int) -> list[str]:
        rows = self._rows(
            "SELECT 1, status FROM order_events WHERE order_id = %s ORDER BY id", order_id
        )
        return [str(status) for _, status in rows]

    def decided_in_order(self, user: int) -> list[int]:
        """Return an account's orders in the order in which they were filled."""
        query = """
            SELECT o.id, e.status FROM orders o JOIN order_events e ON e.order_id = o.id
            WHERE o.user_id = %s AND e.status = 'filled' ORDER BY e.id
        """
        return [order for order, _ in self._rows(query, user)]

    def execute(self, statement: str, *parameters: object) -> None:
        with self.application.base.engine.begin() as connection:
            connection.exec_driver_sql(statement, parameters)

    def assert_filled_once(self, user: int, orders: Collection[int]) -> None:
        """Each of the orders, and no other of the account, was filled by one fill."""
        assert self.statuses(user) == dict.fromkeys(orders, "filled")
        assert self.fills(user) == dict.fromkeys(orders, 1)
        self.market.assert_invariants()

    def _rows(self, query: str, *parameters: object) -> list[tuple[Any, Any]]:
        with self.application.base.engine.connect() as connection:
            rows = connection.exec_driver_sql(query, parameters).fetchall()
        return [(first, second) for first, second in rows]


@dataclass(frozen=True)
class Fault:
    """A death that is planned."""

    mark: Path
    environment: dict[str, str]

    def await_victim(self, seconds: float = 120) -> int:
        """Wait until it has happened and return the process id of the victim."""
        eventually(lambda: self.mark.exists() and self.mark.read_text(), "the fault", seconds)
        return int(self.mark.read_text())


@contextmanager
def open_world(
    servers: RunningServers,
    databases: DatabaseFactory,
    template: str,
    redis_number: int,
    folder: Path,
) -> Iterator[World]:
    """Make a fresh database, empty Redis numbers and a market on them."""
    broker = RedisAddress.parse(servers.urls.broker_redis_url).with_database(redis_number)
    cache = RedisAddress.parse(servers.urls.cache_url).with_database(redis_number)
    with databases.fresh(template=template) as database_url:
        urls = (database_url, broker.redis_url, cache.redis_url)
        with world_on(*urls, folder) as world:
            yield world


@contextmanager
def world_on(database_url: str, broker_url: str, cache_url: str, folder: Path) -> Iterator[World]:
    """Make a world of these servers; repairs come soon in it."""
    ours = environ_of(
        database_url,
        broker_url,
        cache_url,
        home=str(folder / "home"),
        node="test",
        ring_after_ms="200",
        relay_interval_ms="50",
        metrics_enabled="false",
        # Lanes that hold every doorbell of a test, for tests that count and shuffle them.
        order_processing_workers="20",
    )
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANGEL_X_")}
    with (
        application_on(ours) as application,
        closing(
            Celery(broker=kombu_address(ours["ANGEL_X_BROKER_URL"]), set_as_current=False)
        ) as stranger,
        nursery(inherited | dict(ours), folder) as system,
    ):
        application.base.broker.flushdb()
        application.base.cache.flushdb()
        yield World(ours, application, Market.open(application), system, stranger)
