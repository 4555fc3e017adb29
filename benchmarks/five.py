"""The guide's five rows: place, execute, Greeks, positions, portfolio, beside a naive backend.

Both work in this process on the same PostgreSQL and the same Redis, without HTTP and without workers, and
write the same tables.  They take turns within each round.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from angel_x.bootstrap import Application
from angel_x.domain.calendar.expiry import epoch_ms, years_to_expiry
from angel_x.services.intake.submissions import RawSubmission
from benchmarks.matching import listed_universe
from benchmarks.rows import Measure, Row, interleaved
from benchmarks.universe import Prices
from config.addresses import kombu_address

if TYPE_CHECKING:
    from benchmarks.naive.desk import Contract, NaiveDesk

_CASH = Decimal(1_000_000_000)
_DISPLAYED = 1_000_000_000
_POSITIONS = 20
_LOT = 65
NAIVE, ANGEL_X = "naive", "Angel-X"

_HOLDINGS = """
INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost)
SELECT %(user)s, %(user)s, symbol, 'OPEN', 65, 6500 FROM unnest(%(symbols)s::text[]) AS t (symbol)
"""


class FiveRows:
    """One chain, quoted; an account for each backend that trades, and one for each that holds positions."""

    def __init__(self, application: Application, desk: NaiveDesk, prices: Prices) -> None:
        self._application = application
        self._desk = desk
        self._prices = prices
        self._universe = prices.universe
        middle = len(self._universe) // 4
        self._symbols = self._universe.symbols[middle : middle + _POSITIONS]
        names = ("trades-naive", "trades", "holds-naive", "holds")
        accounts = application.people.accounts
        self._users = {name: accounts.open(name, _CASH).id for name in names}
        self._numbers = count()
        self._hold()
        self.quote()
        self.compute_greeks()

    def quote(self) -> None:
        """Quote every contract anew, with any size."""
        now_ms = epoch_ms(self._application.base.clock())
        quotes, spots = self._prices.moved(now_ms)
        quotes["bid_size"] = quotes["ask_size"] = _DISPLAYED
        quotes["volume"] = next(self._numbers)
        board = self._application.market.feed_ports.board
        board.write(self._universe, np.arange(len(self._universe)), quotes)
        board.write_spots(self._universe, spots)
        self._desk.quote()

    def measure(self, rounds: int) -> list[Row]:
        """Measure every row, after one round that is not counted: it plans statements and fills caches."""
        works = self._works()
        self._trade(1)
        for work in works.values():
            interleaved(1, _timed(*work))
        rows = self._trade(rounds)
        for (operation, name), work in works.items():
            self.quote()
            rows.append(_row(operation, name, interleaved(rounds, _timed(*work))))
        return rows

    def compute_greeks(self) -> int:
        """Compute and publish the Greeks of every contract of the chain; return their number."""
        size = len(self._universe)
        compute = self._application.analytics.greeks.compute_chunk
        done = compute(self._universe.version, 0, size, self._application.base.clock())
        assert done == size, f"{done} of {size} contracts were priced"
        return done

    def _trade(self, rounds: int) -> list[Row]:
        """Measure the placing and the execution of one order after the other."""
        self.quote()
        ways = {
            NAIVE: (self._place_naively, self._execute_naively),
            ANGEL_X: (self._place, self._execute),
        }
        placing: dict[str, list[float]] = {name: [] for name in ways}
        executing: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds):
            for name in sorted(ways, reverse=bool(number % 2)):
                place, execute = ways[name]
                started = time.perf_counter()
                order_id = place()
                placed = time.perf_counter()
                execute(order_id)
                executing[name].append(1e3 * (time.perf_counter() - placed))
                placing[name].append(1e3 * (placed - started))
        return [
            _row("place_order", "place an order", placing),
            _row("execute_order", "execute an order", executing),
        ]

    def _works(self) -> dict[tuple[str, str], tuple[Callable[[], object], Callable[[], object]]]:
        """Return the naive work and ours, by operation and name of the row."""
        holds, holds_naive = self._users["holds"], self._users["holds-naive"]
        portfolios, desk = self._application.analytics.portfolios, self._desk
        return {
            ("calculate_greeks", f"Greeks of {len(self._universe)} contracts"): (
                desk.compute_greeks,
                self.compute_greeks,
            ),
            ("get_positions", f"get {_POSITIONS} positions"): (
                lambda: desk.positions(holds_naive),
                lambda: self._positions(holds),
            ),
            ("update_portfolio", "update a portfolio"): (
                lambda: desk.update_portfolio(holds_naive),
                lambda: portfolios.update([holds]),
            ),
        }

    def _place(self) -> int:
        given = RawSubmission(self._users["trades"], self._order(), "bench")
        (outcome,) = self._application.intake.submissions.submit([given])
        assert isinstance(outcome, tuple), outcome
        return outcome[0].order_id

    def _execute(self, order_id: int) -> None:
        self._application.trading.execution.run([order_id])

    def _place_naively(self) -> int:
        from benchmarks.naive import web  # noqa: PLC0415 - it reads its environment when imported

        user_id = self._users["trades-naive"]
        return web.accept(web.Order.model_validate({**self._order(), "user_id": user_id}))

    def _execute_naively(self, order_id: int) -> None:
        from benchmarks.naive import work  # noqa: PLC0415 - it reads its environment when imported

        work.execute(order_id)

    def _positions(self, user_id: int) -> bytes:
        people, portfolios = self._application.people, self._application.analytics.portfolios
        return msgspec.json.encode(portfolios.marked(people.reading.positions(user_id)))

    def _order(self) -> dict[str, object]:
        number = next(self._numbers)
        return {
            "client_order_id": f"five-{number}",
            "symbol": self._symbols[number % len(self._symbols)],
            "side": "BUY",
            "quantity": _LOT,
        }

    def _hold(self) -> None:
        with self._application.base.engine.begin() as connection:
            for name in ("holds", "holds-naive"):
                given = {"user": self._users[name], "symbols": list(self._symbols)}
                connection.exec_driver_sql(_HOLDINGS, given)


@contextmanager
def five_rows(application: Application) -> Iterator[FiveRows]:
    """Prepare the five rows on the servers of an application; the naive backend sends to no worker."""
    settings = application.base.settings
    os.environ["NAIVE_DATABASE_URL"] = settings.database_url or ""
    os.environ["NAIVE_BROKER_URL"] = kombu_address(settings.broker_url or "")
    from benchmarks.naive import desk, work  # noqa: PLC0415 - they read the environment

    work.forget()
    prices = Prices(listed_universe(application), application.base.clock())
    contracts = list(_contracts(application, prices, desk.Contract))
    try:
        yield FiveRows(application, desk.NaiveDesk(application.base.cache, contracts), prices)
    finally:
        work.forget()


def _contracts(
    application: Application, prices: Prices, make: Callable[..., Contract]
) -> Iterator[Contract]:
    """Yield the contracts as the naive backend takes them."""
    universe, now = prices.universe, application.base.clock()
    quotes, spots = prices.moved(epoch_ms(now))
    years = years_to_expiry(universe.expires_at, now.timestamp())
    for row, symbol in enumerate(universe.symbols):
        yield make(
            symbol=symbol,
            spot=float(spots["last"][universe.underlying_index[row]]) / 100,
            strike=float(universe.strike[row]),
            years=float(years[row]),
            is_call=bool(universe.is_call[row]),
            price=float(quotes["last"][row]) / 100,
        )


def _row(operation: str, name: str, samples: dict[str, list[float]]) -> Row:
    return Row(
        name=name,
        operation=operation,
        unit="ms",
        reference=NAIVE,
        measured=ANGEL_X,
        samples=samples,
    )


def _timed(naive: Callable[[], object], ours: Callable[[], object]) -> dict[str, Measure]:
    """Return measurements of two pieces of work in milliseconds."""

    def measured(work: Callable[[], object], _: int) -> float:
        started = time.perf_counter()
        work()
        return 1e3 * (time.perf_counter() - started)

    return {NAIVE: partial(measured, naive), ANGEL_X: partial(measured, ours)}
