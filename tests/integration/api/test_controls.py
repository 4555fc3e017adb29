"""Kill switch, cancel-all and square-off over HTTP."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from angel_x import Client
from angel_x.domain.book.control import ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.records.access import Scope
from angel_x.domain.records.live_event import BEGINNING
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.errors import Conflict, NotFound, Unauthorized
from tests.builders.markets import standing_market
from tests.builders.orders import Market
from tests.integration.api.running import RunningApi, wait_until

Account = tuple[int, str]


@pytest.fixture
def api(api: RunningApi) -> RunningApi:
    """An API with a chain that is quoted, at a time at which intraday orders are taken."""
    Market.open(api.application)
    return api


@pytest.fixture
def admin(api: RunningApi) -> str:
    return api.open_account("admin", scopes=[Scope.ADMIN])[1]


def place(api: RunningApi, client: Client, **fields: object) -> str:
    """Submit an order and decide it as a worker would."""
    symbol = api.application.market.universes.current().symbols[0]
    order = {"symbol": symbol, "side": "BUY", "quantity": 65, **fields}
    (receipt,) = client.submit(order)
    api.application.trading.execution.run([int(receipt.order_id)])
    return receipt.order_id


def rest(api: RunningApi, client: Client) -> str:
    return place(api, client, order_type="LIMIT", price="80.00")


def test_an_account_halts_itself_and_goes_on(api: RunningApi, client: Client) -> None:
    receipt = client.kill_switch("on", reason="lunch")
    denied = place(api, client)
    client.kill_switch("off")
    traded = place(api, client)

    assert (receipt.state, receipt.scope, receipt.reason) == (
        TradingState.HALTED,
        ControlScope.USER,
        "lunch",
    )
    assert receipt.settled
    assert client.order(denied).reason == "TRADING_HALTED"
    assert client.order(traded).status is OrderStatus.FILLED


def test_an_account_halts_itself_by_its_own_name(
    api: RunningApi, client: Client, account: Account
) -> None:
    assert client.kill_switch("halted", name="trader").name == "trader"
    (control,) = api.application.controls.states.all()
    assert control.name == str(account[0])


def test_an_account_whose_name_is_the_id_of_another_is_itself(api: RunningApi) -> None:
    other, others_key = api.open_account("somebody")
    named_like_it, key = api.open_account(str(other))
    admin = api.open_account("root", scopes=[Scope.ADMIN])[1]
    assert named_like_it != other

    on = {"state": "on", "reason": "drill"}
    set_by_name = api.call("PUT", "/v1/kill-switch", key=admin, content={**on, "name": str(other)})
    own = api.call("PUT", "/v1/kill-switch", key=key, content=on)
    denied = api.call("PUT", "/v1/kill-switch", key=others_key, content={**on, "name": str(other)})
    limits = {"max_order_quantity": 65}
    api.call("PUT", f"/v1/limits?user={other}", key=admin, content=limits)

    assert [a.status for a in (set_by_name, own, denied)] == [200, 200, 403]
    assert set_by_name.body["name"] == own.body["name"] == str(other)
    assert [c.name for c in api.application.controls.states.all()] == [str(named_like_it)]
    shown = {k: api.call("GET", "/v1/kill-switch", key=k).body for k in (key, others_key, admin)}
    assert [c["name"] for c in shown[key]["controls"]] == [str(other)]
    assert (shown[key]["state"], shown[others_key]["state"]) == ("halted", "active")
    assert shown[others_key]["controls"] == []
    assert [c["name"] for c in shown[admin]["controls"]] == [str(other)]
    sheets = [api.call("GET", "/v1/limits", key=k).body["own"] for k in (key, others_key)]
    assert sheets[0]["max_order_quantity"] == 65
    assert "max_order_quantity" not in {k for k, v in sheets[1].items() if v is not None}
    audit = api.call("GET", f"/v1/audit?subject=user:{other}", key=admin).body["entries"]
    assert {(e["subject"], e["user_id"]) for e in audit} == {(f"user:{other}", named_like_it)}
    assert audit == api.call("GET", "/v1/audit", key=admin).body["entries"]
    sheet = api.call("GET", f"/v1/limits?user={other}", key=admin).body
    assert (sheet["user"], sheet["user_id"]) == (str(other), named_like_it)
    nobody = api.call("GET", "/v1/audit?subject=user:nobody", key=admin)
    assert (nobody.status, nobody.body["errors"][0]["value"]) == (404, "nobody")


@pytest.mark.parametrize(
    "fields",
    [
        {"scope": "system"},
        {"scope": "underlying", "name": "NIFTY"},
        {"scope": "user", "name": "admin"},
    ],
)
def test_the_rest_needs_the_scope_admin(
    api: RunningApi, client: Client, admin: str, fields: dict[str, str]
) -> None:
    with pytest.raises(Unauthorized):
        client.kill_switch("on", **fields)
    assert client.controls().controls == ()
    assert api.count("audit_entries") == 0

    answer = api.call("PUT", "/v1/kill-switch", key=admin, content={"state": "on", **fields})

    assert (answer.status, answer.body["state"]) == (200, "halted")
    assert api.count("audit_entries") == 1


def test_a_key_of_one_account_does_not_learn_which_others_there_are(
    api: RunningApi, key: str, admin: str
) -> None:
    refused = [
        api.call("PUT", "/v1/kill-switch", key=key, content={"state": "on", "name": name})
        for name in ("admin", "nobody")
    ]

    assert [answer.status for answer in refused] == [403, 403]
    assert refused[0].body == refused[1].body
    assert api.count("trading_controls") == 0


def test_a_key_that_only_reads_turns_nothing(api: RunningApi, account: Account) -> None:
    key = api.application.people.access.issue(account[0], [Scope.READ])

    for method, path in (
        ("PUT", "/v1/kill-switch"),
        ("POST", "/v1/square-off"),
        ("DELETE", "/v1/orders"),
    ):
        assert api.call(method, path, key=key, content={"state": "on"}).status == 403
    assert api.count("trading_controls") == api.count("workflows") == 0


@pytest.mark.parametrize(
    ("content", "field", "value"),
    [
        ({"state": "stop"}, "state", "stop"),
        ({"state": 1}, "state", "1"),
        ({"state": True}, "state", "True"),
        ({}, "state", ""),
        ({"state": "on", "scope": "galaxy"}, "scope", "galaxy"),
        ({"state": "on", "scope": "system", "name": "NIFTY"}, "name", "NIFTY"),
        ({"state": "on", "scope": "underlying"}, "name", ""),
        ({"state": "on", "reason": "x" * 201}, "reason", "x" * 80 + "…"),
        ({"state": "on", "reason": "\x00"}, "reason", "\x00"),
        ({"state": "on", "colour": "red"}, "colour", "red"),
    ],
)
def test_a_switch_that_makes_no_sense_turns_nothing(
    api: RunningApi, admin: str, content: object, field: str, value: str
) -> None:
    answer = api.call("PUT", "/v1/kill-switch", key=admin, content=content)

    assert answer.status == 400
    assert [(fault["field"], fault["value"]) for fault in answer.body["errors"]] == [(field, value)]
    assert api.count("trading_controls") == 0


def test_half_a_character_is_no_reason(api: RunningApi, key: str) -> None:
    body = rb'{"state": "on", "reason": "\ud800"}'

    answer = api.call("PUT", "/v1/kill-switch", key=key, body=body)

    assert (answer.status, answer.body["errors"][0]["field"]) == (400, "reason")
    assert api.count("trading_controls") == 0


@pytest.mark.parametrize("body", [b"null", b"[]", b'"on"', b"1", b"{", b"\xff", b'{"a":' * 700])
def test_a_body_that_is_no_object_turns_nothing(api: RunningApi, key: str, body: bytes) -> None:
    for method, path in (("PUT", "/v1/kill-switch"), ("POST", "/v1/square-off")):
        answer = api.call(method, path, key=key, body=body)

        assert answer.status == 400
        assert answer.body["detail"].startswith("the request must be ")
    assert api.count("trading_controls") == api.count("workflows") == 0


@pytest.mark.parametrize(
    "fields", [{"scope": "user", "name": "nobody"}, {"scope": "underlying", "name": "NIFTTY"}]
)
def test_a_switch_for_what_does_not_exist_is_not_found(
    api: RunningApi, admin: str, fields: dict[str, str]
) -> None:
    answer = api.call("PUT", "/v1/kill-switch", key=admin, content={"state": "on", **fields})

    assert (answer.status, answer.body["errors"][0]["value"]) == (404, fields["name"])
    assert api.count("trading_controls") == 0


def test_an_account_sees_what_holds_for_it_and_an_admin_sees_everything(
    api: RunningApi, client: Client, admin: str
) -> None:
    other = api.open_account("other")[1]
    with Client(api.url, other, retries=0) as stranger:
        stranger.kill_switch("on")
    client.kill_switch("reducing")

    own = client.controls()
    everything = api.call("GET", "/v1/kill-switch", key=admin).body

    assert (own.state, [c.state for c in own.controls]) == ("reducing", ["reducing"])
    assert len(everything["controls"]) == 2
    assert everything["state"] == "active"


def test_the_switch_is_told_to_the_account(api: RunningApi, client: Client) -> None:
    client.kill_switch("on")

    events = [(e.kind, e.user_id) for e in api.application.base.events.read(BEGINNING, 10).events]

    assert ("trading_state", api.application.people.accounts.named("trader").id) in events


def test_cancel_all_says_what_became_of_each_order(api: RunningApi, client: Client) -> None:
    first, second = rest(api, client), rest(api, client)

    outcomes = client.cancel_all()

    assert [(o.order_id, o.status, o.canceled) for o in outcomes] == [
        (first, OrderStatus.CANCELED, True),
        (second, OrderStatus.CANCELED, True),
    ]
    assert client.cancel_all(underlying="NIFTY") == []


def test_a_filter_that_does_not_exist_cancels_nothing(
    api: RunningApi, client: Client, key: str
) -> None:
    order_id = rest(api, client)

    assert api.call("DELETE", "/v1/orders?colour=red", key=key).status == 422
    assert api.call("DELETE", "/v1/orders?product=CNC", key=key).status == 422
    assert client.order(order_id).status is OrderStatus.WORKING


def test_a_square_off_is_stored_and_then_carried_out(
    api: RunningApi, client: Client, key: str
) -> None:
    place(api, client, side="SELL")

    record = client.square_off(key="out")
    assert (record.status, record.flat, record.left[0].quantity) == ("running", False, -65)
    api.application.workflows.advance.run(int(record.id))

    over = client.square_off_standing(record.id)
    assert (over.status, over.flat, over.left) == (WorkflowStatus.DONE, True, ())
    assert over.legs[0].average_price == Decimal("100.5")
    assert client.positions() == []
    assert api.call("POST", "/v1/square-off", key=key, content={"key": "out"}).status == 200
    with pytest.raises(Conflict):
        client.square_off(key="out", product="MIS")


def test_the_end_of_a_square_off_is_told(api: RunningApi, client: Client) -> None:
    place(api, client)
    record = client.square_off()

    api.application.workflows.advance.run(int(record.id))

    told = [
        e for e in api.application.base.events.read(BEGINNING, 10).events if e.kind == "square_off"
    ]
    assert len(told) == 1


def test_the_header_names_a_square_off(api: RunningApi, key: str) -> None:
    first = api.call("POST", "/v1/square-off", key=key, Idempotency_Key="once")
    second = api.call("POST", "/v1/square-off", key=key, Idempotency_Key="once")

    assert (first.status, second.status) == (202, 200)
    assert first.body["id"] == second.body["id"]


@pytest.mark.parametrize(
    "content", [{"symbol": "nifty"}, {"product": "CNC"}, {"key": "a b"}, {"all": True}]
)
def test_a_square_off_that_makes_no_sense_starts_nothing(
    api: RunningApi, key: str, content: dict[str, object]
) -> None:
    answer = api.call("POST", "/v1/square-off", key=key, content=content)

    assert answer.status == 400
    assert [{f["field"]: f["value"]} for f in answer.body["errors"]] == [
        {field: str(value) for field, value in content.items()}
    ]
    assert api.count("workflows") == 0


@pytest.mark.parametrize("content", [{"symbol": "NIFTY_1"}, {"underlying": "NIFTTY"}])
def test_a_square_off_of_what_is_not_listed_is_not_reported_as_flat(
    api: RunningApi, key: str, content: dict[str, object]
) -> None:
    answer = api.call("POST", "/v1/square-off", key=key, content=content)

    assert answer.status == 404
    assert [{f["field"]: f["value"]} for f in answer.body["errors"]] == [content]
    assert api.count("workflows") == 0


@pytest.mark.parametrize("wanted", ["symbol=NIFTY_1", "underlying=NIFTTY"])
def test_canceling_what_is_not_listed_is_not_reported_as_done(
    api: RunningApi, client: Client, key: str, wanted: str
) -> None:
    order_id = rest(api, client)

    answer = api.call("DELETE", f"/v1/orders?{wanted}", key=key)

    name, _, value = wanted.partition("=")
    assert answer.status == 404
    assert [(f["field"], f["value"]) for f in answer.body["errors"]] == [(name, value)]
    assert client.order(order_id).status is OrderStatus.WORKING


@pytest.mark.parametrize("square_off_id", ["0", "1", "x", "9" * 30])
def test_an_unknown_square_off_is_not_found(
    api: RunningApi, client: Client, square_off_id: str
) -> None:
    with pytest.raises(NotFound):
        client.square_off_standing(square_off_id)


def test_an_intraday_order_after_the_cut_off_is_refused_with_its_product(
    api: RunningApi, key: str, order: dict[str, object]
) -> None:
    application = api.application
    session = application.base.calendar.next_close(application.base.clock())
    at = session - timedelta(minutes=10)
    application.market.feed_ports.beacon.show(standing_market(at, application.base.clock()))
    wait_until(lambda: application.base.market_clock() == at)

    answer = api.call("POST", "/v1/orders", key=key, content=order | {"product": "MIS"})

    assert answer.status == 422
    assert [fault["field"] for fault in answer.body["errors"]] == ["product"]
    assert api.count("orders") == 0
