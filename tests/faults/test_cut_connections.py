"""Connections cut at the worst byte, and connections on which nothing comes any more."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest

from angel_x.adapters.servers.places import POSTGRES_SOCKET
from angel_x.adapters.servers.urls import RedisAddress
from angel_x.domain.orders.order import Priority
from angel_x.rehearsal.chaos.cut import Point
from angel_x.rehearsal.chaos.proxy import Proxy
from config.queues import QueueName
from tests.builders.environs import application_on
from tests.e2e.processes import eventually
from tests.faults.web import Api
from tests.faults.world import ORDER_QUEUES, World

pytestmark = pytest.mark.e2e

#: The head of the reply that carries a message to a worker.
POPPED = b"*2\r\n$13\r\norders.normal\r\n"
#: The end of the head of the command that puts a message there: the message follows.
PUSHED = b"\r\n$13\r\norders.normal\r\n$"
#: What the server says to whoever committed: CommandComplete, its length, its tag.
COMMITTED = b"C\x00\x00\x00\x0bCOMMIT\x00"
#: Seconds in which a caller has its answer, whatever is away.
PROMPT = 4.0


@dataclass(frozen=True)
class Way:
    """A proxy before one server, and the setting of whoever goes through it."""

    proxy: Proxy
    settings: dict[str, str]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a socket."""
    with tempfile.TemporaryDirectory(prefix="angel-x-test-") as name:
        yield Path(name)


@pytest.fixture
def to_broker(world: World, folder: Path) -> Iterator[Way]:
    address = RedisAddress.parse(world.environment["ANGEL_X_BROKER_URL"])
    socket = folder / "broker.sock"
    with Proxy(socket, Path(unquote(address.path))) as proxy:
        url = replace(address, path=quote(str(socket))).redis_url
        yield Way(proxy, {"ANGEL_X_BROKER_URL": url})


@pytest.fixture
def to_database(world: World, folder: Path) -> Iterator[Way]:
    url = world.environment["ANGEL_X_DATABASE_URL"]
    (directory,) = parse_qs(urlsplit(url).query)["host"]
    with Proxy(folder / POSTGRES_SOCKET, Path(directory) / POSTGRES_SOCKET) as proxy:
        spelled = urlsplit(url).query.partition("host=")[2].partition("&")[0]
        yield Way(
            proxy, {"ANGEL_X_DATABASE_URL": url.replace(spelled, quote(str(folder), safe=""))}
        )


@pytest.fixture
def api(world: World) -> Iterator[Api]:
    api = Api.on_free_port(world)
    yield api
    api.http.clear()


@pytest.fixture(autouse=True)
def _end_processes(world: World) -> Iterator[None]:
    yield
    world.system.stop()
    world.application.base.dispatcher.close()
    world.application.base.broker.flushdb()


def test_a_message_that_is_cut_off_on_its_way_to_a_worker_costs_time_and_no_order(
    world: World, to_broker: Way
) -> None:
    first, second = world.market.account("pop-1"), world.market.account("pop-2")
    world.system.worker("popped", ORDER_QUEUES, to_broker.settings)
    cut = to_broker.proxy.arm(POPPED, Point.REPLY)

    (lost,) = world.market.accept(first, world.market.request())
    assert cut.wait(120)
    assert str(lost.order_id).encode() not in b"".join(queued(world))
    assert not world.application.base.broker.hlen("unacked")
    assert world.statuses(first) == {lost.order_id: "received"}

    # Is it still consuming?  Nobody rings for the second one again.
    (heard,) = world.market.accept(second, world.market.request())
    world.until(second, "filled")
    assert world.statuses(first) == {lost.order_id: "received"}

    world.system.relay("relay")
    world.until(first, "filled")
    world.assert_filled_once(first, [lost.order_id])
    world.assert_filled_once(second, [heard.order_id])


def test_a_sender_that_is_cut_off_after_its_message_was_taken_doubles_no_trade(
    world: World, to_broker: Way
) -> None:
    user = world.market.account("push")
    orders = [o.order_id for o in world.market.accept(user, world.market.request())]
    eventually(lambda: len(queued(world)) == 1, "the first doorbell")
    with application_on({**world.environment, **to_broker.settings}, "relay") as sender:
        cut = to_broker.proxy.arm(PUSHED, Point.REPLY_TO)
        assert not sender.base.dispatcher.ring(Priority.NORMAL, orders)
        assert cut.is_done
        assert len(queued(world)) == 2
        assert sender.base.dispatcher.ring(Priority.NORMAL, orders)
    assert len(queued(world)) == 3

    world.system.worker("pushed", ORDER_QUEUES)

    world.until(user, "filled")
    eventually(lambda: not queued(world), "all doorbells are answered")
    world.assert_filled_once(user, orders)


def test_a_broker_in_a_black_hole_holds_up_no_caller_and_no_order_for_ever(
    world: World, to_broker: Way, api: Api
) -> None:
    user = world.market.account("black-hole")
    key = api.key(user)
    api.start("api", to_broker.settings)
    world.system.worker("orders", ORDER_QUEUES, to_broker.settings)
    world.system.relay("relay", to_broker.settings)

    _, usual = timed(api, api.key(world.market.account("usual")), "usual")

    to_broker.proxy.hold()
    since = time.monotonic()
    answers = [timed(api, key, f"b{n}") for n in range(20)]
    assert {status for status, _ in answers} == {202}
    assert max(seconds for _, seconds in answers) < PROMPT + 20 * usual
    eventually(lambda: to_broker.proxy.count.held_bytes, "bytes are held")
    # Longer than the timeout of a socket, so that both ends have given up on the connection.
    eventually(lambda: time.monotonic() - since > 6, "it stays dark")
    assert set(world.statuses(user).values()) == {"received"}
    to_broker.proxy.release()

    world.until(user, "filled")
    world.assert_filled_once(user, world.ids(user).values())
    assert timed(api, key, "after")[0] == 202
    world.until(user, "filled")
    world.assert_filled_once(user, world.ids(user).values())


def test_an_answer_that_is_cut_off_after_the_commit_promised_nothing_and_lost_nothing(
    world: World, to_database: Way, api: Api
) -> None:
    user = world.market.account("commit")
    key = api.key(user)
    api.start("api", to_database.settings)
    assert api.submit(key, "warm") == 202
    cut = to_database.proxy.arm(COMMITTED, Point.REPLY)

    status = api.submit(key, "unknown")

    assert cut.is_done
    assert status == 503
    assert set(world.ids(user)) == {"warm", "unknown"}
    assert api.submit(key, "unknown") == 200
    world.system.worker("orders", ORDER_QUEUES)
    world.system.relay("relay")
    world.until(user, "filled")
    world.assert_filled_once(user, world.ids(user).values())


def test_a_worker_that_is_cut_off_after_its_commit_has_traded_once(
    world: World, to_database: Way
) -> None:
    user = world.market.account("worker-commit")
    world.system.worker("orders", ORDER_QUEUES, to_database.settings)
    (warm,) = world.market.accept(user, world.market.request())
    world.until(user, "filled")
    cut = to_database.proxy.arm(COMMITTED, Point.REPLY)

    (order,) = world.market.accept(user, world.market.request())

    assert cut.wait(120)
    world.system.relay("relay")
    world.until(user, "filled")
    world.assert_filled_once(user, [warm.order_id, order.order_id])
    assert world.events(order.order_id) == ["received", "filled"]
    # It works on with a connection that is whole.
    (after,) = world.market.accept(user, world.market.request())
    world.until(user, "filled")
    world.assert_filled_once(user, [warm.order_id, order.order_id, after.order_id])


def test_a_database_in_a_black_hole_is_answered_for_in_time(
    world: World, to_database: Way, api: Api
) -> None:
    user = world.market.account("dark-database")
    key = api.key(user)
    api.start("api", {**to_database.settings, "ANGEL_X_API_RESPONSE_TIMEOUT": "1"})
    # A cold process may need more than the timeout for its first order.
    eventually(lambda: api.submit(key, "warm") in {200, 202}, "it takes orders")
    _, usual = timed(api, key, "warm")

    to_database.proxy.hold()
    status, seconds = timed(api, key, "dark")
    alive = api.call("GET", "/livez")
    held = to_database.proxy.count.held_bytes
    to_database.proxy.release()

    assert (status, alive) == (503, 200)
    assert seconds < PROMPT + 20 * usual
    assert held > 0
    eventually(lambda: api.submit(key, "dark") in {200, 202}, "it takes orders again")
    assert set(world.ids(user)) == {"warm", "dark"}
    world.system.worker("orders", ORDER_QUEUES)
    world.system.relay("relay")
    world.until(user, "filled")
    world.assert_filled_once(user, world.ids(user).values())


def queued(world: World) -> list[bytes]:
    """Return the messages of the normal lane, as they lie there."""
    messages = world.application.base.broker.lrange(QueueName.NORMAL, 0, -1)
    return cast("list[bytes]", messages)


def timed(api: Api, key: str, client_order_id: str) -> tuple[int | None, float]:
    """Submit an order; return the status and the seconds that the answer took."""
    started = time.monotonic()
    status = api.submit(key, client_order_id)
    return status, time.monotonic() - started
