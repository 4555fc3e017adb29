"""Every read of the API on a book with history: by index, and bounded by its page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlalchemy import Engine, event

from angel_x.adapters.postgres.generated_rows import fill
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.api.application import ROUTERS
from config.loading import load
from tests.integration.api.running import RunningApi, running

ROWS = 16_000
#: Orders that one page looks at, and those that it shows.
MOST_ROWS = 2_000 + 501
LARGE = (
    "orders", "order_events", "fills", "ledger_entries", "positions", "trades", "exposures",
    "portfolio_snapshots",
)  # fmt: skip
SYMBOL = "NIFTY_25AUG26_20000CE"
#: The history of an account that trades more than all others.
ONE_LARGE_ACCOUNT = """
UPDATE orders SET user_id = 1 WHERE user_id <= 4;
UPDATE trades SET user_id = 1, closed_at = now() - make_interval(secs => id::integer) WHERE user_id <= 4;
UPDATE positions SET user_id = 1 WHERE user_id <= 4 AND status = 'CLOSED';
INSERT INTO portfolio_snapshots SELECT user_id, now() - make_interval(mins => n), 1, 0, 0, 0
FROM generate_series(1, 4000) n, generate_series(1, 4) user_id
"""
VALUES = {
    "order_id": "1",
    "client_order_id": "order 1",
    "workflow_id": "1",
    "basket_id": "first",
    "symbol": SYMBOL,
    "underlying": "NIFTY",
    "day": "2026-08-25",
}
#: Reports that fold the whole history of the account, a few thousand rows in memory at a time.
WHOLE_HISTORY = {
    "/v1/pnl", "/v1/portfolio/past", "/v1/strategies/tags", "/v1/exports/{statement}",
}  # fmt: skip
#: Filters that match nothing, or what is rare.
QUERIES = {
    "/v1/orders": (
        "limit=500",
        "status=pending_cancel&limit=500",
        "status=working&limit=500",
        "status=open&limit=500",
        "symbol=NIFTY_25AUG26_99999CE&limit=500",
        f"symbol={SYMBOL}&status=expired&since=2020-01-01T00:00:00Z",
        "since=2100-01-01T00:00:00Z",
        "client_order_id=none",
        "parent_id=51",
        "basket_id=none",
    ),
    "/v1/audit": ("limit=500", "subject=order:1"),
    "/v1/trades": ("", "since=2020-01-01T00:00:00Z", "until=2020-01-01T00:00:00Z"),
    "/v1/fills": ("", "since=2100-01-01T00:00:00Z", "until=2020-01-01T00:00:00Z"),
    "/v1/ledger": ("", "since=2020-01-01T00:00:00Z", "until=2020-01-01T00:00:00Z"),
    "/v1/equity": ("", "since=2020-01-01T00:00:00Z", "until=2020-01-01T00:00:00Z"),
}
#: Pages that are one statement.
ONE_STATEMENT = {"/v1/positions", "/v1/trades", "/v1/fills", "/v1/ledger", "/v1/equity"}


@pytest.fixture(scope="module")
def api(module_environment: dict[str, str]) -> Iterator[RunningApi]:
    with running(load(module_environment)) as api:
        engine = api.application.base.engine
        fill(engine, ROWS, lambda _: None)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(ONE_LARGE_ACCOUNT)
            connection.exec_driver_sql("VACUUM (ANALYZE)")
        yield api


def paths() -> list[str]:
    routes = [r for router in ROUTERS for r in router.routes if isinstance(r, APIRoute)]
    found = {
        r.path_format for r in routes if "GET" in (r.methods or ()) and r.path.startswith("/v1/")
    }
    return sorted(found - {"/v1/stream"} - WHOLE_HISTORY)


def requests() -> list[str]:
    targets = []
    for path in paths():
        filled = path.format_map(VALUES)
        targets += [f"{filled}?{query}" for query in QUERIES.get(path, ("",))]
    return targets


@contextmanager
def explaining(engine: Engine, plans: list[dict[str, Any]]) -> Iterator[None]:
    """Explain each statement that reads, in its own session and with its own values."""

    def explain(_connection: Any, cursor: Any, text: str, values: Any, *_: object) -> None:
        if text.lstrip().startswith(("SELECT", "WITH", "EXECUTE")):
            with cursor.connection.cursor() as aside:
                aside.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}", values)
                plans.append(aside.fetchone()[0][0]["Plan"])

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", explain)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def rows_of(node: dict[str, Any]) -> float:
    seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    return float(seen * node["Actual Loops"])


def reads_large(plan: dict[str, Any]) -> bool:
    return any(node.get("Relation Name", "").startswith(LARGE) for node in nodes(plan))


def faults(plan: dict[str, Any]) -> Iterator[str]:
    for node in nodes(plan):
        kind, table = str(node["Node Type"]), node.get("Relation Name", "")
        if kind == "Seq Scan" and table.startswith(LARGE):
            yield f"scan of {table}"
        # A sort or a count reads its rows from the node below, whose rows are bounded here too.
        if table.startswith(LARGE) and rows_of(node) > MOST_ROWS:
            yield f"{rows_of(node):.0f} rows by {kind} of {table}"


def test_every_read_runs_on_indexes_and_looks_at_a_bounded_number_of_rows(api: RunningApi) -> None:
    key = api.application.people.access.issue(1, [Scope.READ, Scope.ADMIN])
    found: dict[str, set[str]] = {}
    explained = 0
    for target in requests():
        plans: list[dict[str, Any]] = []
        with explaining(api.application.base.engine, plans):
            answer = api.call("GET", target, key=key)
        assert answer.status in {200, 404}, (target, answer.body)
        explained += len(plans)
        found[target] = {fault for plan in plans for fault in faults(plan)}
        if target.partition("?")[0] in ONE_STATEMENT:
            assert sum(map(reads_large, plans)) == 1, target

    assert explained > 20
    assert {target: each for target, each in found.items() if each} == {}


def test_a_filter_that_matches_little_is_answered_in_bounded_pages(api: RunningApi) -> None:
    key = api.application.people.access.issue(1, [Scope.READ])
    with api.application.base.engine.begin() as connection:
        oldest = connection.exec_driver_sql(
            "UPDATE orders SET tag = 'rare', symbol = %(symbol)s WHERE id = "
            "(SELECT min(id) FROM orders WHERE user_id = 1 AND status = 'denied' "
            "AND parent_id IS NULL) RETURNING id",
            {"symbol": SYMBOL},
        ).scalar_one()
    seen: list[str] = []
    pages, after = 0, None
    while pages == 0 or after is not None:
        more = "" if after is None else f"&cursor={after}"
        path = f"/v1/orders?symbol={SYMBOL}&status=denied&limit=500{more}"
        page = api.call("GET", path, key=key).body
        seen += [order["order_id"] for order in page["orders"]]
        pages, after = pages + 1, page["next"]

    assert pages == 3
    assert len(seen) == len(set(seen))
    assert str(oldest) in seen
    # Orders are older than the newest ones by their ids: no page after the first is needed.
    recent = api.call("GET", "/v1/orders?since=2100-01-01T00:00:00Z", key=key).body
    assert recent == {"orders": [], "next": None}
