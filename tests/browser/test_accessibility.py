"""Every page of the desk under the rules of WCAG 2.1 AA and the good practice that axe knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from angel_x.client import Client
from tests.browser.trading import PHONE, WIDE, create_key, resting
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Instance

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Of each page, what is there once its readings are.
PAGES = {
    "/": "table tbody tr",
    "/chain": "table tbody tr",
    "/charts": "[role=img]",
    "/day": "table tbody tr",
    "/machine": "[data-row='orders.normal']",
}
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")


#: True once nothing fades in or changes its color any more.
_AT_REST = """() => document.getAnimations().every(
    each => each.playState !== "running" || each.effect.getTiming().iterations === Infinity)"""


def violations(page: Page, within: str | None = None) -> list[tuple[str, str, str]]:
    """Return each broken rule with the first element that breaks it, and how."""
    page.wait_for_function(_AT_REST)
    options = {"runOnly": list(RULES), "resultTypes": ["violations", "passes"]}
    found: dict[str, Any] = Axe().run(page, within, options).response
    assert {"color-contrast", "button-name"} <= {rule["id"] for rule in found["passes"]}, (
        "it looked"
    )
    return [
        (rule["id"], rule["nodes"][0]["html"], rule["nodes"][0]["failureSummary"])
        for rule in found["violations"]
    ]


@pytest.mark.parametrize(("scheme", "size"), [("light", WIDE), ("dark", WIDE), ("light", PHONE)])
def test_every_page_can_be_read_and_used_by_everybody(
    system: Instance,
    client: Client,
    key: str,
    enter: Callable[..., Page],
    scheme: str,
    size: dict[str, Any],
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - slow to import

    chain = client.option_chain("NIFTY")
    contract = {"symbol": chain.rows[len(chain.rows) // 3].symbol, "quantity": chain.lot_size}
    order = client.submit({**contract, "side": "BUY"})[0].order_id
    eventually(lambda: client.order(order).status == "filled", "the order fills")
    resting(client, "a tag")
    page = enter(create_key(system, "demo", "admin"), color_scheme=scheme, **size)
    found: dict[str, list[tuple[str, str, str]]] = {}
    for path, element in PAGES.items():
        page.goto(path)
        expect(page.locator("#ax-link")).to_contain_text("Live")
        expect(page.locator(element).first).to_be_visible()
        found[path] = violations(page)
    trader = enter(key, color_scheme=scheme, **size)
    expect(trader.locator(PAGES["/"]).first).to_be_visible()
    trader.get_by_role("button", name="Kill switch").click()
    expect(trader.get_by_role("dialog")).to_be_visible()
    # What is behind it shines through.
    found["kill switch"] = violations(trader, "[role=dialog]")

    assert [(place, *broken) for place, all_ in found.items() for broken in all_] == []
