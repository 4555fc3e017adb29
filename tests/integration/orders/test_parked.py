"""Parked orders are shown with their traceback and sent again once, at an operator's word."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from decimal import Decimal
from threading import Barrier

import pytest

from angel_x.bootstrap import Application
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.order import Order, Validity
from angel_x.domain.records.audit import AuditFilter
from angel_x.errors import ReplayRefused, UnknownOrder
from angel_x.services.trading.paper_market import PaperMarket
from tests.builders.orders import Market

OPERATOR = "cli:asha"


@pytest.fixture
def market(application: Application) -> Market:
    market = Market.open(application)
    market.account()
    return market


def park(market: Market, client_order_id: str = "mine", limit: str | None = None) -> int:
    """Accept an order that makes the execution fail, and let it be parked."""
    honest = PaperMarket.terms

    def terms(self: PaperMarket, orders: Sequence[Order]) -> list[Terms]:
        if any(order.client_order_id == client_order_id for order in orders):
            raise ZeroDivisionError("no price for this one")
        return honest(self, orders)

    request = market.request(client_order_id=client_order_id, limit=limit, validity=Validity.DAY)
    (accepted,) = market.accept(market.accounts["trader"], request)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(PaperMarket, "terms", terms)
        market.application.trading.execution.run([accepted.order_id])
    assert market.statuses()[accepted.order_id] == "denied"
    return accepted.order_id


def rows(market: Market) -> list[tuple[object, ...]]:
    statement = """
        SELECT client_order_id, symbol, side, quantity, order_type, limit_price, validity, product,
            priority, status, request_hash
        FROM orders ORDER BY id
    """
    with market.application.base.engine.connect() as connection:
        found = connection.exec_driver_sql(statement).fetchall()
    return [(*row[:-1], bytes(row[-1])) for row in found]


def audited(market: Market) -> int:
    return len(
        market.application.operations.audit.entries(AuditFilter(), after=None, limit=10).entries
    )


def test_a_parked_order_is_shown_with_its_traceback(market: Market) -> None:
    order_id = park(market)

    (parked,) = market.application.trading.replays.parked()

    assert parked.order_id == str(order_id)
    assert parked.account == "trader"
    assert parked.detail is not None
    assert parked.detail.startswith("Traceback")
    assert parked.detail.rstrip().endswith("ZeroDivisionError: no price for this one")
    assert market.application.trading.replays.waiting() == 1


def test_an_order_that_the_database_refuses_is_parked_with_what_it_said(
    market: Market, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    honest = PaperMarket.terms

    def for_nothing(self: PaperMarket, orders: Sequence[Order]) -> list[Terms]:
        return [replace(terms, fill_price=Decimal(0)) for terms in honest(self, orders)]

    monkeypatch.setattr(PaperMarket, "terms", for_nothing)
    (accepted,) = market.accept(market.accounts["trader"], market.request(limit="101.00"))
    market.application.trading.execution.run([accepted.order_id])

    (parked,) = market.application.trading.replays.parked()
    assert parked.detail is not None
    assert "CheckViolation" in parked.detail
    assert "fills_price_check" in parked.detail
    # What the account owns is nobody's business who reads a log or a list of parked orders.
    assert "10000000" not in parked.detail + capfd.readouterr().err
    market.assert_invariants()


def test_a_replay_is_a_new_order_of_the_same_content_and_is_audited(market: Market) -> None:
    order_id = park(market, limit="101.00")

    replayed = market.application.trading.replays.replay(order_id, OPERATOR)

    old, new = rows(market)
    assert new == ("mine replay 1", *old[1:9], "received", old[-1])
    (event,) = market.application.operations.audit.timeline(int(replayed.order_id))
    assert (event.status, event.actor, event.reason) == ("received", OPERATOR, "REPLAYED")
    page = market.application.operations.audit.entries(
        AuditFilter(subject=f"order:{order_id}"), after=None, limit=10
    )
    (entry,) = page.entries
    assert (entry.actor, entry.action) == (OPERATOR, "order.replayed")
    assert entry.detail == {"order_id": replayed.order_id, "client_order_id": "mine replay 1"}


def test_a_replay_is_decided_like_any_order_and_its_original_stays_denied(market: Market) -> None:
    order_id = park(market)

    new_id = int(market.application.trading.replays.replay(order_id, OPERATOR).order_id)
    market.application.trading.execution.run([new_id])

    assert market.statuses() == {order_id: "denied", new_id: "filled"}
    assert market.application.trading.replays.parked() == ()
    (shown,) = market.application.trading.replays.parked(replayed=True)
    assert shown.replayed_as == str(new_id)
    market.assert_invariants()


def test_an_order_whose_replay_is_open_is_not_sent_again(market: Market) -> None:
    order_id = park(market)
    market.application.trading.replays.replay(order_id, OPERATOR)

    with pytest.raises(ReplayRefused, match="open or has traded"):
        market.application.trading.replays.replay(order_id, OPERATOR)

    assert len(rows(market)) == 2
    assert audited(market) == 1


def test_an_order_whose_replay_has_traded_is_never_sent_again(market: Market) -> None:
    order_id = park(market)
    new_id = int(market.application.trading.replays.replay(order_id, OPERATOR).order_id)
    market.application.trading.execution.run([new_id])

    for either in (order_id, new_id):
        with pytest.raises(ReplayRefused, match="open or has traded"):
            market.application.trading.replays.replay(either, OPERATOR)

    assert len(rows(market)) == 2


def test_a_replay_that_is_parked_as_well_is_replayed_in_the_name_of_the_first(
    market: Market,
) -> None:
    order_id = park(market)
    first = market.application.trading.replays.replay(order_id, OPERATOR)
    assert market.application.trading.execution.park([int(first.order_id)], "no better") == 1

    second = market.application.trading.replays.replay(int(first.order_id), OPERATOR)

    assert second.client_order_id == "mine replay 2"
    assert second.replay_of == str(order_id)


def test_an_order_that_was_not_parked_is_not_sent_again(market: Market) -> None:
    (accepted,) = market.accept(market.accounts["trader"], market.request())
    market.application.trading.execution.run([accepted.order_id])

    with pytest.raises(ReplayRefused, match="not parked"):
        market.application.trading.replays.replay(accepted.order_id, OPERATOR)
    with pytest.raises(UnknownOrder):
        market.application.trading.replays.replay(accepted.order_id + 1, OPERATOR)

    assert len(rows(market)) == 1
    assert audited(market) == 0


def test_an_order_of_a_square_off_is_left_to_it(market: Market) -> None:
    order_id = park(market)
    with market.application.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE orders SET client_order_id = 'square-off 7 1'")

    with pytest.raises(ReplayRefused, match="basket or a square-off"):
        market.application.trading.replays.replay(order_id, OPERATOR)

    assert len(rows(market)) == 1


def test_two_operators_at_once_send_an_order_once(market: Market) -> None:
    order_id, together = park(market), Barrier(2)

    def replay(operator: str) -> str | None:
        together.wait()
        try:
            return market.application.trading.replays.replay(order_id, operator).order_id
        except ReplayRefused:
            return None

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(replay, ("cli:asha", "cli:ravi")))

    assert outcomes.count(None) == 1
    assert len(rows(market)) == 2
    assert audited(market) == 1
