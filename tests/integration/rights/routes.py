"""The rights of HTTP, written by hand: what each call needs, and what it answers about whose object.

A route that has no row here fails the tests, and so does a row without a route.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from angel_x.domain.records.access import Scope
from angel_x.services.operations.alert_targets import TargetForm
from tests.integration.rights.world import HOLDER, NOBODY, Kind, World

#: Makes the body of a call from the name of the object that it is about.
Content = Callable[[World, str], object]

READ, TRADE, ADMIN = Scope.READ, Scope.TRADE, Scope.ADMIN
#: Needs no key.
OPEN = None
#: Either scope lets in: an account halts itself, and an administrator anyone.
CONTROL = frozenset({TRADE, ADMIN})


@dataclass(frozen=True, slots=True)
class Row:
    """One call, as the key of the account ``holder`` makes it."""

    #: Method and path as in the routes of the application.
    call: str
    #: The least scope that is let in, or either of several.
    needs: Scope | frozenset[Scope] | None
    #: The status of who is let in; of an object, for its owner.
    own: int = 200
    #: What the call names, and the answers for a stranger's and for one that nobody has.
    kind: Kind | None = None
    strangers: int = 404
    nobodys: int = 404
    #: These two answers for an administrator, who reaches every account here, by design.
    admins: tuple[int, int] | None = None
    #: The rest of the call; ``REF`` stands for the object.
    query: str = ""
    content: Content | None = None
    #: What has to be there before something can be stored.
    prepare: Callable[[World, str], object] | None = None
    #: What the answer about the holder's own must contain.
    shows: str = ""
    #: The answer lists contracts, which belong to nobody.
    lists_contracts: bool = False

    @property
    def scopes(self) -> frozenset[Scope]:
        return (
            frozenset({self.needs}) if isinstance(self.needs, Scope) else self.needs or frozenset()
        )

    @property
    def id(self) -> str:
        return f"{self.call}{self.query} {self.kind or ''}".strip()

    @property
    def stores(self) -> bool:
        """Whether the call is there to store something; a question is not."""
        return self.method not in {"GET", "HEAD"} and self.call not in _QUESTIONS

    @property
    def method(self) -> str:
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.call.partition(" ")[2]


_QUESTIONS = frozenset({"POST /v1/margin", "POST /v1/scenarios", "POST /v1/strategies"})


def _question(world: World, _ref: str) -> object:
    return {"orders": [world.order_fields()]}


def _straddle(_world: World, _ref: str) -> object:
    return {"name": "straddle", "direction": "short", "underlying": "NIFTY", "offsets": [0]}


def _order(world: World, ref: str) -> object:
    return {**world.order_fields(), "client_order_id": ref or world.name()}


def _other_order(world: World, ref: str) -> object:
    # Other content than an order has that is there, whoever's it is.
    return {**world.order_fields(), "client_order_id": ref, "quantity": 130}


def _price(_world: World, _ref: str) -> object:
    return {"price": "79.00"}


def _basket(world: World, ref: str) -> object:
    return {"basket_id": ref or world.name(), "orders": [world.order_fields()] * 2}


def _square_off(world: World, ref: str) -> object:
    return {"key": ref, "product": "MIS"} if ref else {"key": world.name()}


def _limits(world: World, _: str) -> object:
    # Never the same again, or nothing would be stored.
    return {"max_order_quantity": 10_000 + int(world.name().rpartition("-")[2])}


def _switch(scope: str, name: str = "") -> Content:
    """Turn trading on, which it is: what is stored is who has done so."""

    def content(_world: World, ref: str) -> object:
        named = ref or name
        return {"state": "off", "scope": scope, **({"name": named} if named else {})}

    return content


def _open_order(world: World, _ref: str) -> object:
    return world.fresh(Kind.ORDER, HOLDER)


def _limit_of(account: str | None) -> Callable[[World, str], object]:
    def put(world: World, ref: str) -> object:
        name = ref if account == "REF" else account
        user_id = world.market.accounts.get(name or "")
        return name == NOBODY or world.application.people.limits.put(
            user_id, {"max_open_orders": 5000}, "cli"
        )

    return put


def _telegram(_world: World, _ref: str) -> object:
    return {"url": "tgram://123456789:abcdefg_hijklmnop/12315544/"}


def _target(world: World, _ref: str) -> object:
    """Store a target of the holder with a dead notice."""
    app = world.application
    form = TargetForm("json://127.0.0.1:9/secret")
    app.alerts.targets.put(world.holder_id, "phone", form, actor="cli", by_operator=True)
    app.alerts.targets.test(world.holder_id, "phone", actor="cli")
    with app.base.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alert_notices SET status = 'dead'")
    return None


ROWS = (
    # Open: probes and documentation.
    Row("GET /livez", OPEN),
    Row("GET /readyz", OPEN, own=503),
    Row("GET /healthz", OPEN, own=503),
    Row("GET /", OPEN, own=307),
    Row("GET /openapi.json", OPEN),
    Row("GET /docs", OPEN),
    Row("GET /docs/page.js", OPEN),
    Row("GET /docs/problems", OPEN),
    Row("GET /docs/assets", OPEN, query="/swagger-ui.css"),
    Row("HEAD /docs/assets", OPEN, query="/swagger-ui.css"),
    # What an account reads of itself.
    Row("GET /v1/orders", READ, query="?limit=500", shows=HOLDER),
    Row("GET /v1/orders", READ, query="?symbol=SYMBOL&status=filled", shows=HOLDER),
    Row("GET /v1/orders", READ, query="?client_order_id=same", shows="same"),
    Row("GET /v1/orders", READ, query="?basket_id=same", shows='"basket_id":"same"'),
    Row(
        "GET /v1/orders", READ, 200, Kind.NAMED, 200, 200, query="?client_order_id=REF", shows="REF"
    ),
    Row("GET /v1/orders", READ, 200, Kind.BASKET, 200, 200, query="?basket_id=REF", shows="REF"),
    Row("GET /v1/orders/{order_id}", READ, 200, Kind.ORDER, shows="REF"),
    Row("GET /v1/orders/{order_id}", READ, 200, Kind.PARKED, shows="PROCESSING_FAILED"),
    Row("GET /v1/submissions/{client_order_id:path}", READ, 200, Kind.NAMED, shows="REF"),
    Row("GET /v1/submissions/{client_order_id:path}", READ, 422, Kind.REFUSED, shows="quantity"),
    Row("GET /v1/baskets/{basket_id:path}", READ, 200, Kind.BASKET, shows="REF"),
    Row("GET /v1/square-off/{workflow_id}", READ, 200, Kind.SQUARE_OFF, shows="REF"),
    Row("GET /v1/key", READ, shows=f'"user":"{HOLDER}"'),
    Row("GET /v1/positions", READ, shows="SYMBOL"),
    Row("GET /v1/trades", READ, shows="SYMBOL"),
    Row("GET /v1/fills", READ, shows="SYMBOL"),
    Row("GET /v1/ledger", READ),
    Row("GET /v1/contract-notes/{day}", READ),
    Row("GET /v1/shadow", READ, query="?day=2026-08-19", shows="SYMBOL"),
    Row("GET /v1/pnl", READ, query="?by=tag", shows="realised_fifo"),
    Row("GET /v1/equity", READ, shows="points"),
    Row("GET /v1/portfolio/past", READ, query="?at=2026-08-19T11:30:00Z", shows="snapshot_at"),
    Row("GET /v1/portfolio", READ, shows='"open_positions":1,'),
    Row("GET /v1/margin", READ, shows='"held":{}'),
    Row("GET /v1/limits", READ, shows='"max_order_notional":"1000000000"'),
    Row("GET /v1/kill-switch", READ, shows=HOLDER, admins=(200, 200)),
    Row("GET /v1/stream", READ, shows=HOLDER),
    Row("GET /v1/stream", READ, query="?watch=SYMBOL", shows="SYMBOL"),
    Row("POST /v1/margin", READ, content=_order, shows='"held":"0.00"'),
    Row("GET /v1/exports/{statement}", READ, query="?format=json", shows="SYMBOL"),
    Row("POST /v1/scenarios", READ, content=_question, shows="SYMBOL"),
    Row("GET /v1/strategies", READ, shows="SYMBOL"),
    Row("GET /v1/strategies/tags", READ, shows='"tag":""'),
    Row("POST /v1/strategies", READ, content=_straddle, shows="cost", lists_contracts=True),
    # The market.
    Row("GET /v1/greeks/{symbol}", READ, shows="SYMBOL"),
    Row("GET /v1/option-chain/{underlying}", READ, lists_contracts=True),
    Row("GET /v1/option-chain/{underlying}/summary", READ, lists_contracts=True),
    Row("GET /v1/option-chain/{underlying}/minutes", READ, shows='"minutes":'),
    Row("GET /v1/minutes/{symbol}", READ, shows="SYMBOL"),
    Row("GET /v1/market", READ, shows='"mode":"paper"'),
    Row("GET /v1/calendar", READ, shows='"published_until"'),
    Row("GET /v1/calendar/{day}", READ, shows='"provisional"'),
    # What an account does.
    Row("POST /v1/orders", TRADE, 202, content=_order),
    Row("POST /v1/orders", TRADE, 409, Kind.NAMED, 202, 202, content=_other_order),
    Row("PATCH /v1/orders/{order_id}", TRADE, 200, Kind.ORDER, content=_price, shows="REF"),
    Row("DELETE /v1/orders/{order_id}", TRADE, 200, Kind.ORDER, shows="canceled"),
    Row("DELETE /v1/orders", TRADE, shows="canceled", prepare=_open_order),
    Row("POST /v1/baskets", TRADE, 202, content=_basket),
    Row("POST /v1/baskets", TRADE, 409, Kind.BASKET, 202, 202, content=_basket),
    Row("POST /v1/square-off", TRADE, 202, content=_square_off),
    Row("POST /v1/square-off", TRADE, 409, Kind.SQUARE_OFF_KEY, 202, 202, content=_square_off),
    Row("PUT /v1/kill-switch", CONTROL, content=_switch("user")),
    Row(
        "PUT /v1/kill-switch",
        CONTROL,
        200,
        Kind.ACCOUNT,
        403,
        403,
        (200, 404),
        content=_switch("user"),
    ),
    Row("GET /v1/alerts/targets", READ, shows=f"{HOLDER}-phone"),
    Row("GET /v1/alerts/notices", READ, shows=f"{HOLDER}-phone"),
    Row("PUT /v1/alerts/targets/{name}", CONTROL, content=_telegram),
    Row("DELETE /v1/alerts/targets/{name}", CONTROL, prepare=_target),
    Row("POST /v1/alerts/test", CONTROL, 202, prepare=_target),
    Row("POST /v1/alerts/retry", CONTROL, prepare=_target),
    # What operators do.
    Row("GET /v1/alerts/targets", ADMIN, 200, Kind.ACCOUNT, admins=(200, 404), query="?user=REF"),
    Row("GET /v1/alerts/notices", ADMIN, query="?scope=operators"),
    Row("PUT /v1/kill-switch", ADMIN, content=_switch("system")),
    Row("PUT /v1/kill-switch", ADMIN, content=_switch("underlying", "NIFTY")),
    Row("GET /v1/limits", ADMIN, 200, Kind.ACCOUNT, admins=(200, 404), query="?user=REF"),
    Row("GET /v1/limits", ADMIN, query="?scope=global"),
    Row("PUT /v1/limits", ADMIN, content=_limits),
    Row(
        "PUT /v1/limits",
        ADMIN,
        200,
        Kind.ACCOUNT,
        admins=(200, 404),
        query="?user=REF",
        content=_limits,
    ),
    Row("PUT /v1/limits", ADMIN, query="?scope=global", content=_limits),
    Row("DELETE /v1/limits", ADMIN, query="?kind=max_open_orders", prepare=_limit_of(HOLDER)),
    Row(
        "DELETE /v1/limits",
        ADMIN,
        200,
        Kind.ACCOUNT,
        admins=(200, 404),
        query="?user=REF&kind=max_open_orders",
        prepare=_limit_of("REF"),
    ),
    Row(
        "DELETE /v1/limits",
        ADMIN,
        query="?scope=global&kind=max_open_orders",
        prepare=_limit_of(None),
    ),
    Row(
        # No contract of this expiry was ever listed.
        "PUT /v1/settlement-prices/{underlying}/{expiry}",
        ADMIN,
        404,
        content=lambda _world, _ref: {"price": "24000.00"},
    ),
    Row("GET /v1/machine", ADMIN, shows="orders.normal"),
    Row("GET /v1/parked-orders", ADMIN, admins=(200, 200), shows="waiting"),
    Row("GET /v1/audit", ADMIN, admins=(200, 200), shows="trading_state.set"),
    Row(
        "POST /v1/orders/{order_id}/replay", ADMIN, 202, Kind.PARKED, admins=(202, 404), shows="REF"
    ),
)
