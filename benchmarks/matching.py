"""A burst of ticks through resting orders: what a matched order costs beside a fresh one.

``python -m benchmarks.matching [--orders N] [--ticks N] [--json FILE]``.  One process, real servers:
no messages and no HTTP, so both costs are those of deciding, trading and recording an order.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

import numpy as np

from angel_x.adapters.logging import configure_logging
from angel_x.adapters.postgres import schema
from angel_x.adapters.servers import erase, start_servers
from angel_x.bootstrap import Application, build
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.contracts.contract_rules import ContractFactory, ContractRules
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.chain_generator import generate_chain
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.orders.order import OrderRequest, OrderType, Side
from angel_x.domain.quotes.quote import QUOTE
from angel_x.domain.values.money import rupees
from angel_x.services.intake.acceptance import Submission
from angel_x.services.market.quoting import Quoting
from benchmarks.machine import described, write
from config.loading import load
from config.market import table

_ACCOUNTS = 8
_CASH = Decimal(1_000_000_000)
#: Contracts that have quotes.
CONTRACTS = 200
#: The feed asks for a look this often while the ticks come in.
_LOOKS = 10
_ASK, _TICK = 10_050, 5
_BATCH = 50
_LOT = 65
_SPOT = 24_000


def main() -> None:
    """Measure and print."""
    options = _options()
    with running_application() as application:
        burst = Burst(application, options.orders, options.ticks)
        rounds = [burst.run(number) for number in range(options.rounds)]
    result: dict[str, object] = {
        "machine": described(),
        "rounds": rounds,
        "matched_to_fresh_decided": median(map(_ratio, rounds)),
    }
    print(json.dumps(result, indent=2))
    write(options.json, result)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2_000)
    parser.add_argument("--ticks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _ratio(result: dict[str, float]) -> float:
    return result["matched_to_fresh_decided"]


class Burst:
    """One market, whose prices fall tick by tick through the purchases that rest."""

    def __init__(self, application: Application, orders: int, ticks: int) -> None:
        self._application = application
        self._orders = orders
        self._rounds = ticks // CONTRACTS
        self._universe = listed_universe(application)
        self._users = [
            application.people.accounts.open(f"u{n}", _CASH).id for n in range(_ACCOUNTS)
        ]
        ports = application.market.feed_ports
        self._quoting = Quoting(self._universe, ports.universes, ports.board, buffer_size=5_000)
        self._quoting.follow()
        self._volume = 0
        self._numbers = 0

    def run(self, number: int) -> dict[str, float]:
        """Decide fresh orders, let as many rest, then let the market come to them."""
        self._numbers = number * 10 * self._orders
        self._tell(_ASK)
        fresh_accepting, fresh_deciding = self._place(self._requests(None))
        self._place(self._requests(self._limits()))
        self._application.trading.matching.run()
        matching, ticking, matched = self._fall()
        assert matched == self._orders, f"{matched} of {self._orders} orders were matched"
        per = 1e6 / self._orders
        return {
            "orders": self._orders,
            "ticks": self._rounds * CONTRACTS,
            "looks": _LOOKS,
            "fresh_accepted_us_per_order": round(fresh_accepting * per, 1),
            "fresh_decided_us_per_order": round(fresh_deciding * per, 1),
            "matched_us_per_order": round(matching * per, 1),
            "matched_to_fresh_decided": round(matching / fresh_deciding, 3),
            "tick_us": round(ticking * 1e6 / (self._rounds * CONTRACTS), 2),
        }

    def _fall(self) -> tuple[float, float, int]:
        """Return the seconds of matching and of taking ticks, and how many orders were matched."""
        matching = ticking = 0.0
        matched = 0
        for step in range(1, self._rounds + 1):
            started = time.perf_counter()
            self._tell(_ASK - step * _TICK)
            ticking += time.perf_counter() - started
            if step % (self._rounds // _LOOKS) == 0:
                started = time.perf_counter()
                matched += self._application.trading.matching.run()
                matching += time.perf_counter() - started
        return matching, ticking, matched

    def _tell(self, ask: int) -> None:
        """Take one tick a contract through the buffer of the feed, which writes every fifty."""
        self._volume += _LOT
        rows = np.arange(CONTRACTS)
        quotes = np.zeros(CONTRACTS, QUOTE)
        quotes["ask"], quotes["bid"], quotes["last"] = ask, ask - 2 * _TICK, ask - 2 * _TICK
        quotes["bid_size"] = quotes["ask_size"] = 400 * _LOT
        quotes["volume"] = self._volume
        spots = np.zeros(len(self._universe.underlyings), QUOTE)
        spots["last"] = _SPOT * 100
        move = MarketMove(self._application.base.clock(), rows, quotes, spots)
        for start in range(0, CONTRACTS, 50):
            now = epoch_ms(self._application.base.clock())
            self._quoting.take(move, slice(start, start + 50), now)
            self._quoting.flush(now)

    def _limits(self) -> list[int]:
        """Return one limit an order, spread over the way that the ask will go."""
        steps = np.random.default_rng(7).integers(1, self._rounds + 1, self._orders)
        return [_ASK - int(step) * _TICK for step in steps]

    def _requests(self, limits: Sequence[int] | None) -> list[OrderRequest]:
        return [
            OrderRequest(
                client_order_id=f"c{self._numbers + n}-{'fresh' if limits is None else 'rests'}",
                symbol=self._universe.symbols[n % CONTRACTS],
                side=Side.BUY,
                quantity=_LOT,
                order_type=OrderType.MARKET if limits is None else OrderType.LIMIT,
                limit_price=None if limits is None else rupees(limits[n]),
            )
            for n in range(self._orders)
        ]

    def _place(self, requests: Sequence[OrderRequest]) -> tuple[float, float]:
        """Accept and decide in batches; return the seconds of each."""
        accepting = deciding = 0.0
        for number, start in enumerate(range(0, len(requests), _BATCH)):
            user = self._users[number % _ACCOUNTS]
            submission = Submission(user, tuple(requests[start : start + _BATCH]))
            started = time.perf_counter()
            (outcome,) = self._application.intake.acceptance.accept([submission])
            accepted = time.perf_counter()
            assert isinstance(outcome, tuple)
            self._application.trading.execution.run([order.order_id for order in outcome])
            deciding += time.perf_counter() - accepted
            accepting += accepted - started
        return accepting, deciding


def listed_universe(application: Application) -> Universe:
    """List a generated chain and return its universe."""
    rules = ContractRules.from_table(table("contracts"))
    day = (application.base.clock() + timedelta(days=1)).date()
    chain = generate_chain(
        ContractFactory(rules, application.base.calendar, day), "NIFTY", Decimal(_SPOT)
    )
    listing = application.market.contracts
    listing.store.replace(Universe(chain))
    universe = application.market.universes.version("") or application.market.universes.current()
    listing.publish(universe.version)
    assert len(universe) >= CONTRACTS, f"{CONTRACTS} contracts are needed, were {len(universe)}"
    return universe


@contextmanager
def running_application() -> Iterator[Application]:
    """Build the application of an order worker on servers of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with start_servers(home, database_url=None, redis_url=None) as servers:
            environ = {
                "ANGEL_X_HOME": str(home),
                "ANGEL_X_DATABASE_URL": servers.urls.database_url,
                "ANGEL_X_BROKER_URL": servers.urls.broker_url,
                "ANGEL_X_CACHE_URL": servers.urls.cache_url,
                "ANGEL_X_METRICS_ENABLED": "false",
                "ANGEL_X_LOG_LEVEL": "warning",
                "ANGEL_X_WARM_CACHE_ON_STARTUP": "false",
                "ANGEL_X_MARKET_HOURS": "always",
            }
            settings = load(environ)
            configure_logging(settings, "bench")
            with closing(build(settings, role="orders")) as application:
                schema.upgrade(application.base.engine)
                yield application
        erase(home)


if __name__ == "__main__":
    main()
