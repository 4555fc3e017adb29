"""An order whose sender fell silent on the way to the venue is placed again, ended or parked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta

import pytest

from angel_x.adapters.metrics.meter import NullMeter
from angel_x.adapters.postgres.order_search import OrderSearch
from angel_x.bootstrap import Application
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.operations.metric import Metric
from angel_x.domain.orders.order import Order, OrderStatus, Priority
from angel_x.services.trading.paper_market import PaperMarket
from angel_x.services.trading.relay import Relay, RelayPace
from tests.builders.environs import application_on
from tests.builders.markets import ALWAYS_OPEN
from tests.builders.orders import Market
from tests.builders.recorders import RecordingMeter

MAX_RINGS = 3


class Silence(BaseException):
    """The end of a process between its two transactions."""


def fall_silent(_seconds: float) -> None:
    raise Silence


@pytest.fixture
def application(environ: dict[str, str]) -> Iterator[Application]:
    """Orders are on their way to the venue for a moment."""
    with application_on(environ, paper_latency_ms="1") as built:
        yield built


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


class Bell:
    """Runs what is rung for at once, as a worker would."""

    def __init__(self, application: Application, *, answers: bool = True) -> None:
        self.rung: list[tuple[tuple[int, ...], bool]] = []
        self._execution = application.trading.execution
        self._answers = answers

    def ring(self, priority: Priority, order_ids: Sequence[int], *, exactly: bool = False) -> bool:
        assert priority is Priority.NORMAL
        self.rung.append((tuple(order_ids), exactly))
        return True

    def ring_on(self, priority: Priority, batches: Sequence[Sequence[int]]) -> bool:
        return all(self.ring(priority, batch) for batch in batches)

    def advance(self, workflow_id: int, *, emergency: bool) -> bool:
        raise AssertionError(f"there is no workflow, was {workflow_id} {emergency}")

    def answer(self) -> None:
        """Do what was asked for."""
        rung, self.rung = self.rung, []
        for order_ids, exactly in rung:
            run = self._execution.run_exactly if exactly else self._execution.run
            run(order_ids)


def relay(application: Application, bell: Bell) -> Relay:
    depths: Callable[[], Mapping[Priority, int]] = dict
    return Relay(
        search=OrderSearch(application.base.engine),
        take_workflows=application.orders.workflows.due,
        bells=bell,
        depths=depths,
        age=lambda _: None,
        park=application.trading.execution.park,
        meter=NullMeter(),
        pace=RelayPace(
            ring_after_seconds=2,
            max_rings=MAX_RINGS,
            batch_size=50,
            lane_messages=200,
        ),
        hours=ALWAYS_OPEN,
    )


def leave_on_its_way(market: Market, user: int, count: int = 1) -> list[int]:
    """Send orders to the venue by a process that ends before the answer."""
    application = market.application
    accepted = market.accept(user, *[market.request() for _ in range(count)])
    ids = [order.order_id for order in accepted]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(application.orders.venue, "_sleep", fall_silent)
        with pytest.raises(Silence):
            application.trading.execution.run(ids)
    assert set(market.statuses().values()) == {"submitting"}
    return ids


def pass_time(market: Market) -> None:
    """Let every lease run out and every order be due."""
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET ring_at = now() - interval '1 second', "
            "lease_until = lease_until - interval '1 hour'"
        )


def events(market: Market, order_id: int) -> list[tuple[str, int, str | None]]:
    found = market.application.operations.audit.timeline(order_id)
    return [(event.status.value, event.attempt, event.reason) for event in found]


def test_an_order_is_not_placed_again_while_its_lease_lasts(market: Market) -> None:
    (order_id,) = leave_on_its_way(market, market.account())
    bell = Bell(market.application)
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET ring_at = now() - interval '1 second'")

    assert relay(market.application, bell).sweep() == 0
    market.application.trading.execution.run_exactly([order_id])

    assert bell.rung == []
    assert market.statuses() == {order_id: "submitting"}


def test_an_order_whose_lease_ran_out_is_placed_again_under_the_next_attempt(
    market: Market,
) -> None:
    (order_id,) = leave_on_its_way(market, market.account())
    bell = Bell(market.application)
    pass_time(market)

    assert relay(market.application, bell).sweep() == 1
    assert bell.rung == [((order_id,), True)]
    bell.answer()

    assert market.statuses() == {order_id: "filled"}
    assert events(market, order_id) == [
        ("received", 0, None),
        ("submitting", 1, None),
        ("submitting", 2, "LEASE_EXPIRED"),
        ("filled", 2, None),
    ]
    market.assert_invariants()


def test_what_waits_and_what_was_abandoned_are_rung_for_apart(market: Market) -> None:
    user = market.account()
    abandoned = leave_on_its_way(market, user, count=3)
    (waiting,) = market.accept(user, market.request())
    bell = Bell(market.application)
    pass_time(market)

    assert relay(market.application, bell).sweep() == 4

    assert bell.rung == [((waiting.order_id,), False), (tuple(abandoned), True)]


def test_an_order_that_no_attempt_brings_to_an_end_is_rejected_and_frees_its_margin(
    market: Market,
) -> None:
    (order_id,) = leave_on_its_way(market, market.account())
    bell = Bell(market.application)

    for _ in range(MAX_RINGS + 1):
        pass_time(market)
        relay(market.application, bell).sweep()

    assert len(bell.rung) == MAX_RINGS
    assert market.statuses() == {order_id: "rejected"}
    assert events(market, order_id)[-1] == ("rejected", 1, "PROCESSING_FAILED")
    balance = market.application.trading.balances.of(market.accounts["trader"])
    assert balance.margin_used == 0
    market.assert_invariants()


def test_an_answer_that_cannot_be_taken_parks_its_order_with_the_traceback(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, user = market.application, market.account()
    poison, innocent = market.accept(user, market.request(), market.request())
    honest = PaperMarket.terms

    def terms(self: PaperMarket, orders: Sequence[Order]) -> list[Terms]:
        on_their_way = [o.id for o in orders if o.status is OrderStatus.SUBMITTING]
        if poison.order_id in on_their_way:
            raise ZeroDivisionError("the answer of the venue")
        return honest(self, orders)

    monkeypatch.setattr(PaperMarket, "terms", terms)
    application.trading.execution.run([poison.order_id, innocent.order_id])

    assert market.statuses() == {poison.order_id: "rejected", innocent.order_id: "filled"}
    (parked,) = application.trading.replays.parked()
    assert parked.order_id == str(poison.order_id)
    assert "ZeroDivisionError: the answer of the venue" in (parked.detail or "")
    market.assert_invariants()


def test_a_stale_attempt_changes_nothing_and_is_counted(market: Market) -> None:
    application, meter = market.application, RecordingMeter()
    (order,) = market.accept(market.account(), market.request())

    def sleep_too_long(_seconds: float) -> None:
        monkeypatched.setattr(application.orders.venue, "_sleep", lambda _seconds: None)
        pass_time(market)
        application.trading.execution.run_exactly([order.order_id])
        assert market.statuses() == {order.order_id: "filled"}

    with pytest.MonkeyPatch.context() as monkeypatched:
        monkeypatched.setattr(application.orders.venue, "_sleep", sleep_too_long)
        monkeypatched.setattr(application.orders.desk, "_meter", meter)
        application.trading.execution.run([order.order_id])

    assert (Metric.STALE_ATTEMPTS, 1, {}) in meter.added
    assert [status for status, _, _ in events(market, order.order_id)].count("filled") == 1
    market.assert_invariants()


def test_the_answer_to_one_attempt_is_not_taken_for_that_to_the_next(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    execution = market.application.trading.execution
    (order,) = market.accept(market.account(), market.request())

    def sleep_until_it_was_placed_again(_seconds: float) -> None:
        monkeypatch.setattr(market.application.orders.venue, "_sleep", fall_silent)
        pass_time(market)
        with pytest.raises(Silence):
            execution.run_exactly([order.order_id])

    monkeypatch.setattr(market.application.orders.venue, "_sleep", sleep_until_it_was_placed_again)
    execution.run([order.order_id])

    assert market.statuses() == {order.order_id: "submitting"}
    assert events(market, order.order_id)[-1] == ("submitting", 2, "LEASE_EXPIRED")
    assert market.application.people.reading.positions(market.accounts["trader"]) == []
    market.assert_invariants()


def test_an_order_whose_validity_ended_is_not_placed_again(market: Market) -> None:
    (order_id,) = leave_on_its_way(market, market.account())
    pass_time(market)
    end_validity(market)

    market.application.trading.execution.run_exactly([order_id])

    assert market.statuses() == {order_id: "expired"}
    market.assert_invariants()


def test_an_answer_after_the_close_trades_nothing(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    (accepted,) = market.accept(market.account(), market.request())

    monkeypatch.setattr(market.application.orders.venue, "_sleep", lambda _: end_validity(market))
    market.application.trading.execution.run([accepted.order_id])

    assert market.statuses() == {accepted.order_id: "expired"}
    assert events(market, accepted.order_id)[-1] == ("expired", 1, "VALIDITY_ENDED")
    assert market.application.people.reading.positions(market.accounts["trader"]) == []
    assert market.application.trading.balances.of(market.accounts["trader"]).margin_used == 0
    market.assert_invariants()


def test_expiry_ends_an_abandoned_order_and_leaves_one_whose_lease_lasts(market: Market) -> None:
    user = market.account()
    (abandoned,) = leave_on_its_way(market, user)
    pass_time(market)
    (accepted,) = market.accept(user, market.request())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(market.application.orders.venue, "_sleep", fall_silent)
        with pytest.raises(Silence):
            market.application.trading.execution.run([accepted.order_id])
    end_validity(market)

    assert market.application.trading.expiry.run() == 1

    assert market.statuses() == {abandoned: "expired", accepted.order_id: "submitting"}
    market.assert_invariants()


def test_orders_on_their_way_do_not_keep_others_from_expiring(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = market.account()
    leave_on_its_way(market, user, count=5)
    market.accept(user, *[market.request() for _ in range(5)])
    monkeypatch.setattr("angel_x.services.trading.expiry._AT_A_TIME", 2)
    end_validity(market)

    assert market.application.trading.expiry.run() == 5

    assert sorted(market.statuses().values()) == ["expired"] * 5 + ["submitting"] * 5


def end_validity(market: Market) -> None:
    now = market.application.base.clock() - timedelta(minutes=1)
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE orders SET valid_until = %s - id * '1 s'::interval", (now,)
        )
