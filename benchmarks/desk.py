"""The desk in a browser: first paint, the way of a tick to the screen, a long book, and the cost of viewers.

``python -m benchmarks.desk [--viewers N] [--seconds S] [--orders N] [--json FILE]``.  Needs Chromium on
the path.  Browser, desk, API and servers share the machine; the CPU of the browser is not counted.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median, quantiles
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np

from angel_x.adapters.clock import wall_clock
from angel_x.bootstrap import Application, build
from benchmarks.cpu import between
from benchmarks.machine import described, write
from benchmarks.system import System, running_system, temporary_home
from config.loading import load

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_PORT = "18325"
_URL = f"http://127.0.0.1:{_PORT}"
#: Four expiries of NIFTY with a hundred strikes each.
_CONTRACTS = ("--underlyings", "1", "--expiries", "3", "--contracts", "800")
_FEWEST_STRIKES = 100
#: Open orders of a usual book: two pages.
_FEW_ORDERS = 100
_LOADS = 15
_TURNS = 20
_POLL_SECONDS = 0.004
#: Of a table with a row for each strike, the cell of the call's bid.
_BID_CELL = 6
#: Notes each new bid with the time of the frame that paints it.
_WATCH = f"""() => {{
  window.axSeen = [];
  const shown = new Map();
  const look = () => {{
    const at = performance.timeOrigin + performance.now();
    for (const row of document.querySelectorAll(".ax-chain tbody tr")) {{
      const bid = row.cells[{_BID_CELL}].textContent.trim();
      if (bid !== shown.get(row.dataset.row)) {{
        shown.set(row.dataset.row, bid);
        axSeen.push([row.dataset.row, bid, at]);
      }}
    }}
  }};
  new MutationObserver(() => requestAnimationFrame(look)).observe(
    document.querySelector(".ax-chain"), {{ subtree: true, childList: true, characterData: true }});
}}"""
_FIRST_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
_BOOK = """
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, order_type, limit_price,
    validity, product, priority, status, ring_at, valid_until)
SELECT u.id, 'book-' || n, 'x', '{symbol}', 'BUY', 65, 'LIMIT', 0.05 * (1 + n % 20), 'DAY', 'NRML', 'normal',
    'working', clock_timestamp(), clock_timestamp() + interval '1 day'
FROM users u CROSS JOIN generate_series(1, {orders}) AS n WHERE u.name = '{user}'
"""
#: A change of a bid: its strike and text, and the milliseconds of its moment.
Seen = tuple[str, str, float]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    measured = desk(options.viewers, options.seconds, options.orders)
    result: dict[str, object] = {"machine": described()} | measured
    print(json.dumps(result, indent=2))
    write(options.json, result)


def desk(viewers: int, seconds: float, orders: int) -> dict[str, object]:
    """Run a system of its own with the desk, and look at it."""
    settings = {"DESK_ENABLED": "true", "DESK_PORT": _PORT}
    with (
        temporary_home() as home,
        running_system(home, **settings) as system,
        _browser() as browser,
    ):
        system.angel_x("contracts", "generate", *_CONTRACTS)
        key = system.account("viewer")
        _enter(browser, key).close()
        result: dict[str, object] = {"first_paint_ms": _first_paints(browser, key)}
        with _application(system) as application:
            result["tick_to_screen_ms"] = _ticks(browser, key, application, seconds)
        result["viewers"] = _viewers(system, browser, key, viewers, seconds)
        result["books"] = [_book(system, browser, number) for number in (_FEW_ORDERS, orders)]
        return result


@contextmanager
def _browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - slow to import

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@contextmanager
def _application(system: System) -> Iterator[Application]:
    with closing(build(load({"ANGEL_X_HOME": str(system.home)}), role="bench")) as application:
        yield application


def _enter(browser: Browser, key: str, path: str = "/") -> Page:
    """Log in with a key in a session of its own; return the page behind the login once it has rows."""
    page = browser.new_context(base_url=_URL, viewport={"width": 1680, "height": 1000}).new_page()
    page.goto(path)
    page.get_by_label("API key").fill(key)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_function("document.querySelector('#ax-link')?.textContent.includes('Live')")
    return page


def _first_paints(browser: Browser, key: str) -> dict[str, dict[str, float]]:
    page, found = _enter(browser, key), {}
    for path in ("/", "/chain", "/charts"):
        times = []
        for _ in range(_LOADS):
            page.goto(path)
            page.wait_for_function(_FIRST_PAINT)
            times.append(float(page.evaluate(_FIRST_PAINT)))
        found[path] = _summary(times)
    page.context.close()
    return found


def _ticks(
    browser: Browser, key: str, application: Application, seconds: float
) -> dict[str, float]:
    """Return the milliseconds from the write of a quote to the frame that paints it."""
    page = _enter(browser, key, "/chain")
    page.wait_for_selector(".ax-chain tbody tr")
    strikes = page.eval_on_selector_all(".ax-chain tbody tr", "all => all.map(e => e.dataset.row)")
    page.evaluate(_WATCH)
    with _written(application, strikes) as written:
        page.wait_for_timeout(seconds * 1000)
        seen: list[Seen] = [tuple(each) for each in page.evaluate("axSeen")]
    page.context.close()
    return _summary(latencies(written, seen))


@contextmanager
def _written(application: Application, strikes: Sequence[str]) -> Iterator[list[Seen]]:
    """Note every new bid of the nearest expiry's calls as the cache has it, while the block runs."""
    universe = application.market.universes.current()
    calls = [c for c in universe.contracts if (c.underlying, str(c.right)) == ("NIFTY", "CE")]
    expiry = min(call.expiry for call in calls)
    rows = {f"{c.strike:f}": universe.rows[c.symbol] for c in calls if c.expiry == expiry}
    places = np.array([rows[strike] for strike in strikes])
    found: list[Seen] = []
    ended = Event()

    def follow() -> None:
        before = np.zeros(len(places), np.int64)
        while not ended.wait(_POLL_SECONDS):
            bids = application.market.quotes.read_rows(universe, places)["bid"]
            at = wall_clock().timestamp() * 1000
            moved = np.flatnonzero(bids != before).tolist()
            found.extend((strikes[place], f"{bids[place] / 100:,.2f}", at) for place in moved)
            before = bids

    thread = Thread(target=follow)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()


def latencies(written: Sequence[Seen], seen: Sequence[Seen]) -> list[float]:
    """Return for each painted bid the milliseconds since it was last written."""
    moments: dict[tuple[str, str], list[float]] = {}
    for strike, bid, at in written:
        moments.setdefault((strike, bid), []).append(at)
    found = []
    for strike, bid, at in seen:
        times = moments.get((strike, bid), [])
        if place := bisect_right(times, at):
            found.append(at - times[place - 1])
    return found


def _viewers(
    system: System, browser: Browser, key: str, viewers: int, seconds: float
) -> dict[str, object]:
    """Return the cores of desk and API with viewers of the whole chain beyond those without, and memory."""
    alone, before = _cores(system, seconds), _desk_mb(system)
    pages = [_enter(browser, key, "/chain") for _ in range(viewers)]
    for page in pages:
        page.get_by_role("button", name="All", exact=True).click()
        page.wait_for_function(
            f"document.querySelectorAll('.ax-chain tbody tr').length >= {_FEWEST_STRIKES}"
        )
    strikes = pages[-1].locator(".ax-chain tbody tr").count()
    pages[-1].evaluate(_WATCH)
    watched = _cores(system, seconds)
    painted = len(pages[-1].evaluate("axSeen")) - strikes
    held = _desk_mb(system)
    result = {
        "viewers": viewers,
        "strikes": strikes,
        "bids_painted_a_second": round(painted / seconds, 1),
        "cores": {role: round(watched[role] - alone[role], 3) for role in ("desk", "api")},
        "mb_a_viewer": round((held - before) / viewers, 2),
    }
    for page in pages:
        page.context.close()
    return result


def _cores(system: System, seconds: float) -> Mapping[str, float]:
    before = system.cpu_seconds()
    time.sleep(seconds)
    used = between(before, system.cpu_seconds())
    return {role: used.get(role, 0.0) / seconds for role in ("desk", "api")}


def _desk_mb(system: System) -> float:
    return sum(mb for name, mb in system.resident_mb().items() if name.startswith("desk "))


def _book(system: System, browser: Browser, orders: int) -> dict[str, object]:
    """Return the milliseconds until a book of many open orders is shown, and of each turn of its pages."""
    user = f"book{orders}"
    key = system.account(user)
    with system.database.cursor() as cursor:
        cursor.execute(_BOOK.format(symbol=system.symbols()[0], orders=orders, user=user))
        # A book grows order by order, and the server's statistics with it.
        cursor.execute("ANALYZE orders")
    page = _enter(browser, key)
    shown = [_timed(lambda: _open_book(page)) for _ in range(_LOADS)]
    turned = [_timed(lambda: _turn(page)) for _ in range(min(_TURNS, orders // _FEW_ORDERS))]
    page.context.close()
    return {"open_orders": orders, "rows_ms": _summary(shown)} | (
        {"turn_ms": _summary(turned)} if len(turned) > 1 else {}
    )


def _open_book(page: Page) -> None:
    page.goto("/")
    page.wait_for_selector("tr[data-row] .ax-act")


def _turn(page: Page) -> None:
    last = page.locator("tr[data-row]").last.get_attribute("data-row")
    page.get_by_role("button", name="Older").click()
    page.wait_for_selector(f"tr[data-row='{last}']", state="detached")


def _timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _summary(values: Sequence[float]) -> dict[str, float]:
    cuts = quantiles(values, n=20, method="inclusive")
    return {
        "count": len(values),
        "median": round(median(values), 1),
        "p95": round(cuts[-1], 1),
        "most": round(max(values), 1),
    }


if __name__ == "__main__":
    main()
