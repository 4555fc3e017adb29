"""The desk beside a running system, as a trader sees it."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import cos, sin
from pathlib import Path
from typing import TYPE_CHECKING

from angel_x.adapters.postgres.engine import make_engine
from angel_x.adapters.postgres.minute_quotes import PostgresMinuteQuotes
from angel_x.client import Client
from angel_x.domain.quotes.minute_sample import ChainMinute
from tests.browser.trading import PHONE, WIDE, at_the_money, create_key, resting
from tests.e2e.processes import eventually
from tests.e2e.whole.instance import Instance

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PNG = b"\x89PNG"
MARKUP = "<img src=x onerror=window.struck=1>"
#: A paper twin that is filled, of an order.
TWIN = """
INSERT INTO shadow_orders (order_id, user_id, time_priority, arrived_at, moved_at, filled_at, valid_until,
    quantity, filled_quantity, symbol, side, order_type, validity, status, limit_price, traded_value)
SELECT id, user_id, 1, accepted_at, accepted_at, accepted_at, accepted_at + interval '1 day',
    quantity, quantity, symbol, side, 'LIMIT', 'DAY', 'filled', limit_price, limit_price * quantity
FROM orders WHERE id = %(order_id)s::bigint
RETURNING (arrived_at AT TIME ZONE 'Asia/Kolkata')::date
"""
#: The opening of a past day of the market.
DAY = datetime(2026, 8, 18, 3, 45, tzinfo=UTC)


def test_a_trader_watches_an_order_fill(
    client: Client, key: str, enter: Callable[..., Page], picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - slow to import

    page = enter(key)
    expect(page.get_by_text("PAPER", exact=True)).to_be_visible()
    contract, lot = at_the_money(client), client.option_chain("NIFTY").lot_size

    client.submit({"symbol": contract.symbol, "side": "BUY", "quantity": lot})

    activity = page.get_by_role("log")
    expect(activity).to_contain_text(f"BUY {lot} {contract.symbol}: filled")
    row = page.locator("tr").filter(has_text=contract.symbol).filter(has_text="Square off")
    expect(row).to_contain_text(f"+{lot}")
    assert picture(page, "desk-book").read_bytes().startswith(PNG)


def test_an_order_is_canceled_after_a_question(
    client: Client, key: str, enter: Callable[..., Page]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    order_id = resting(client, MARKUP)
    page = enter(key)
    row = page.locator(f"[data-row='{order_id}']")
    expect(row).to_contain_text(MARKUP)

    row.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel order").click()

    expect(row).to_have_count(0)
    expect(page.get_by_role("log")).to_contain_text("canceled")
    assert client.order(order_id).status == "canceled"
    assert page.evaluate("window.struck") is None


def test_the_kill_switch_has_two_steps_and_tells_the_end_of_open_orders(
    client: Client, key: str, enter: Callable[..., Page], picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    resting(client, "halted")
    page = enter(key)
    page.get_by_role("button", name="Kill switch").click()
    page.get_by_label("Reason").fill("news")
    page.get_by_role("button", name="Continue").click()
    assert client.controls().state == "active"

    page.get_by_role("button", name="Halt this account").click()

    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This account is halted")
    expect(dialog).to_contain_text("1 canceled")
    assert picture(page, "desk-halted").read_bytes().startswith(PNG)
    assert client.controls().state == "halted"
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator(".ax-trading")).to_have_text("Halted")


def test_a_silent_api_is_told_and_the_page_goes_on_without_a_reload(
    system: Instance, key: str, enter: Callable[..., Page]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    page = enter(key)
    link = page.locator("#ax-link")
    expect(link).to_contain_text("Live")
    page.evaluate("window.kept = 1")
    api = system.pids["api"]
    os.kill(api, signal.SIGSTOP)
    try:
        expect(link).to_contain_text("API silent, stale since")
        expect(page.locator("[data-age=positions]")).to_contain_text("stale since")
    finally:
        os.kill(api, signal.SIGCONT)

    expect(link).to_contain_text("Live")
    assert page.evaluate("window.kept") == 1


def test_a_key_shows_its_own_account_and_a_reader_has_no_buttons(
    system: Instance, enter: Callable[..., Page]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    system.cli("users", "create", "reader")
    page = enter(create_key(system, "reader", "read"))

    expect(page.get_by_text("No open positions.")).to_be_visible()
    expect(page.locator(".ax-user")).to_have_text("reader")
    for name in ("Kill switch", "Cancel all", "Square off all"):
        assert page.get_by_role("button", name=name).count() == 0


def test_a_condor_is_weighed_before_it_is_sent(
    client: Client, key: str, enter: Callable[..., Page], picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    page = enter(key, "/chain", viewport={"width": 1680, "height": 1000})
    expect(page.locator(".ax-atm")).to_have_count(1)
    expect(page.locator(".ax-summary")).to_contain_text("as they move")
    page.get_by_label("Strategy by name").click()
    page.get_by_role("option", name="Iron condor").click()
    expect(page.locator(".ax-leg")).to_have_count(4)
    expect(page.locator(".ax-estimate")).to_contain_text("Margin")
    expect(page.locator(".ax-builder")).to_contain_text("Break-even")
    assert picture(page, "desk-chain").read_bytes().startswith(PNG)

    page.get_by_role("button", name="Send basket").click()
    page.get_by_role("dialog").get_by_role("button", name="Send basket").click()

    expect(page.locator(".ax-note")).to_contain_text("Basket")
    # A leg rests where the market has left its limit meanwhile.
    client.cancel_all()
    expect(page.locator(".ax-note")).to_contain_text(
        re.compile("Basket (filled|refused|kept|closed)")
    )
    assert {order.basket_id is None for order in client.order_page(page_size=4).orders} == {False}


def point_at(chart: Locator, x: int) -> None:
    """Wait for the values that a chart tells of a place."""
    # A tooltip needs a move after the chart was drawn.
    for step in range(2):
        chart.hover(position={"x": x + step, "y": 150})
    eventually(lambda: chart.inner_text().strip(), "the chart tells the values under the mouse")


def test_charts_tell_exact_values_and_are_files(
    key: str, enter: Callable[..., Page], picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    page = enter(key, "/charts", viewport={"width": 1500, "height": 1500}, color_scheme="dark")
    expect(page.locator(".ax-summary")).to_contain_text("Max pain")
    expect(page.locator("[data-age=summary]").first).to_contain_text("old")
    interest = page.get_by_role("img", name=re.compile("^Open interest of .* units in calls"))
    point_at(interest, 400)
    expect(interest).to_contain_text(re.compile(r"Calls\s*\d[\d,]*\s*Puts\s*\d"))
    assert picture(page, "desk-charts").read_bytes().startswith(PNG)

    with page.expect_download() as saved:
        page.get_by_role("button", name="Open interest by strike as CSV").click()
    header, first, *_ = saved.value.path().read_text(encoding="utf-8").splitlines()
    assert saved.value.suggested_filename == "open-interest-by-strike.csv"
    assert (header, len(first.split(","))) == ("strike,call_oi,put_oi", 3)


def store_minutes(system: Instance, client: Client, first: int, last: int) -> None:
    """Store minutes of :data:`DAY`, counted from the opening of the market."""
    chain = client.option_chain("NIFTY")
    strike = chain.rows[len(chain.rows) // 2].strike
    engine = make_engine(system.run_file["database_url"], pool_size=1, max_pool_size=1)
    store, paise = PostgresMinuteQuotes(engine), int(100 * strike)
    for minute in range(first, last):
        spot, price = (
            paise + round(9_000 * sin(minute / 40)),
            15_000 + round(3_000 * cos(minute / 70)),
        )
        contracts = [paise, -paise]
        row = ChainMinute(
            "NIFTY", chain.expiry, spot, paise, price, price, contracts, [price, price], [65, 65]
        )
        store.save(DAY + timedelta(minutes=minute), [row])
    engine.dispose()


def told_time(chart: Locator, x: int) -> str:
    """Return the time that a chart tells of a place."""
    point_at(chart, x)
    found = re.search(r"\d\d:\d\d:\d\d", chart.inner_text())
    assert found is not None, chart.inner_text()
    return found[0]


def zoom(page: Page, chart: Locator) -> None:
    """Zoom into the middle of a chart."""
    point_at(chart, 400)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -720)
    page.keyboard.up("Control")


def test_a_day_is_seen_minute_by_minute_and_a_zoomed_chart_keeps_its_zoom(
    system: Instance,
    client: Client,
    key: str,
    enter: Callable[..., Page],
    picture: Callable[[Page, str], Path],
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    store_minutes(system, client, 100, 300)
    page = enter(key, "/charts", viewport={"width": 1500, "height": 1250}, color_scheme="dark")
    page.get_by_label("Day", exact=True).fill(f"{DAY:%Y-%m-%d}")
    straddle = page.get_by_role("img", name=re.compile("^Straddle of NIFTY at the money through"))
    expect(straddle).to_have_attribute("aria-label", re.compile("200 minutes, the last ₹274.40"))
    expect(page.get_by_text("Newest minute 14:14:00")).to_be_visible()
    contract = page.get_by_role("img", name=re.compile("^NIFTY_.*CE through"))
    expect(contract).to_have_attribute("aria-label", re.compile("200 minutes, the last ₹137.20"))
    contract.scroll_into_view_if_needed()
    whole = told_time(straddle, 100)
    assert picture(page, "desk-minutes").read_bytes().startswith(PNG)

    zoom(page, straddle)
    eventually(lambda: told_time(straddle, 100) != whole, "the chart is zoomed")
    zoomed = told_time(straddle, 100)
    store_minutes(system, client, 0, 100)
    expect(straddle).to_have_attribute("aria-label", re.compile("300 minutes"))

    # Another place first, so that no old text is read.
    eventually(lambda: told_time(straddle, 300) != zoomed, "the chart tells another time elsewhere")
    eventually(lambda: told_time(straddle, 100) == zoomed, "the zoom is where it was")
    page.get_by_label("Day", exact=True).fill(f"{DAY + timedelta(days=1):%Y-%m-%d}")
    expect(page.get_by_text("No minute of this day.").first).to_be_visible()
    store_minutes(system, client, 1440, 1500)
    expect(straddle).to_have_attribute("aria-label", re.compile("60 minutes"))
    eventually(lambda: told_time(straddle, 100) != zoomed, "the other day is shown as a whole")


def test_a_book_is_seen_in_other_states_of_the_market(
    client: Client, key: str, enter: Callable[..., Page], picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    contract, lot = at_the_money(client), client.option_chain("NIFTY").lot_size
    client.submit({"symbol": contract.symbol, "side": "BUY", "quantity": lot})
    page = enter(key, "/charts", viewport={"width": 1500, "height": 1400}, color_scheme="light")

    heat = page.get_by_role("img", name=re.compile("^P&L of the book .* in 0 days: from"))
    point_at(heat, 300)
    expect(heat).to_contain_text(re.compile(r"Spot .* %, volatility .* %\s*P&L .*₹.*\s*Margin ₹"))
    page.get_by_text("In 1 day").click()
    expect(
        page.get_by_role("img", name=re.compile("^P&L of the book .* in 1 days"))
    ).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^P&L of NIFTY by its price"))).to_be_visible()
    page.get_by_text("P&L by spot and volatility").scroll_into_view_if_needed()
    assert picture(page, "desk-scenarios").read_bytes().startswith(PNG)


def test_the_desk_asks_no_other_host_and_fits_a_phone(
    system: Instance, key: str, enter: Callable[..., Page], picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    page = enter(key, **PHONE)
    hosts, lines = set(), []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda message: lines.append((message.type, message.text)))

    for path in ("/charts", "/chain", "/day", "/"):
        page.goto(path)
        expect(page.locator("#ax-link")).to_contain_text("Live")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert picture(page, "desk-phone").read_bytes().startswith(PNG)
    assert hosts == {system.run_file["desk_url"].split("/")[2]}
    assert [line for line in lines if line[0] == "error"] == []
    assert key not in json.dumps(lines)


def test_a_day_shows_its_trades_and_its_contract_note(
    client: Client, key: str, enter: Callable[..., Page], picture: Callable[[Page, str], Path]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    contract, lot = at_the_money(client), client.option_chain("NIFTY").lot_size
    order_id = client.submit({"symbol": contract.symbol, "side": "BUY", "quantity": lot})[
        0
    ].order_id
    eventually(lambda: client.order(order_id).status == "filled", "the order fills")
    page = enter(key, "/day", **WIDE)

    orders = page.locator(".ax-section").filter(
        has=page.get_by_role("heading", name="Contract note by order")
    )
    expect(orders.locator(f"[data-row='{order_id}']")).to_contain_text(contract.symbol)
    expect(page.locator(".ax-header")).to_contain_text("Day P&L")
    expect(page.locator("[data-age=day]").first).to_contain_text("old")
    assert picture(page, "desk-day").read_bytes().startswith(PNG)
    expect(page.get_by_role("heading", name="Live beside paper")).to_have_count(0)


def test_a_day_shows_live_orders_beside_their_paper_twins(
    system: Instance, client: Client, key: str, enter: Callable[..., Page]
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    order_id = resting(client, "twin")
    engine = make_engine(system.run_file["database_url"], pool_size=1, max_pool_size=1)
    with engine.begin() as connection:
        day = connection.exec_driver_sql(TWIN, {"order_id": int(order_id)}).scalar_one()
    engine.dispose()

    page = enter(key, "/day", **WIDE)
    page.get_by_label("Day of the market").fill(day.isoformat())

    row = page.locator(".ax-section", has_text="Live beside paper").locator(
        f"[data-row='{order_id}']"
    )
    expect(row).to_contain_text("working")
    expect(row).to_contain_text("filled")
    expect(page.get_by_text("0 traded live only, 1 on paper only")).to_be_visible()


def test_an_operator_sees_the_machine_and_a_trader_has_no_way_there(
    system: Instance,
    client: Client,
    key: str,
    enter: Callable[..., Page],
    picture: Callable[[Page, str], Path],
) -> None:
    from playwright.sync_api import expect  # noqa: PLC0415 - as above

    resting(client, "watched")
    client.kill_switch("halted", reason="for the audit")
    page = enter(create_key(system, "demo", "admin"), "/machine", **WIDE)

    row = page.locator("[data-row='orders.normal']")
    expect(row).to_contain_text("ago")
    expect(page.locator("[data-row='orders']")).to_contain_text("orders.high")
    expect(page.locator("[data-row='orders-expire']")).to_contain_text("in time")
    expect(page.get_by_role("link", name="Flower")).to_have_attribute("href", re.compile("http"))
    page.get_by_label("Search actor, action, subject, detail").fill("for the audit")
    audit = page.locator(".ax-section").filter(has=page.get_by_role("heading", name="Audit"))
    expect(audit.locator("tbody tr").first).to_contain_text("trading_state.set")
    expect(page.locator("[data-age=machine]").first).to_contain_text("old")
    boxes = page.locator(".ax-scroll")
    assert boxes.count() > 5
    assert boxes.evaluate_all("all => all.filter(e => e.scrollWidth > e.clientWidth).length") == 0
    page.evaluate("window.scrollTo(0, 0)")
    assert picture(page, "desk-machine").read_bytes().startswith(PNG)

    phone = enter(create_key(system, "demo", "admin"), "/machine", **PHONE)
    expect(phone.locator("[data-row='orders.normal']")).to_contain_text("ago")
    assert phone.evaluate("document.documentElement.scrollWidth") == 390
    assert picture(phone, "desk-machine-phone").read_bytes().startswith(PNG)

    trader = enter(key, "/machine")
    expect(trader.get_by_text("needs a key with the scope admin")).to_be_visible()
    assert trader.get_by_role("link", name="Machine").count() == 0
