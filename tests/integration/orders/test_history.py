"""Every move of an order is an event that says who, why and in which attempt."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.orders.order import OrderRequest
from angel_x.services.intake.acceptance import Submission
from angel_x.services.trading import amendment_form
from tests.builders.environs import application_on
from tests.builders.orders import Market

Event = tuple[str, str, str | None, int]


@pytest.fixture
def market(application: Application) -> Market:
    market = Market.open(application)
    market.account()
    return market


def decided(market: Market, request: OrderRequest) -> int:
    (accepted,) = market.accept(market.accounts["trader"], request)
    market.application.trading.execution.run([accepted.order_id])
    return accepted.order_id


def story(market: Market, order_id: int) -> list[Event]:
    events = market.application.operations.audit.timeline(order_id)
    assert [event.at for event in events] == sorted(event.at for event in events)
    return [(e.status.value, e.actor, e.reason, e.attempt) for e in events]


def test_an_order_that_trades_at_once_does_so_in_its_first_attempt(market: Market) -> None:
    order_id = decided(market, market.request())

    assert story(market, order_id) == [
        ("received", "api", None, 0),
        ("filled", "execution", None, 1),
    ]


def test_the_actor_of_an_acceptance_is_who_handed_it_in(market: Market) -> None:
    user = market.accounts["trader"]
    mine, message = market.request(), market.request()
    outcomes = market.application.intake.acceptance.accept(
        [
            Submission(user, (mine,), actor="cli"),
        ]
    ) + market.application.intake.acceptance.accept([Submission(user, (message,), actor="message")])

    actors = [
        story(market, outcome[0].order_id)[0][1]
        for outcome in outcomes
        if isinstance(outcome, tuple)
    ]
    assert actors == ["cli", "message"]


def test_a_refusal_names_its_reason(market: Market) -> None:
    (accepted,) = market.accept(market.account("poor", cash="100"), market.request())

    market.application.trading.execution.run([accepted.order_id])

    assert story(market, accepted.order_id)[-1] == ("denied", "execution", "INSUFFICIENT_MARGIN", 1)


def test_a_resting_order_that_is_amended_matched_and_filled(market: Market) -> None:
    application, user = market.application, market.accounts["trader"]
    order_id = decided(market, market.request(limit="90.00"))

    change = amendment_form.read({"price": "91.00"})
    application.trading.amending.amend(user, order_id, change, actor="cli")
    market.quote(market.symbols[0], "90.50", "91.00")
    application.trading.matching.run()

    assert story(market, order_id)[1:] == [
        ("working", "execution", None, 1),
        ("working", "cli", "AMENDED", 1),
        ("filled", "matching", None, 1),
    ]
    (amended,) = [
        e for e in application.operations.audit.timeline(order_id) if e.reason == "AMENDED"
    ]
    assert amended.detail is not None
    assert "91" in amended.detail


def test_a_resting_order_that_is_canceled(market: Market) -> None:
    order_id = decided(market, market.request(limit="90.00"))

    market.application.trading.cancellation.cancel(market.accounts["trader"], order_id)

    assert story(market, order_id)[-1] == ("canceled", "api", "REQUESTED", 1)


def test_a_resting_order_that_expires(market: Market) -> None:
    order_id = decided(market, market.request(limit="90.00"))
    past = market.application.base.clock() - timedelta(minutes=1)
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET valid_until = %s", (past,))

    market.application.trading.expiry.run()

    assert story(market, order_id)[-1] == ("expired", "expiry", "VALIDITY_ENDED", 1)


@pytest.fixture
def slow(environ: dict[str, str]) -> Iterator[Market]:
    """A market in which orders are on their way for a moment."""
    with application_on(environ, paper_latency_ms="1") as application:
        market = Market.open(application)
        market.account()
        yield market


def test_an_order_to_a_slow_venue_and_the_answer_of_the_venue(slow: Market) -> None:
    order_id = decided(slow, slow.request())

    assert story(slow, order_id)[1:] == [
        ("submitting", "execution", None, 1),
        ("filled", "venue", None, 1),
    ]
