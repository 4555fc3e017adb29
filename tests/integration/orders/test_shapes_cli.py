"""The commands that amend orders and hand in baskets, on real servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from angel_x.bootstrap import Application
from tests.builders.orders import Market
from tests.builders.shells import Shell

Run = Callable[..., Result]


@pytest.fixture
def market(application: Application) -> Market:
    return Market.open(application)


@pytest.fixture
def user(market: Market) -> int:
    return market.account("demo")


@pytest.fixture
def run(environ: dict[str, str], user: int) -> Run:
    return Shell(environ).run


def printed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def resting(market: Market, user: int) -> str:
    (accepted,) = market.accept(user, market.request(limit="90.00"))
    market.application.trading.execution.run([accepted.order_id])
    return str(accepted.order_id)


def test_an_order_is_modified(market: Market, user: int, run: Run) -> None:
    order_id = resting(market, user)

    order = printed(
        run("orders", "modify", order_id, "--price", "95.00", "--json", "--user", "demo")
    )

    assert (order["status"], order["price"]) == ("working", "95.00")
    assert [e["actor"] for e in order["events"]][-1] == "cli"


@pytest.mark.parametrize(
    "words", [[], ["--price", "95.03"], ["--price", "cheap"], ["--quantity", "66"]]
)
def test_an_amendment_that_makes_no_sense_changes_nothing(
    market: Market, user: int, run: Run, words: list[str]
) -> None:
    order_id = resting(market, user)

    result = run("orders", "modify", order_id, *words, "--user", "demo")

    assert result.exit_code == 2
    order = printed(run("orders", order_id, "--json"))
    assert (order["price"], order["quantity"], len(order["events"])) == ("90.00", 65, 2)


def test_a_closed_order_cannot_be_modified(market: Market, user: int, run: Run) -> None:
    order_id = resting(market, user)
    market.application.trading.cancellation.cancel(user, int(order_id))

    result = run("orders", "modify", order_id, "--price", "95.00", "--user", "demo")

    assert result.exit_code == 1
    assert "canceled" in result.output


def test_orders_are_listed_and_shown_without_a_subcommand(
    market: Market, user: int, run: Run
) -> None:
    order_id = resting(market, user)

    assert [o["order_id"] for o in printed(run("orders", "--json"))["orders"]] == [order_id]
    assert printed(run("orders", order_id, "--json"))["order_id"] == order_id
    assert order_id in run("orders").output


def test_a_sliced_order_shows_its_slices(market: Market, user: int, run: Run) -> None:
    (accepted,) = market.accept(user, market.request(quantity=65 * 28))

    shown = printed(run("orders", str(accepted.order_id), "--json"))

    assert [s["quantity"] for s in shown["slices"]] == [65 * 27, 65]
    assert "Slices" in run("orders", str(accepted.order_id)).output


def test_a_basket_is_handed_in_once_and_then_shown(
    market: Market, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "spread.csv"
    file.write_text(
        f"symbol,side,quantity\n{market.symbols[1]},SELL,65\n{market.symbols[0]},BUY,65\n"
    )

    first = printed(run("basket", str(file), "--user", "demo", "--wait", "0", "--json"))
    with market.application.base.engine.connect() as connection:
        ((workflow_id,),) = connection.exec_driver_sql("SELECT id FROM workflows").fetchall()
    market.application.workflows.advance.run(workflow_id)
    second = printed(run("basket", str(file), "--user", "demo", "--json"))

    assert (first["status"], first["result"]) == ("running", None)
    assert (second["status"], second["result"]) == ("done", "filled")
    assert [o["order_id"] for o in second["orders"]] == [o["order_id"] for o in first["orders"]]


def test_a_basket_that_was_refused_is_no_success(
    market: Market, user: int, run: Run, tmp_path: Path
) -> None:
    file = tmp_path / "spread.json"
    leg = {"symbol": market.symbols[0], "side": "BUY", "quantity": 65, "order_type": "LIMIT"}
    file.write_text(json.dumps([leg | {"price": "90.00", "validity": "IOC"}]))
    run("basket", str(file), "--user", "demo", "--wait", "0")
    with market.application.base.engine.connect() as connection:
        ((workflow_id,),) = connection.exec_driver_sql("SELECT id FROM workflows").fetchall()
    market.application.workflows.advance.run(workflow_id)

    result = run("basket", str(file), "--user", "demo")

    assert result.exit_code == 1
    assert "NOT_MARKETABLE" in result.output
