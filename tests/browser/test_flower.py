"""Flower beside a running system, as an operator sees it."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import urllib3

from angel_x.entrypoints.flower import PASSWORD_FILE, USER
from config.loading import defaults
from config.worker_processes import worker_classes
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Instance

if TYPE_CHECKING:
    from playwright.sync_api import Page

PNG = b"\x89PNG"
TASK_LINK = "a[href*='/task/']"


@pytest.fixture
def flower(system: Instance, open_page: Callable[..., Page]) -> Page:
    """A page that has the password of Flower."""
    password = (system.home / PASSWORD_FILE).read_text(encoding="utf-8")
    return open_page(
        base_url=system.run_file["flower_url"],
        http_credentials={"username": USER, "password": password},
    )


def trade(system: Instance) -> None:
    """Submit an order of each priority."""
    symbol = system.cli("chain", "NIFTY", "--json").document["rows"][0]["symbol"]
    orders = [
        {"symbol": symbol, "side": "BUY", "quantity": 65, "priority": priority}
        for priority in ("emergency", "high", "normal", "low")
    ]
    request = json.dumps({"orders": orders})
    accepted = system.cli("submit", "-", "--user", "demo", "--json", stdin=request).document
    assert len(accepted["orders"]) == len(orders)


def test_without_its_password_flower_shows_nothing(
    system: Instance, open_page: Callable[..., Page]
) -> None:
    from playwright.sync_api import Error  # noqa: PLC0415 - slow to import

    page = open_page(base_url=system.run_file["flower_url"])

    with pytest.raises(Error, match="ERR_INVALID_AUTH_CREDENTIALS"):
        page.goto("/workers")

    assert page.locator("table").count() == 0


def test_an_operator_sees_the_workers_of_every_lane(
    flower: Page, picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - slow to import

    flower.goto("/workers")

    rows = flower.locator("#workers-table tbody tr")
    kinds = worker_classes(defaults("testing"))
    for kind in kinds:
        expect(rows.filter(has_text=f"{kind}@").filter(has_text="Online")).to_have_count(1)
    expect(flower.locator("#workers-online")).to_have_text(str(len(kinds)))
    assert picture(flower, "flower-workers").read_bytes().startswith(PNG)


def test_an_operator_sees_the_tasks_of_traded_orders(
    system: Instance, flower: Page, picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - slow to import

    trade(system)
    flower.goto("/tasks")
    flower.get_by_role("searchbox").fill("orders.process_batch")

    batches = flower.locator("#tasks-table tbody tr").filter(has_text="orders.process_batch")
    expect(batches.filter(has_text="SUCCESS").first).to_be_visible()
    assert picture(flower, "flower-tasks").read_bytes().startswith(PNG)
    batches.first.locator(TASK_LINK).click()
    expect(flower).to_have_url(re.compile("/task/"))
    expect(flower.get_by_text("orders.process_batch").first).to_be_visible()


def test_the_tasks_outlive_a_restart_of_flower(system: Instance, flower: Page) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - slow to import

    trade(system)
    flower.goto("/tasks?name=orders.process_batch")
    known = flower.locator(TASK_LINK).first
    expect(known).to_be_visible()
    task = known.get_attribute("href")
    assert task is not None
    before = system.pids["flower"]

    os.kill(before, signal.SIGTERM)

    eventually(lambda: system.pids.get("flower") not in {None, before}, "Flower is back")
    url = f"{system.run_file['flower_url']}/healthcheck"
    eventually(lambda: answers(url), "Flower answers")
    flower.goto(task)
    expect(flower.get_by_text("orders.process_batch").first).to_be_visible()


def answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False
