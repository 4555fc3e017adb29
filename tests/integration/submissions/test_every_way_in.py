"""Orders have one outcome, whichever way they come in: HTTP, message, command line or basket."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from angel_x.adapters.redis import order_rate
from angel_x.bootstrap import Application
from angel_x.domain.records.access import Scope
from tests.builders.orders import Market
from tests.builders.shells import Shell
from tests.integration.api.running import RunningApi, serving, wait_until
from tests.integration.submissions.callers import CALLERS, Caller, Outcome, Reply

ROOM = 3
LOT = 65


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return environ | {
        "ANGEL_X_MAX_QUEUE_SIZE": str(ROOM),
        "ANGEL_X_RATE_LIMIT_ENABLED": "true",
    }


@dataclass
class World:
    """A caller with an account, and the system that it calls."""

    caller: Caller
    market: Market
    user_id: int
    refused: int = 0

    def order(self, symbol: int = 0, **changes: object) -> dict[str, object]:
        """Return the fields of an order that trades at once."""
        order = {"symbol": self.market.symbols[symbol], "side": "BUY", "quantity": LOT}
        return order | changes

    def decide(self) -> None:
        """Let every order that waits be decided."""
        for (workflow_id,) in self._rows("SELECT id FROM workflows WHERE status = 'running'"):
            self.application.workflows.advance.run(workflow_id)
        waiting = self._rows("SELECT id FROM orders WHERE status = 'received' AND NOT held")
        self.application.trading.execution.run([order_id for (order_id,) in waiting])

    def stored(self) -> tuple[list[tuple[int, ...]], ...]:
        """Return all that a submission may write."""
        tables = ("orders", "order_events", "workflows")
        return tuple(self._rows(f"SELECT count(*) FROM {table}") for table in tables)

    def assert_refused(self, reply: Reply, expected: Reply, before: object) -> None:
        assert reply == expected
        assert self.stored() == before

    @property
    def application(self) -> Application:
        return self.market.application

    def _rows(self, query: str) -> list[tuple[int, ...]]:
        with self.application.base.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(query)]


@pytest.fixture
def api(application: Application) -> Iterator[RunningApi]:
    with serving(application) as api:
        yield api


@pytest.fixture(params=CALLERS)
def world(request: pytest.FixtureRequest, api: RunningApi, environ: dict[str, str]) -> World:
    market = Market.open(api.application)
    user_id = market.account("trader")
    key = api.application.people.access.issue(user_id, [Scope.TRADE])
    return World(CALLERS[request.param](api, key, Shell(environ)), market, user_id)


def test_orders_are_accepted_once_and_traded(world: World) -> None:
    reply = world.caller.submit("a", world.order(), world.order(1))
    world.decide()

    assert (reply.outcome, reply.faults) == (Outcome.ACCEPTED, frozenset())
    assert world.market.statuses() == {int(i): "filled" for i in reply.order_ids}
    assert len(reply.order_ids) == 2
    world.market.assert_invariants()


SPOILS: Mapping[str, Callable[[Market], None]] = {
    "nothing has changed": lambda _: None,
    "its contract was unlisted": Market.unlist,
    "its contract has expired": Market.expire,
    "the queue is full": Market.fill_the_queue,
}


@pytest.mark.parametrize("spoil", SPOILS.values(), ids=SPOILS)
@pytest.mark.parametrize("is_filled", [True, False], ids=["filled", "waiting"])
def test_the_same_again_is_the_same_order_whatever_has_changed_since(
    world: World, spoil: Callable[[Market], None], *, is_filled: bool
) -> None:
    first = world.caller.submit("a", world.order())
    if is_filled:
        world.decide()
        assert list(world.market.statuses().values()) == ["filled"]
    spoil(world.market)
    before = world.stored()

    again = world.caller.submit("a", world.order())

    assert again == Reply(Outcome.REPLAYED, first.order_ids)
    assert world.stored() == before


def test_the_same_again_is_the_same_order_beyond_the_rate(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_the_rate(world, monkeypatch)
    first = world.caller.submit("a", world.order())
    exceed_the_rate(world)

    assert first.outcome is Outcome.ACCEPTED
    assert world.caller.submit("a", world.order()) == Reply(Outcome.REPLAYED, first.order_ids)


def test_other_content_under_the_name_is_a_conflict(world: World) -> None:
    world.caller.submit("a", world.order())
    before = world.stored()

    reply = world.caller.submit("a", world.order(side="SELL"))

    world.assert_refused(reply, Reply(Outcome.CONFLICT), before)


def test_every_field_that_cannot_be_read_is_named(world: World) -> None:
    before = world.stored()

    reply = world.caller.submit(
        "a",
        world.order(quantity=0, side="HOLD"),
        world.order(order_type="LIMIT"),
        world.order(),
        world.order(colour="red", price="1.00"),
    )

    faults = {(0, "quantity"), (0, "side"), (1, "price"), (3, "colour")}
    world.assert_refused(reply, Reply(Outcome.INVALID, faults=frozenset(faults)), before)


def test_every_field_that_does_not_fit_its_contract_is_named(world: World) -> None:
    before = world.stored()

    reply = world.caller.submit(
        "a",
        world.order(quantity=LOT + 1, order_type="LIMIT", price="1.03"),
        world.order(),
        world.order(symbol=0) | {"symbol": "NIFTY_25AUG26_1CE"},
    )

    faults = {(0, "quantity"), (0, "price"), (2, "symbol")}
    world.assert_refused(reply, Reply(Outcome.INVALID, faults=frozenset(faults)), before)


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800"], ids=["NUL", "half a character"])
def test_text_that_no_store_can_hold_is_refused(world: World, text: str) -> None:
    before = world.stored()

    reply = world.caller.submit("a", world.order(tag=text))

    world.assert_refused(reply, Reply(Outcome.INVALID, faults=frozenset({(0, "tag")})), before)


def test_a_full_queue_refuses_what_is_new(world: World) -> None:
    world.market.fill_the_queue()
    before = world.stored()

    reply = world.caller.submit("a", world.order())

    world.assert_refused(reply, Reply(Outcome.QUEUE_FULL), before)


@pytest.mark.parametrize(
    ("side", "outcome"), [("SELL", Outcome.ACCEPTED), ("BUY", Outcome.QUEUE_FULL)]
)
def test_a_full_queue_lets_emergencies_in_that_reduce(
    world: World, side: str, outcome: Outcome
) -> None:
    # Not through the caller: the number of waiting orders is kept for a moment.
    world.market.accept(world.user_id, world.market.request())
    world.decide()
    world.market.fill_the_queue()

    reply = world.caller.submit("a", world.order(priority="emergency", side=side))

    assert reply.outcome is outcome


def limit_the_rate(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the account have one order in an hour; to be called before its first submission.

    Limits that were read are kept for a second.
    """
    monkeypatch.setattr(order_rate, "WINDOW_SECONDS", 3600.0)
    world.application.people.limits.put(world.user_id, {"max_orders_per_second": 1}, "test")


def exceed_the_rate(world: World) -> None:
    """Submit orders until one is refused."""

    def is_refused() -> bool:
        # A counter that is slow to answer holds no order up.
        world.refused += 1
        before = world.stored()
        reply = world.caller.submit(f"rate-{world.refused}", world.order())
        if reply.outcome is Outcome.ACCEPTED:
            world.decide()
            return False
        world.assert_refused(reply, Reply(Outcome.RATE_EXCEEDED), before)
        return True

    wait_until(is_refused)


def test_orders_beyond_the_rate_are_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    limit_the_rate(world, monkeypatch)

    exceed_the_rate(world)


def test_the_orders_of_an_unknown_account_are_refused(world: World) -> None:
    before = world.stored()

    reply = world.caller.stranger().submit("a", world.order())

    world.assert_refused(reply, Reply(Outcome.UNKNOWN_ACCOUNT), before)
