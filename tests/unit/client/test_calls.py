"""Each method of the client is one call of the API."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from angel_x import Client
from angel_x.errors import Conflict, Unavailable
from tests.unit.client.conftest import Script

PROBLEM = {"detail": "as the script says"}
AT = datetime(2026, 11, 23, 3, 45, tzinfo=UTC)
ORDER = {"symbol": "NIFTY_01DEC26_24000CE", "side": "BUY", "quantity": 65}
LEGS = {"basket_id": "pair", "orders": [ORDER], "on_refusal": "flatten"}
Call = Callable[[Client], object]

CALLS: list[tuple[str, Call, str, str, Any]] = [
    ("submit", lambda c: c.submit(ORDER | {"client_order_id": "a"}), "POST", "/v1/orders",
     {"orders": [ORDER | {"client_order_id": "a"}]}),
    ("order", lambda c: c.order("7"), "GET", "/v1/orders/7", None),
    ("submission", lambda c: c.submission("a/b"), "GET", "/v1/submissions/a%2Fb", None),
    ("orders", lambda c: list(c.orders(status="working", client_order_id="a")), "GET",
     "/v1/orders?status=working&limit=100&client_order_id=a", None),
    ("order_page", lambda c: c.order_page(status="open", cursor="a", page_size=50), "GET",
     "/v1/orders?status=open&cursor=a&limit=50", None),
    ("modify", lambda c: c.modify("7", price="95.00"), "PATCH", "/v1/orders/7",
     {"price": "95.00"}),
    ("cancel", lambda c: c.cancel("7"), "DELETE", "/v1/orders/7", None),
    ("cancel_all", lambda c: c.cancel_all(underlying="NIFTY"), "DELETE",
     "/v1/orders?underlying=NIFTY", None),
    ("basket", lambda c: c.basket([ORDER], basket_id="pair", on_refusal="flatten"), "POST",
     "/v1/baskets", LEGS),
    ("read_basket", lambda c: c.read_basket("pair"), "GET", "/v1/baskets/pair", None),
    ("square_off", lambda c: c.square_off(product="MIS", key="out"), "POST", "/v1/square-off",
     {"key": "out", "product": "MIS"}),
    ("square_off_standing", lambda c: c.square_off_standing("3"), "GET", "/v1/square-off/3", None),
    ("kill_switch", lambda c: c.kill_switch("on", reason="lunch"), "PUT", "/v1/kill-switch",
     {"state": "on", "scope": "user", "reason": "lunch"}),
    ("controls", lambda c: c.controls(), "GET", "/v1/kill-switch", None),
    ("holder", lambda c: c.holder(), "GET", "/v1/key", None),
    ("market", lambda c: c.market(), "GET", "/v1/market", None),
    ("positions", lambda c: c.positions(), "GET", "/v1/positions", None),
    ("trades", lambda c: c.trades(), "GET", "/v1/trades", None),
    ("trades", lambda c: c.trades(since=AT, until=AT), "GET",
     "/v1/trades?since=2026-11-23T03%3A45%3A00%2B00%3A00&until=2026-11-23T03%3A45%3A00%2B00%3A00", None),
    ("contract_note", lambda c: c.contract_note(AT.date()), "GET", "/v1/contract-notes/2026-11-23",
     None),
    ("shadow", lambda c: c.shadow(AT.date()), "GET", "/v1/shadow?day=2026-11-23", None),
    ("pnl", lambda c: c.pnl("tag", since=AT.date()), "GET", "/v1/pnl?by=tag&since=2026-11-23", None),
    ("past_portfolio", lambda c: c.past_portfolio(AT), "GET",
     "/v1/portfolio/past?at=2026-11-23T03%3A45%3A00%2B00%3A00", None),
    ("equity", lambda c: c.equity(), "GET", "/v1/equity", None),
    ("scenarios", lambda c: c.scenarios([ORDER], days=[0, 1]), "POST", "/v1/scenarios",
     {"orders": [ORDER], "days": [0, 1]}),
    ("fills", lambda c: list(c.fills(AT)), "GET",
     "/v1/fills?since=2026-11-23T03%3A45%3A00%2B00%3A00", None),
    ("strategies", lambda c: c.strategies(), "GET", "/v1/strategies", None),
    ("tags", lambda c: c.tags(), "GET", "/v1/strategies/tags", None),
    ("plan_strategy", lambda c: c.plan_strategy("box", "NIFTY", direction="long", strikes=["1", "2"],
                                                expiries=[AT.date()]),
     "POST", "/v1/strategies", {"name": "box", "underlying": "NIFTY", "direction": "long", "lots": 1,
                                "expiry": "2026-11-23", "strikes": ["1", "2"]}),
    ("portfolio", lambda c: c.portfolio(), "GET", "/v1/portfolio", None),
    ("margin", lambda c: c.margin(), "GET", "/v1/margin", None),
    ("margin", lambda c: c.margin(ORDER), "POST", "/v1/margin", {"orders": [ORDER]}),
    ("limits", lambda c: c.limits(user="asha"), "GET", "/v1/limits?user=asha", None),
    ("set_limits", lambda c: c.set_limits({"max_open_orders": 5}, everyone=True), "PUT",
     "/v1/limits?scope=global", {"max_open_orders": 5}),
    ("clear_limits", lambda c: c.clear_limits("max_open_orders", "max_daily_loss"), "DELETE",
     "/v1/limits?kind=max_open_orders&kind=max_daily_loss", None),
    ("greeks", lambda c: c.greeks("X"), "GET", "/v1/greeks/X", None),
    ("option_chain", lambda c: c.option_chain("NIFTY", AT.date()), "GET",
     "/v1/option-chain/NIFTY?expiry=2026-11-23", None),
    ("chain_summary", lambda c: c.chain_summary("M&M"), "GET",
     "/v1/option-chain/M%26M/summary", None),
    ("underlying_minutes", lambda c: c.underlying_minutes("M&M", expiry=AT.date(), day=AT.date()), "GET",
     "/v1/option-chain/M%26M/minutes?expiry=2026-11-23&day=2026-11-23", None),
    ("contract_minutes", lambda c: c.contract_minutes("X"), "GET", "/v1/minutes/X", None),
    ("audit", lambda c: list(c.audit(subject="order:7", since=AT, page_size=2)), "GET",
     "/v1/audit?subject=order%3A7&limit=2&since=2026-11-23T03%3A45%3A00%2B00%3A00", None),
    ("audit_page", lambda c: c.audit_page(text="a b", cursor="c9"), "GET",
     "/v1/audit?limit=100&text=a+b&cursor=c9", None),
    ("machine", lambda c: c.machine(), "GET", "/v1/machine", None),
    ("parked_orders", lambda c: c.parked_orders(replayed=True), "GET",
     "/v1/parked-orders?replayed=true", None),
    ("replay", lambda c: c.replay("7"), "POST", "/v1/orders/7/replay", None),
    ("alert_targets", lambda c: c.alert_targets(operators=True), "GET",
     "/v1/alerts/targets?scope=operators", None),
    ("set_alert_target", lambda c: c.set_alert_target("my phone", "tgram://1/2", topics=["fill"]), "PUT",
     "/v1/alerts/targets/my%20phone", {"url": "tgram://1/2", "topics": ["fill"], "quiet_hours": None}),
    ("remove_alert_target", lambda c: c.remove_alert_target("phone", user="asha"), "DELETE",
     "/v1/alerts/targets/phone?user=asha", None),
    ("test_alerts", lambda c: c.test_alerts("phone"), "POST", "/v1/alerts/test?name=phone", None),
    ("alert_notices", lambda c: c.alert_notices("dead"), "GET", "/v1/alerts/notices?status=dead", None),
    ("retry_alerts", lambda c: c.retry_alerts(), "POST", "/v1/alerts/retry", None),
    ("stream", lambda c: list(c.stream()), "GET", "/v1/stream", None),
    ("quotes", lambda c: list(c.quotes(["A", "B&C"])), "GET", "/v1/stream?watch=A,B%26C", None),
]  # fmt: skip
ENDLESS = {"stream", "quotes"}
#: An answer that was lost would make the next one a lie.
TRIED_ONCE = {
    "modify", "cancel", "cancel_all", "replay", "remove_alert_target", "test_alerts", "retry_alerts"
}  # fmt: skip


@pytest.mark.parametrize(("call", "method", "path", "body"), [each[1:] for each in CALLS])
def test_a_method_sends_what_it_was_given(
    script: Script, client: Client, call: Call, method: str, path: str, body: object
) -> None:
    script.answer(409, PROBLEM)

    with pytest.raises(Conflict, match="as the script says"):
        call(client)

    assert script.requests == [(method, path, body)]


@pytest.mark.parametrize(("name", "call"), [each[:2] for each in CALLS if each[0] not in ENDLESS])
def test_only_what_another_attempt_cannot_falsify_is_tried_again(
    script: Script, client: Client, name: str, call: Call
) -> None:
    for _ in range(4):
        script.answer(503, PROBLEM)

    with pytest.raises(Unavailable):
        call(client)

    assert len(script.requests) == (1 if name in TRIED_ONCE else 4)


def test_no_method_is_left_out() -> None:
    methods = inspect.getmembers(Client, inspect.isfunction)

    assert {name for name, _ in methods if name[0] != "_"} == {each[0] for each in CALLS} | {
        "close"
    }


def test_the_audit_is_read_page_after_page(script: Script, client: Client) -> None:
    entry = {"id": "9", "at": AT, "actor": "key:1", "action": "order.replayed", "detail": {}}
    script.answer(200, {"entries": [entry | {"subject": "order:7"}], "next": "c9"})
    script.answer(200, {"entries": [entry | {"subject": "order:6", "id": "8"}], "next": None})

    assert [found.subject for found in client.audit()] == ["order:7", "order:6"]
    assert script.requests[1][1] == "/v1/audit?limit=100&cursor=c9"
