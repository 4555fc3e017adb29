"""A submission that comes back again and again is given up, unless a server was to blame."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from psycopg2.errors import AdminShutdown, QueryCanceled
from sqlalchemy.exc import OperationalError

from angel_x.bootstrap import Application
from angel_x.errors import SubmissionAbandoned
from angel_x.services.intake.messaging import MAX_ATTEMPTS
from angel_x.services.intake.submissions import Submissions
from tests.builders.orders import Market


@pytest.fixture
def market(application: Application) -> Market:
    market = Market.open(application)
    market.account("demo")
    return market


def order(market: Market) -> dict[str, Any]:
    return {
        "client_order_id": "mine",
        "symbol": market.symbols[0],
        "side": "BUY",
        "quantity": 65,
    }


def fail_with(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def submit(*_: object) -> None:
        raise error

    monkeypatch.setattr(Submissions, "submit", submit)


def refusal(market: Market) -> dict[str, Any] | None:
    kept = market.application.intake.refusals.get(market.accounts["demo"], "mine")
    return None if kept is None else msgspec.to_builtins(kept)


@pytest.mark.parametrize(
    "error", [SoftTimeLimitExceeded(), OperationalError("INSERT", {}, QueryCanceled())]
)
def test_a_message_that_never_has_enough_time_is_given_up_and_its_account_can_read_why(
    market: Market, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    messaging = market.application.intake.messaging
    fail_with(monkeypatch, error)
    for _ in range(MAX_ATTEMPTS):
        with pytest.raises(type(error)):
            messaging.resubmit("m1", order(market))
        assert refusal(market) is None

    assert isinstance(messaging.resubmit("m1", order(market)), SubmissionAbandoned)

    problem = refusal(market)
    assert problem is not None
    assert problem["title"] == "SubmissionAbandoned"
    assert market.statuses() == {}


def test_a_message_outlasts_any_outage_of_a_server(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    messaging = market.application.intake.messaging
    with monkeypatch.context() as patched:
        fail_with(patched, OperationalError("INSERT", {}, AdminShutdown()))
        for _ in range(3 * MAX_ATTEMPTS):
            with pytest.raises(OperationalError):
                messaging.resubmit("m1", order(market))

    outcome = messaging.resubmit("m1", order(market))

    assert isinstance(outcome, tuple)
    (accepted,) = outcome
    assert market.statuses() == {accepted.order_id: "received"}
    assert refusal(market) is None


def test_one_message_is_not_given_up_for_another(
    market: Market, monkeypatch: pytest.MonkeyPatch
) -> None:
    messaging = market.application.intake.messaging
    with monkeypatch.context() as patched:
        fail_with(patched, SoftTimeLimitExceeded())
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(SoftTimeLimitExceeded):
                messaging.resubmit("m1", order(market))

    outcome = messaging.resubmit("m2", order(market))
    assert isinstance(outcome, tuple)
    assert len(outcome) == 1
