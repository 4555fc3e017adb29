"""What was accepted stays accepted, whatever has happened to its contract or to the queue since."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.operations.metric import Metric
from angel_x.errors import IdempotencyConflict, InvalidOrder, QueueFull
from angel_x.services.intake.acceptance import Submission
from tests.builders.message_ids import new_id
from tests.builders.orders import Market


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return environ | {"ANGEL_X_MAX_QUEUE_SIZE": "3", "ANGEL_X_SUBMIT_USER": "trader"}


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@pytest.mark.parametrize(
    ("spoil", "refusal"),
    [
        (Market.unlist, InvalidOrder),
        (Market.expire, InvalidOrder),
        (Market.fill_the_queue, QueueFull),
    ],
)
def test_an_order_that_was_stored_is_answered_with_whatever_has_become_impossible_since(
    market: Market, spoil: Callable[[Market], None], refusal: type[Exception]
) -> None:
    user = market.account()
    request, fresh = market.request(), market.request()
    (first,) = market.accept(user, request)
    spoil(market)

    again, new, both = market.application.intake.submissions.submit(
        [
            Submission(user, (request,)),
            Submission(user, (fresh,)),
            Submission(user, (request, fresh)),
        ]
    )

    assert isinstance(again, tuple)
    assert [(order.order_id, order.replayed) for order in again] == [(first.order_id, True)]
    assert isinstance(new, refusal)
    assert isinstance(both, refusal)
    assert market.application.people.reading.order_of_client(user, fresh.client_order_id) is None


def test_other_content_under_a_known_id_is_no_replay(market: Market) -> None:
    user = market.account()
    market.accept(user, market.request(client_order_id="a"))
    market.unlist()

    (outcome,) = market.application.intake.submissions.submit(
        [Submission(user, (market.request(client_order_id="a", quantity=130),))]
    )

    assert isinstance(outcome, InvalidOrder)


def test_a_message_that_comes_again_after_expiry_leaves_no_refusal(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Metric] = []
    meter = type(market.application.base.meter)
    monkeypatch.setattr(meter, "add", lambda _, metric, *__, **___: counted.append(metric))
    user = market.account()
    message = {
        "client_order_id": "m",
        "symbol": market.symbols[0],
        "side": "BUY",
        "quantity": 65,
    }
    first = market.application.intake.messaging.submit(new_id(), message)
    market.expire()

    again = market.application.intake.messaging.submit(new_id(), message)

    assert isinstance(first, tuple)
    assert isinstance(again, tuple)
    assert (again[0].order_id, again[0].replayed) == (first[0].order_id, True)
    assert market.application.intake.refusals.get(user, "m") is None
    assert counted == [Metric.ORDERS_ACCEPTED, Metric.IDEMPOTENT_REPLAYS]


def test_a_conflict_with_a_submission_that_is_itself_refused_is_none(market: Market) -> None:
    user = market.account()
    market.accept(user, market.request(client_order_id="taken"))
    refused = Submission(
        user,
        (
            market.request(client_order_id="free"),
            market.request(client_order_id="taken", quantity=130),
        ),
    )
    good = Submission(user, (market.request(client_order_id="free", quantity=130),))

    outcomes = market.application.intake.acceptance.accept([refused, good])

    assert isinstance(outcomes[0], IdempotencyConflict)
    assert isinstance(outcomes[1], tuple)
    stored = market.application.people.reading.order_of_client(user, "free")
    assert stored is not None
