"""Whatever fits the API's document, or only just does not, gets an answer that the document knows.

Schemathesis reads ``/openapi.json`` of a running API and makes requests of every operation: some
ask for what there is, some for anything that fits, and some are wrong on purpose.  The suite makes
the same few in every run; ``make fuzz`` makes others for twenty minutes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from itertools import count, takewhile
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from fastapi.routing import APIRoute
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import Engine

from angel_x import Client
from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.adapters.sealing import new_key
from angel_x.domain.book.limits import LimitKind
from angel_x.domain.operations.memory_report import MemoryReport
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.api.application import ROUTERS
from angel_x.services.operations.alert_targets import TargetForm
from config.loading import load
from tests.builders.orders import SPOT, Market
from tests.integration.api.running import RunningApi, running

if TYPE_CHECKING:
    from schemathesis.specs.openapi.schemas import OpenApiSchema

EXAMPLES = 40
#: API_RESPONSE_TIMEOUT, and what a busy machine adds.
LONGEST_SECONDS = 35
LOT = 65
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
TELEGRAM = "tgram://123456789:abcdefg_hijklmnop/12315544/"
EXPIRED = date(2025, 11, 25)
#: Its answer has no end, so no call of it would return.
ENDLESS = "GET /v1/stream"
OPERATIONS = [
    f"{method} {route.path.replace(':path', '')}"
    for router in ROUTERS
    for route in router.routes
    # The way from the root to the desk is a page, and none of the document.
    if isinstance(route, APIRoute) and route.include_in_schema
    for method in sorted(route.methods or ())
]


@dataclass(frozen=True)
class World:
    """An account in the middle of its day, and what there is to ask for by name."""

    api: RunningApi
    market: Market
    document: OpenApiSchema
    key: str
    names: Mapping[str, list[str]]

    def refresh(self) -> None:
        """Let quotes and a worker be seen anew: without any, 503 is the right answer of a probe."""
        self.market.spot(SPOT)
        for symbol in self.market.symbols:
            self.market.quote(symbol, "100.00", "100.50")
        now = self.api.application.base.clock().timestamp()
        report = MemoryReport("here/orders-0", 1, 1.0, 1.0, now)
        MemoryBoard(self.api.application.base.cache).write([report])
        account = self.api.application.people.accounts.named("trader").id
        self.api.application.alerts.targets.put(
            account, "phone", TargetForm(TELEGRAM), actor="test", by_operator=True
        )

    def aimed(self, case: Case[Any], number: int) -> Case[Any]:
        """Let a request ask for what there is, and leave the rest of it as it was made."""
        for parameters in (case.path_parameters, case.query):
            for name in self.names.keys() & parameters.keys():
                known = self.names["parked" if case.path.endswith("/replay") else name]
                parameters[name] = known[number % len(known)]
        if isinstance(case.body, dict):
            self._aim_body(case.body, case.path, number)
        return case

    def _aim_body(self, body: dict[str, Any], path: str, number: int) -> None:
        name = f"made-{number}"
        if path == "/v1/limits":
            body |= dict.fromkeys([*body, LimitKind.MAX_OPEN_ORDERS], number + 1)
        elif path == "/v1/baskets":
            body |= {"basket_id": name, "orders": [self._order(number)]}
        elif path == "/v1/orders/{order_id}":
            body |= {"price": "95.00", "trigger_price": None, "quantity": LOT * 2}
        elif path == "/v1/strategies":
            straddle = {
                "name": "straddle",
                "direction": "short",
                "underlying": "NIFTY",
                "offsets": [0],
            }
            body |= straddle | {"deltas": [], "strikes": [], "expiry": None, "far_expiry": None}
        elif "/alerts/" in path:
            body |= {"url": TELEGRAM, "topics": ["fill"], "quiet_hours": None}
        elif "settlement-prices" in path:
            body["price"] = "24000.05"
        elif "symbol" in body and "quantity" in body:
            body |= self._order(number) | {"client_order_id": name}

    def _order(self, number: int) -> dict[str, Any]:
        symbol = self.market.symbols[number % len(self.market.symbols)]
        terms = {"side": "BUY", "action": None, "order_type": "LIMIT", "trigger_price": None}
        return terms | {"symbol": symbol, "quantity": LOT * (number + 1), "price": "95.00"}

    def call(self, case: Case[Any]) -> int:
        shown = {"Authorization": f"Bearer {self.key}"}
        answer = case.call_and_validate(headers=shown, checks=CHECKS, timeout=LONGEST_SECONDS)
        return answer.status_code


@pytest.fixture(scope="module")
def world(module_environment: dict[str, str]) -> Iterator[World]:
    alerting = module_environment | {"ANGEL_X_ALERTS_KEY": new_key()}
    with running(load(alerting)) as api:
        market = Market.open(api.application)
        _, key = api.open_account("trader", scopes=[Scope.TRADE, Scope.ADMIN])
        document = schemathesis.openapi.from_url(f"{api.url}/openapi.json")
        list_expired(api.application.base.engine)
        yield World(api, market, document, key, names_in(api, market, key))


def list_expired(engine: Engine) -> None:
    """List a contract that has expired, and waits for the closing value of its index."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"""
            INSERT INTO contracts VALUES ('NIFTY_{EXPIRED:%d%b%y}_24000CE', 'NIFTY', '{EXPIRED}', 24000,
                'CE', {LOT}, 0.05, 1800, '{EXPIRED} 10:00+00')
        """)


def names_in(api: RunningApi, market: Market, key: str) -> dict[str, list[str]]:
    """Trade, and return what the parameters of the paths may name."""
    order = {"symbol": market.symbols[0], "side": "BUY", "quantity": LOT}
    resting = order | {"order_type": "LIMIT", "price": "90.00"}
    sliced = resting | {"quantity": LOT * 60}
    with Client(api.url, key, retries=0) as client:
        orders = [int(r.order_id) for r in client.submit([*[resting] * 9, order, sliced])]
        api.application.trading.execution.run(orders)
        parked = [int(receipt.order_id) for receipt in client.submit([order] * 9)]
        api.application.trading.execution.park(parked, "Traceback")
        client.submit(order | {"client_order_id": "mine"})
        client.basket([order], basket_id="pair")
        square_off = client.square_off(symbol=market.symbols[1])
    return {
        "order_id": list(map(str, orders)),
        "parked": list(map(str, parked)),
        "client_order_id": ["mine"],
        "basket_id": ["pair"],
        "workflow_id": [square_off.id],
        "symbol": list(market.symbols),
        "underlying": ["NIFTY"],
        "expiry": [f"{EXPIRED}"],
        "user": ["trader"],
        "scope": ["user"],
        "name": ["phone"],
    }


def test_every_operation_of_the_document_is_called(world: World) -> None:
    paths: dict[str, dict[str, object]] = world.document.raw_schema["paths"]
    documented = {f"{method.upper()} {path}" for path, calls in paths.items() for method in calls}

    assert documented == set(OPERATIONS)
    assert ENDLESS in documented


@pytest.fixture
def rounds(request: pytest.FixtureRequest) -> Iterator[int | None]:
    """Seeds of the rounds of an operation: None, for the same round everywhere, or until its time is up."""
    minutes: float = request.config.getoption("--fuzz-minutes")
    if not minutes:
        return iter([None])
    ends = monotonic() + minutes * 60 / (len(OPERATIONS) - 1)
    seeds = count(request.config.getoption("--fuzz-seed"))
    return takewhile(lambda _: monotonic() < ends, seeds)


@pytest.mark.parametrize("label", [label for label in OPERATIONS if label != ENDLESS])
def test_every_answer_is_one_that_the_document_knows(
    world: World, label: str, rounds: Iterator[int | None]
) -> None:
    operation = world.document.find_operation_by_label(label)
    assert operation is not None
    fitting, unfitting = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    aimed = st.builds(world.aimed, fitting, st.integers(0, 99))
    answered: set[int] = set()

    for number in rounds:
        world.refresh()

        @settings(max_examples=EXAMPLES, derandomize=number is None, deadline=None, database=None)
        @given(case=aimed | st.one_of(fitting, unfitting))
        def call(case: Case[Any]) -> None:
            answered.add(world.call(case))

        (call if number is None else seed(number)(call))()
    # Requests that are all turned away at the door would show nothing.
    assert min(answered) < HTTPStatus.BAD_REQUEST, sorted(answered)
