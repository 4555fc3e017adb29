"""The protocol under whatever may happen to it, in any order: messages, deaths, outages of sense.

Hypothesis chooses what happens next; after each event every invariant is asked of the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from angel_x.adapters.celery_message import Message
from angel_x.adapters.dispatch import CeleryDispatcher
from angel_x.bootstrap import Application, Foundation, assemble, lay_foundation
from angel_x.domain.orders.order import (
    TRANSITIONS,
    OrderRequest,
    OrderStatus,
    Priority,
    Side,
    Validity,
)
from angel_x.domain.orders.step import Step
from angel_x.errors import AngelXError
from angel_x.services.trading.amendment_form import AmendmentRequest
from config.loading import load
from config.task_names import TaskName
from tests.builders.orders import Market
from tests.faults.world import World

pytestmark = pytest.mark.e2e

PRICES = ["99.50", "100.00", "100.20", "100.50"]
_numbers = count(1)
#: After how many more steps whoever acts is gone; mostly it lives.
DEATHS = st.sampled_from([None, None, None, 0, 1, 2, 3, 4, 5, 6])


class Died(BaseException):
    """The process is gone: nobody catches this, and no transaction outlives it."""


class Letterbox(CeleryDispatcher):
    """Keeps the messages, to be delivered in any order, again, or never."""

    def __init__(self, base: Foundation) -> None:
        super().__init__(base.settings.needed("broker_url"), base.meter)
        self.bells: list[tuple[list[int], bool]] = []

    def _send(self, *messages: Message) -> bool:
        for message in messages:
            if message.task is TaskName.PROCESS_ORDER_BATCH:
                ids, *exactly = message.args
                assert isinstance(ids, list)
                self.bells.append(([int(i) for i in ids], bool(exactly)))
        return True


class Deaths:
    """Ends the process at a step of the protocol, if it is told to."""

    def __init__(self) -> None:
        #: How many steps are still passed before the process dies; None where it lives.
        self.remaining: int | None = None
        self.seen: Counter[Step] = Counter()

    def __call__(self, step: Step) -> None:
        if self.remaining is None:
            return
        self.remaining -= 1
        if self.remaining < 0:
            self.remaining = None
            self.seen[step] += 1
            raise Died(step)


@dataclass
class Stage:
    """What all runs of one machine share."""

    application: Application
    market: Market
    letterbox: Letterbox
    deaths: Deaths


class Protocol(RuleBasedStateMachine):
    """One account, its orders, and everything that can come in between."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self.application, self.market = stage.application, stage.market
        self.letterbox, self.deaths = stage.letterbox, stage.deaths
        self.letterbox.bells.clear()
        self.user = self.market.account(f"machine{next(_numbers)}")
        self.requests: list[OrderRequest] = []
        #: What a caller was told, by client order id.
        self.promised: dict[str, int] = {}
        self.seen: dict[int, OrderStatus] = {}
        self.move(0, "100.00", 650)
        self.move(1, "100.00", 650)

    @rule(
        number=st.integers(1, 3),
        limit=st.sampled_from([None, *PRICES]),
        side=st.sampled_from(Side),
        lots=st.integers(1, 3),
        priority=st.sampled_from([Priority.NORMAL, Priority.EMERGENCY]),
        validity=st.sampled_from(Validity),
        symbol=st.integers(0, 1),
        is_heard=st.booleans(),
        death=DEATHS,
    )
    def submit(
        self,
        *,
        number: int,
        limit: str | None,
        side: Side,
        lots: int,
        priority: Priority,
        validity: Validity,
        symbol: int,
        is_heard: bool,
        death: int | None,
    ) -> None:
        """Hand in orders; mostly a worker hears of them before anything else happens."""
        new = [
            self.market.request(
                side, self.market.symbols[symbol], limit, 65 * lots, priority, validity
            )
            for _ in range(number)
        ]
        self.requests += new
        self.attempt(partial(self._accept, new), death)
        if is_heard:
            self.deliver(picks=[0, 1], stays=False, death=death)

    @precondition(lambda self: self.requests)
    @rule(which=st.integers(0, 100), death=DEATHS)
    def submit_again(self, which: int, death: int | None) -> None:
        request = self.requests[which % len(self.requests)]
        self.attempt(partial(self._accept, [request]), death)

    @precondition(lambda self: self.letterbox.bells)
    @rule(
        picks=st.lists(st.integers(0, 100), min_size=1, max_size=4),
        stays=st.booleans(),
        death=DEATHS,
    )
    def deliver(self, *, picks: list[int], stays: bool, death: int | None) -> None:
        """Deliver some messages, in any order, some of them twice, now and perhaps again."""
        bells = self.letterbox.bells
        chosen = [bells[pick % len(bells)] for pick in picks] if bells else []
        if not stays:
            self.letterbox.bells = [bell for bell in bells if bell not in chosen]
        for bell in chosen:
            self.attempt(partial(self._answer, bell[0], exactly=bell[1]), death)

    @rule()
    def lose_every_message(self) -> None:
        self.letterbox.bells.clear()

    @rule(rings=st.sampled_from([0, 0, 0, 0, 0, 0, 10, 1000]), death=DEATHS)
    def sweep(self, rings: int, death: int | None = None) -> None:
        """Let the relay find everything due, as if so many rings had led to nothing."""
        with self.application.base.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE orders SET ring_at = accepted_at, rings = %s,"
                " lease_until = CASE WHEN status = 'submitting' THEN accepted_at END"
                " WHERE user_id = %s AND status IN ('received', 'submitting')",
                (rings, self.user),
            )
        self.attempt(self.application.trading.relay.sweep, death)

    @rule(symbol=st.integers(0, 1), bid=st.sampled_from(PRICES), size=st.sampled_from([65, 650]))
    def move(self, symbol: int, bid: str, size: int) -> None:
        ask = str(Decimal(bid) + Decimal("0.20"))
        self.market.quote(self.market.symbols[symbol], bid, ask, size=size)

    @rule(death=DEATHS)
    def match(self, death: int | None) -> None:
        self.attempt(self.application.trading.matching.run, death)

    @precondition(lambda self: self.promised)
    @rule(which=st.integers(0, 100), death=DEATHS)
    def cancel(self, which: int, death: int | None) -> None:
        order = self._one(which)
        self.attempt(partial(self.application.trading.cancellation.cancel, self.user, order), death)

    @precondition(lambda self: self.promised)
    @rule(
        which=st.integers(0, 100),
        price=st.sampled_from(PRICES),
        lots=st.integers(1, 3),
        death=DEATHS,
    )
    def amend(self, which: int, price: str, lots: int, death: int | None) -> None:
        change = AmendmentRequest(limit_price=Decimal(price), quantity=65 * lots)
        order = self._one(which)
        self.attempt(
            partial(self.application.trading.amending.amend, self.user, order, change), death
        )

    @precondition(lambda self: self.promised)
    @rule(which=st.integers(0, 100), death=DEATHS)
    def expire(self, which: int, death: int | None) -> None:
        with self.application.base.engine.begin() as connection:
            connection.exec_driver_sql(
                "UPDATE orders SET valid_until = accepted_at WHERE id = %s", (self._one(which),)
            )
        self.attempt(self.application.trading.expiry.run, death)

    @invariant()
    def every_invariant_holds(self) -> None:
        self.market.assert_invariants()

    @invariant()
    def nothing_promised_is_lost_and_nothing_closed_moves(self) -> None:
        found = self._statuses()
        assert set(self.promised.values()) <= set(found)
        for order, status in found.items():
            before = self.seen.get(order, OrderStatus.RECEIVED)
            assert status is before or status in _reachable(before)
        self.seen = found

    def teardown(self) -> None:
        """Heal everything: now each order must come to a decision."""
        for _ in range(3):
            self.sweep(0)
            for bell in list(self.letterbox.bells):
                self._answer(bell[0], exactly=bell[1])
        statuses = set(self._statuses().values())
        assert not statuses & {OrderStatus.RECEIVED, OrderStatus.SUBMITTING}
        self.market.assert_invariants()

    def attempt(self, action: Callable[[], object], death: int | None) -> None:
        """Act as a process does: it may be refused, and it may die after so many steps."""
        self.deaths.remaining = death
        try:
            action()
        except (Died, AngelXError):
            return
        finally:
            self.deaths.remaining = None

    def _accept(self, requests: list[OrderRequest]) -> None:
        for accepted in self.market.accept(self.user, *requests):
            known = self.promised.setdefault(accepted.client_order_id, accepted.order_id)
            assert known == accepted.order_id

    def _answer(self, order_ids: list[int], *, exactly: bool) -> None:
        execution = self.application.trading.execution
        (execution.run_exactly if exactly else execution.run)(order_ids)

    def _one(self, which: int) -> int:
        """Choose an order that is open, or a closed one where there is no other."""
        found = self._statuses()
        orders = [order for order, status in found.items() if not status.is_closed] or list(found)
        return sorted(orders)[which % len(orders)]

    def _statuses(self) -> dict[int, OrderStatus]:
        with self.application.base.engine.connect() as connection:
            rows = connection.exec_driver_sql(
                "SELECT id, status FROM orders WHERE user_id = %s", (self.user,)
            )
            return {order: OrderStatus(status) for order, status in rows}


def _reachable(status: OrderStatus) -> set[OrderStatus]:
    """Return everything that a status can become."""
    found: set[OrderStatus] = set()
    waiting = {status}
    while waiting:
        new = {after for each in waiting for after in TRANSITIONS[each]} - found
        found |= new
        waiting = new
    return found


@pytest.fixture(params=[0, 1], ids=["fast venue", "slow venue"])
def stage(world: World, request: pytest.FixtureRequest) -> Iterator[Stage]:
    latency = {"ANGEL_X_PAPER_LATENCY_MS": str(request.param)}
    base = lay_foundation(load({**world.environment, **latency}), "test")
    letterbox, deaths = Letterbox(base), Deaths()
    with closing(assemble(replace(base, dispatcher=letterbox, at=deaths))) as application:
        yield Stage(application, Market(application, world.market.symbols), letterbox, deaths)


def test_no_sequence_of_events_breaks_an_invariant(stage: Stage) -> None:
    run_state_machine_as_test(
        partial(Protocol, stage),  # type: ignore[arg-type]  # any factory will do
        settings=settings(
            max_examples=25,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

    assert len(stage.deaths.seen) > 5
