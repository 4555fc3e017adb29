"""The areas of the product that changes are planted in, and the tests of whole processes for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Area:
    """Some files of the product that fail in the same way."""

    name: str
    #: Files and folders; what stands in an earlier area is left to that one.
    paths: tuple[str, ...]
    #: Of a hundred changes, how many are planted here.
    share: int
    #: Tests with processes of their own, for changes that no test in this process notices.
    wider: tuple[str, ...] = ()


_ORDERS = (
    "tests/e2e/test_order_workers.py",
    "tests/e2e/test_bad_messages.py",
    "tests/faults/test_messages.py",
    "tests/faults/test_steps.py",
    "tests/faults/test_races.py",
)
_POSTGRES = "angel_x/adapters/postgres/"


def _in(folder: str, names: str) -> tuple[str, ...]:
    return tuple(f"{folder}{name}.py" for name in names.split())


AREAS = (
    Area(
        "rights",
        (
            *_in("angel_x/domain/records/", "access"),
            *_in("angel_x/services/accounts/", "access accounts"),
            *_in(_POSTGRES, "users grants"),
            *_in("angel_x/entrypoints/api/", "keys account baskets controls limits operations"),
            *_in("angel_x/entrypoints/api/", "market orders stream submissions subscriptions"),
        ),
        12,
        ("tests/e2e/whole/test_cli.py",),
    ),
    Area(
        "money",
        (
            *_in(
                "angel_x/domain/book/",
                "account book fill_booking holds ledger limits margin_pool marked_account open_pnl",
            ),
            *_in("angel_x/domain/book/", "order_refusals position risk what_if"),
            *_in(
                "angel_x/domain/margin/",
                "fleet_margin margin margin_source span span_margin unit_risk",
            ),
            *_in("angel_x/domain/margin/", "worst_case"),
            *_in("angel_x/domain/values/", "money"),
            *_in("angel_x/services/controls/", "risk_limits"),
            *_in(
                "angel_x/services/accounts/",
                "balances margin_calls margin_marking risk_sheets what_if",
            ),
        ),
        18,
    ),
    Area(
        "order path",
        (
            "angel_x/domain/workflows/",
            *_in("angel_x/domain/book/", "control order_with_slices reports"),
            *_in("angel_x/domain/orders/", "amendment denial order order_rate order_types"),
            *_in("angel_x/domain/values/", "draw"),
            *_in("angel_x/domain/calendar/", "intraday session"),
            "angel_x/domain/exchange/",
            *_in("angel_x/domain/quotes/", "liquidity"),
            *_in("angel_x/services/intake/", "acceptance admission backpressure listing"),
            *_in("angel_x/services/intake/", "messaging order_check order_form order_rate slicing"),
            *_in("angel_x/services/intake/", "replies submissions"),
            "angel_x/services/trading/",
            "angel_x/services/workflows/",
            *_in("angel_x/services/controls/", "control_forms controls controls_watch"),
            *_in("angel_x/services/", "halving outage"),
            *_in("angel_x/services/market/", "quoting"),
            *_in(
                "angel_x/adapters/redis/", "liquidity order_rate redeliveries refusals task_results"
            ),
            "angel_x/adapters/dispatch.py",
            *_in("tasks/", "base drops orders replying"),
        ),
        34,
        _ORDERS,
    ),
    Area(
        "SQL of the order path",
        (
            *_in(_POSTGRES, "backlog basket_legs book_arrays book_reading book_statements"),
            *_in(_POSTGRES, "book_unit book_writing controls parent_orders"),
            *_in(_POSTGRES, "duplicates holdings order_intake order_search replays risk_limits"),
            *_in(_POSTGRES, "workflows"),
        ),
        18,
        _ORDERS,
    ),
    Area(
        "other SQL",
        (
            *_in(
                _POSTGRES,
                "audit canaries contracts greeks_snapshot invariants partitions retention",
            ),
            *_in(_POSTGRES, "portfolios reading tally"),
        ),
        5,
    ),
    Area("market tables", ("config/market/",), 8),
    Area("API", ("angel_x/entrypoints/api/",), 5, ("tests/integration/api",)),
)


def files_of(area: Area, root: Path) -> Iterator[str]:
    """Yield the files of an area, relative to the root of the checkout."""
    earlier = AREAS[: AREAS.index(area)]
    for given in area.paths:
        path = root / given
        suffixes = {".py", ".json"}
        found = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
        for file in found:
            name = file.relative_to(root).as_posix()
            if file.suffix in suffixes and not any(name in one.paths for one in earlier):
                yield name
