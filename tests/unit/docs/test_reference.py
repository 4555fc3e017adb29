from __future__ import annotations

import re
from dataclasses import fields

import pytest

from angel_x.domain.chains.chain_measures import Lack
from angel_x.domain.chains.chain_record import ContractGreeks
from angel_x.domain.chains.summary_record import ExpirySummary
from angel_x.domain.operations.metric import DEFINITIONS, Metric, MetricKind
from angel_x.domain.orders.order import OrderStatus
from angel_x.domain.portfolios.portfolio import NetGreeks
from angel_x.domain.pricing.forward import ForwardSource
from angel_x.domain.pricing.iv_status import STATUS_NAMES
from angel_x.domain.pricing.pricing_status import UNPUBLISHED, MarketStatus
from angel_x.entrypoints.api import (
    account,
    alerts,
    baskets,
    caller,
    controls,
    exports,
    front,
    limits,
    market,
    operations,
    orders,
    performance,
    probes,
    settlement,
    strategies,
    stream,
    submissions,
)
from angel_x.entrypoints.cli.root import COMMANDS
from angel_x.services.intake.order_form import OrderForm
from tests.unit.docs.pages import ROOT, rows

REFERENCE = ROOT / "docs" / "reference"
HTTP = (REFERENCE / "http.md").read_text(encoding="utf-8")
GREEKS = (REFERENCE / "greeks.md").read_text(encoding="utf-8")
KINDS = {
    MetricKind.COUNTER: "counter",
    MetricKind.HISTOGRAM: "histogram",
    MetricKind.GAUGE: "gauge",
    MetricKind.SCRAPED: "gauge, read",
}
MODULES = (
    account,
    alerts,
    baskets,
    caller,
    controls,
    exports,
    front,
    limits,
    market,
    operations,
    orders,
    performance,
    probes,
    settlement,
    strategies,
    stream,
    submissions,
)


def first_cells(page: str) -> str:
    return "\n".join(cells[0] for cells in rows(REFERENCE / page))


def test_every_metric_is_explained_with_its_kind_and_labels() -> None:
    explained = {cells[0].strip("`"): cells[1:] for cells in rows(REFERENCE / "metrics.md")}

    for metric in Metric:
        kind, labels, meaning = explained[metric.value]
        definition = DEFINITIONS[metric]
        assert kind == KINDS[definition.kind], metric
        assert tuple(re.findall(r"`(\w+)`", labels)) == definition.labels, metric
        assert meaning.endswith("."), metric


def test_no_metric_is_explained_that_does_not_exist() -> None:
    explained = {cells[0].strip("`") for cells in rows(REFERENCE / "metrics.md")}

    assert {name for name in explained if name.startswith("angel_x_")} == set(Metric)


def test_every_call_of_the_api_is_listed_and_no_other() -> None:
    served = {
        (method, route.path.replace(":path", ""))
        for module in MODULES
        for route in module.router.routes
        for method in route.methods
    }
    listed = set()
    for cells in rows(REFERENCE / "http.md"):
        method = re.match(r"`(GET|POST|DELETE|PATCH|PUT) ", cells[0])
        if method:
            listed |= {(method[1], path) for path in re.findall(r"(/[\w/{}-]*)`", cells[0])}

    assert listed == served


def test_every_field_of_an_order_is_explained() -> None:
    listed = first_cells("http.md")

    assert "quantity" in OrderForm.__struct_fields__
    for field in OrderForm.__struct_fields__:
        assert f"`{field}`" in listed or f"`{field}` is another name" in HTTP, field


def test_every_status_is_named() -> None:
    for name in OrderStatus:
        assert f"`{name}`" in HTTP, name


def test_every_reason_for_a_null_of_the_market_is_explained() -> None:
    reasons = [*STATUS_NAMES, *(status.name.lower() for status in MarketStatus), UNPUBLISHED, *Lack]

    for name in [*reasons, *(source.name.lower() for source in ForwardSource)]:
        assert f"`{name}`" in HTTP, name


@pytest.mark.parametrize("record", [ContractGreeks, ExpirySummary, NetGreeks])
def test_what_a_trader_would_ask_the_unit_of_is_explained(record: type) -> None:
    plain = {"symbol", "strike", "right", "expiry", "bid", "ask", "last", "oi", "volume", "forward"}

    assert len(fields(record)) > len(plain) // 2
    for field in fields(record):
        assert field.name in plain or f"`{field.name}`" in HTTP + GREEKS, field.name


def test_every_command_is_listed() -> None:
    listed = re.findall(r"`([a-z]+(?:-[a-z]+)*)[^`]*`", first_cells("cli.md"))

    assert set(listed) == set(COMMANDS)
