"""The books of a served exchange against those of PostgreSQL, and the updates from one to the other."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from time import monotonic, sleep

import pytest

from angel_x.bootstrap import Application, reconciliation
from angel_x.domain.exchange.reconciliation import Reconciliation
from angel_x.domain.orders.order import Side
from angel_x.entrypoints.following import following
from angel_x.rehearsal.fake_exchange.faults import Fault
from angel_x.services.trading import margin_comparison
from angel_x.services.trading import reconciliation as reconciling
from tests.builders.at_exchange import CASH, Live, live
from tests.builders.broker import LOT
from tests.builders.deadlines import DEADLINE_SECONDS


@pytest.fixture(autouse=True)
def _at_once_and_with_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "sleep", lambda _: None)
    for module in (reconciling, margin_comparison):
        monkeypatch.setattr(module, "_PATIENCE_SECONDS", 60.0)


def trade(at: Live, user: int, limit: str, quantity: int = LOT) -> int:
    """Send an order to the exchange; return its id."""
    request = at.market.request(Side.BUY, limit=limit, quantity=quantity)
    (accepted,) = at.market.accept(user, request)
    at.trading.execution.run([accepted.order_id])
    return accepted.order_id


def wait_for(condition: Callable[[], bool]) -> None:
    end = monotonic() + DEADLINE_SECONDS
    while not condition():
        assert monotonic() < end, "it did not come"
        sleep(0.05)


def move(at: Live, bid: Decimal) -> None:
    """Let the maker quote the first contract at another price."""
    token = next(iter(at.at_broker.exchange.listings))
    at.at_broker.server.do(
        lambda each: each.matching.quote(token, bid, bid + Decimal("0.50"), 100 * LOT)
    )


def kinds(result: Reconciliation) -> list[tuple[str, str, str]]:
    return [(each.kind.value, each.broker, each.database) for each in result.differences]


def test_both_sides_agree_until_one_of_them_changes_behind_the_other(
    application: Application,
) -> None:
    with live(application) as at:
        user = at.market.account(cash=str(CASH))
        filled, resting = trade(at, user, "101.00"), trade(at, user, "99.00")
        assert at.market.statuses() == {filled: "filled", resting: "working"}

        agreed = at.trading.reconciler.run()
        move(at, Decimal(98))
        differs = at.trading.reconciler.run()
        assert at.trading.reconciler.newest() == differs
        at.trading.reports.look()
        again = at.trading.reconciler.run()
        (margin,) = at.trading.margin_comparison.run()

    assert agreed.agrees
    assert (agreed.orders, agreed.executions, agreed.positions) == (2, 1, 1)
    assert [kind for kind, *_ in kinds(differs)] == [
        "order_state",
        "order_filled",
        "fill_unrecorded",
        "position",
        "funds",
    ]
    assert ("position", str(2 * LOT), str(LOT)) in kinds(differs)
    assert again.agrees
    assert again.executions == 2
    assert (margin.underlying, margin.ratio) == ("NIFTY", 0.0)


@pytest.mark.parametrize(("tolerance", "agrees"), [(100.0, True), (99.99, False)])
def test_cash_may_differ_by_the_tolerance(
    application: Application, tolerance: float, *, agrees: bool
) -> None:
    with live(application, angel_one_funds_tolerance=tolerance) as at:
        at.market.account(cash=str(CASH - 100))

        result = at.trading.reconciler.run()

    assert result.agrees is agrees
    assert kinds(result) == ([] if agrees else [("funds", f"{CASH}.00", f"{CASH - 100}.00")])


def test_the_database_follows_the_order_updates_of_the_broker(application: Application) -> None:
    with live(application) as at, following(at.application):
        user = at.market.account(cash=str(CASH))
        order = trade(at, user, "99.00")
        at.at_broker.plan(Fault.DUPLICATE, "update")
        move(at, Decimal("98.00"))

        wait_for(lambda: at.market.statuses() == {order: "filled"})
        wait_for(lambda: at.trading.reconciler.newest() is not None)


def test_accounts_that_do_not_trade_live_are_left_out(application: Application) -> None:
    with live(application, live_users="trader") as at:
        at.market.account(cash=str(CASH))
        other = at.market.account("other", cash="500000")
        request = at.market.request(Side.BUY, limit="101.00")
        (accepted,) = at.market.accept(other, request)
        application.trading.execution.run([accepted.order_id])

        assert at.market.statuses() == {accepted.order_id: "filled"}
        assert at.trading.reconciler.run().agrees
