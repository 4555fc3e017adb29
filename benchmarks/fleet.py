"""Marking and valuing a fleet of accounts on one process, reads and writes included.

``python -m benchmarks.fleet [--accounts N] [--positions N] [--rounds N] [--json FILE]``.  Real servers, no
messages.  Half of each account's positions are short.  Before every round all quotes and spots move and the
Greeks are computed again, outside the measured time, so each marking stores another margin of each account.
Portfolios are updated in slices, as messages carry them, and then those of one account alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from angel_x.bootstrap import Application
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.services.accounts.portfolio import SLICE
from benchmarks.machine import described, write
from benchmarks.matching import listed_universe, running_application
from benchmarks.measured import percentiles
from benchmarks.universe import Prices

#: Seconds for which a process keeps risk arrays that it has read.
_KEPT = 0.6
_LOT = 65
#: One account is updated so many times a round.
_SINGLES = 50

_OPEN = """
WITH opened AS (
    INSERT INTO users (name, cash) SELECT 'fleet-' || n, 100000000 FROM generate_series(1, %(accounts)s) n
    RETURNING id
), symbols AS (
    SELECT symbol, place - 1 AS place FROM unnest(%(symbols)s::text[]) WITH ORDINALITY AS t (symbol, place)
), held AS (
    SELECT id, symbol, CASE WHEN n %% 2 = 0 THEN %(lot)s ELSE -%(lot)s END AS quantity
    FROM opened CROSS JOIN generate_series(0, %(positions)s - 1) n
    JOIN symbols s ON s.place = (id + n * %(step)s) %% %(contracts)s
), positions AS (
    INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost)
    SELECT id, id, symbol, 'OPEN', quantity, 100 * quantity FROM held
), exposures AS (
    INSERT INTO exposures (user_id, symbol, net_quantity) SELECT id, symbol, quantity FROM held
)
SELECT id FROM opened ORDER BY id
"""


class FleetBench:
    """A chain whose quotes move, and accounts that hold positions in it."""

    def __init__(self, application: Application, accounts: int, positions: int) -> None:
        self._application = application
        self._prices = Prices(listed_universe(application), application.base.clock())
        self.universe = self._prices.universe
        self.move()
        self.user_ids = self._open(accounts, positions)

    def measure(self, rounds: int) -> dict[str, object]:
        """Return milliseconds of each work by round; the first marking inserts, later ones update."""
        marking: list[float] = []
        updates: list[float] = []
        singles: list[float] = []
        for number in range(rounds + 1):
            self.move()
            marking.append(_milliseconds(self.mark))
            updates.append(_milliseconds(self.update))
            alone = [
                _milliseconds(partial(self._update, [user_id]))
                for user_id in self.user_ids[:_SINGLES]
            ]
            singles += alone if number else []
            print(f"round {number}: {marking[-1]:.0f} ms, {updates[-1]:.0f} ms", file=sys.stderr)
        return {
            "first_marking_ms": round(marking[0], 1),
            "marking_ms": _rounds(marking[1:]),
            "first_update_ms": round(updates[0], 1),
            "update_ms": _rounds(updates[1:]),
            "one_account_ms": percentiles(singles),
        }

    def move(self) -> None:
        """Quote every contract anew, publish Greeks and risk arrays, and let kept ones grow old."""
        market, now = self._application.market, self._application.base.clock()
        quotes, spots = self._prices.moved(epoch_ms(now))
        board = market.feed_ports.board
        board.write(self.universe, np.arange(len(self.universe)), quotes)
        board.write_spots(self.universe, spots)
        compute = self._application.analytics.greeks.compute_chunk
        done = compute(self.universe.version, 0, self.universe.option_count, now)
        assert done == self.universe.option_count, f"{done} contracts were priced"
        time.sleep(_KEPT)

    def mark(self) -> None:
        """Mark the fleet."""
        marked = self._application.margin_marking.run()
        assert marked == len(self.user_ids), f"{marked} of {len(self.user_ids)} were marked"

    def update(self) -> None:
        """Update all portfolios, one message's slice after the other."""
        for start in range(0, len(self.user_ids), SLICE):
            self._update(self.user_ids[start : start + SLICE])

    def _update(self, user_ids: Sequence[int]) -> None:
        done = self._application.analytics.portfolios.update(user_ids)
        assert len(done) == len(user_ids), f"{len(done)} of {len(user_ids)} were valued"

    def _open(self, accounts: int, positions: int) -> list[int]:
        symbols = list(self.universe.symbols[: self.universe.option_count])
        given = {
            "accounts": accounts,
            "symbols": symbols,
            "contracts": len(symbols),
            "positions": positions,
            "step": max(1, len(symbols) // positions),
            "lot": _LOT,
        }
        with self._application.base.engine.begin() as connection:
            opened = list(connection.exec_driver_sql(_OPEN, given).scalars())
        with self._application.base.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
                "VACUUM (ANALYZE)"
            )
        return opened


def _rounds(values: Sequence[float]) -> Mapping[str, float]:
    return {
        "least": round(min(values), 1),
        "median": round(median(values), 1),
        "most": round(max(values), 1),
    }


def _milliseconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--positions", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with running_application() as application:
        bench = FleetBench(application, options.accounts, options.positions)
        measured = bench.measure(options.rounds)
    result: dict[str, object] = {
        "machine": described(),
        "accounts": options.accounts,
        "positions": options.positions,
        **measured,
    }
    print(json.dumps(result, indent=2))
    write(options.json, result)


if __name__ == "__main__":
    main()
