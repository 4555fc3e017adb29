"""How the cost of work grows with the rows that lie there, at three sizes.

``python -m benchmarks.scale [--quick] [--sizes N N N] [--json FILE]``, or ``angel-x bench scale``.  Each
size has servers of its own; work runs in this process, without messages and without a client.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from angel_x.adapters.postgres.generated_rows import fill
from angel_x.adapters.postgres.proofs import PostgresProofs
from angel_x.bootstrap import Application
from angel_x.domain.book.control import ControlScope
from angel_x.domain.book.risk import TradingState
from angel_x.domain.records.order_record import OrderFilter
from benchmarks.machine import described, write
from benchmarks.matching import listed_universe, running_application
from benchmarks.resting import NONE, RestingBook

SIZES = (10_000, 100_000, 1_000_000)
QUICK = (1_000, 4_000, 16_000)
_ACCOUNTS = 100
_REPEATS = 5
_POSITIONS = 20
#: Orders since the last proof of changes.
_CHANGED = 1_000
_NO_SYMBOL = "NIFTY_25AUG26_1CE"
_LONGEST = 3_600.0

_HOLDERS = """
WITH opened AS (
    INSERT INTO users (name, cash) SELECT 'holds-' || n, 1000000 FROM generate_series(1, %(accounts)s) n
    RETURNING id
)
INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost)
SELECT id, id, symbol, 'OPEN', 65, 6500 FROM opened CROSS JOIN unnest(%(symbols)s::text[]) AS t (symbol)
"""
# The proof of changes is due, and that in full is not, or the other way round.
_DUE = """
INSERT INTO proofs (kind) VALUES ('changes'), ('full') ON CONFLICT DO NOTHING;
UPDATE proofs SET subject = NULL, began_at = clock_timestamp(),
    proven_at = clock_timestamp() - CASE kind WHEN %(kind)s THEN interval '1 day' ELSE interval '0' END,
    first_order = (SELECT max(id) FROM orders) - %(changed)s
"""


class Value(NamedTuple):
    """One measurement of some work."""

    work: str
    unit: str
    value: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Some work at each size."""

    work: str
    unit: str
    #: The rows that lie there.
    of: str
    values: Mapping[int, float]

    @property
    def factor(self) -> float | None:
        """The value at the largest size by that at the smallest one."""
        first, *_, last = self.values.values()
        return round(last / first, 2) if first else None


#: Measures some work beside so many rows.
Measure = Callable[[int], Iterator[Value]]


def resting(size: int) -> Iterator[Value]:
    """Measure the matcher and the kill switch beside resting orders."""
    with running_application() as application:
        book = RestingBook(application, orders=size, accounts=min(_ACCOUNTS, size))
        looks = [book.look(NONE) for _ in range(_REPEATS)]
        cpu_ms = 1e3 * min(look.process + look.postgres for look in looks)
        yield Value("a look that matches nothing", "ms of CPU", cpu_ms)
        controls = application.controls
        started = time.perf_counter()
        controls.trading_controls.turn(
            ControlScope.SYSTEM, "", TradingState.HALTED, actor="bench", reason=None
        )
        while controls.enforcement.is_due():
            controls.enforcement.run()
        seconds = time.perf_counter() - started
        yield Value("kill switch, until the last order is canceled", "s", seconds)
        yield Value("kill switch, an order", "µs", 1e6 * seconds / size)


def history(size: int) -> Iterator[Value]:
    """Measure reads and proofs beside stored orders."""
    with running_application() as application:
        fill(application.base.engine, size, lambda _table: None)
        for work, wanted in (
            ("a page of orders", OrderFilter()),
            ("a page with a filter that matches nothing", OrderFilter(symbol=_NO_SYMBOL)),
        ):
            yield Value(work, "ms", 1e3 * _fastest(partial(_page, application, wanted)))
        yield Value(f"proof of {_CHANGED:,} changed orders", "s", _proved(application, "changes"))
        yield Value("proof in full", "s", _proved(application, "full"))


def holders(size: int) -> Iterator[Value]:
    """Measure the renewal of portfolios of so many accounts, none of which has a listener."""
    with running_application() as application:
        symbols = listed_universe(application).symbols[:_POSITIONS]
        with application.base.engine.begin() as connection:
            connection.exec_driver_sql(_HOLDERS, {"accounts": size, "symbols": list(symbols)})
        portfolios = application.analytics.portfolios
        started = time.perf_counter()
        turn = sorted(portfolios.store.holders((), 0, portfolios.turns))
        for first in range(0, len(turn), 500):
            portfolios.update(turn[first : first + 500])
        yield Value(
            "portfolios that are due at one refresh", "ms", 1e3 * (time.perf_counter() - started)
        )


#: The rows that lie there, and the part of the size that counts for them.
MEASURES: Mapping[str, tuple[Measure, int]] = {
    "resting orders": (resting, 10),
    "stored orders": (history, 1),
    "accounts of 20 positions": (holders, 10),
}


def grown(sizes: Sequence[int]) -> list[Growth]:
    """Measure all work at each size."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    units: dict[str, str] = {}
    for of, (measure, part) in MEASURES.items():
        for size in sizes:
            for value in measure(size // part):
                print(
                    f"{size // part:,} {of}: {value.work}: {value.value:,.2f} {value.unit}",
                    file=sys.stderr,
                )
                found.setdefault((of, value.work), {})[size // part] = round(value.value, 3)
                units[value.work] = value.unit
    return [Growth(work, units[work], of, values) for (of, work), values in found.items()]


def table(growths: Sequence[Growth]) -> str:
    """Return the measurements as a table, one row a work."""
    lines = ["| work | beside | at the three sizes | growth |", "| --- | --- | --- | --- |"]
    for each in growths:
        sizes = " / ".join(f"{size:,}" for size in each.values)
        values = " / ".join(f"{value:,.2f}" for value in each.values.values())
        factor = "" if each.factor is None else f"{each.factor:g}"
        lines.append(f"| {each.work} | {sizes} {each.of} | {values} {each.unit} | {factor} |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    options = _options()
    growths = grown(options.sizes or (QUICK if options.quick else SIZES))
    rows = [{**asdict(each), "growth": each.factor} for each in growths]
    result: dict[str, object] = {"machine": described(), "rows": rows}
    write(options.json, result)
    print(json.dumps(result, indent=2) if options.print_json else table(growths))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sizes", type=int, nargs=3, metavar="N")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--print-json", action="store_true")
    return parser.parse_args()


def _page(application: Application, wanted: OrderFilter) -> None:
    application.people.reading.orders(1, wanted, after=None, limit=100)


def _fastest(work: Callable[[], None]) -> float:
    times = []
    for _ in range(_REPEATS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def _proved(application: Application, kind: str) -> float:
    """Return the seconds of one whole proof."""
    base = application.base
    with base.engine.begin() as connection:
        connection.exec_driver_sql(_DUE, {"kind": kind, "changed": _CHANGED})
    proofs = PostgresProofs(
        base.engine,
        base.market_clock,
        changes_seconds=_LONGEST,
        full_seconds=_LONGEST,
        budget_seconds=_LONGEST,
    )
    started = time.perf_counter()
    proofs.advance()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
