"""What orders cost while they rest, and when the market comes to them.

``python -m benchmarks.resting [--orders N ...] [--accounts N ...] [--json FILE]``.  One process, real
servers, no messages: CPU time of this process and of PostgreSQL, for a look after all contracts have
moved and crossed no order, and for each order that is matched once a tenth of them and all of them cross.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from angel_x.bootstrap import Application
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.quotes.quote import QUOTE
from angel_x.services.market.quoting import Quoting
from benchmarks.cpu import cpu_seconds
from benchmarks.machine import described, write
from benchmarks.matching import CONTRACTS, listed_universe, running_application

_SPOT_PAISE = 2_400_000
_ANY_SIZE = 100_000_000
#: Asks in paise that cross no order, a tenth of them, and all of them.
NONE, SOME, ALL = 10_050, 9_500, 9_000
#: Looks a second while every contract moves: four that the feed asks for, and one of Beat.
_LOOKS_A_SECOND = 5

_ACCOUNTS = """
INSERT INTO users (name, cash) SELECT 'rests-' || n, 1000000000 FROM generate_series(1, %(count)s) n
RETURNING id
"""
# Written at once: through the order path a hundred thousand take minutes.
_ORDERS = """
INSERT INTO orders (user_id, client_order_id, request_hash, symbol, side, quantity, order_type,
    limit_price, validity, product, priority, status, ring_at, valid_until)
SELECT (%(users)s::bigint[])[1 + n %% cardinality(%(users)s::bigint[])], 'rests-' || n, 'x',
    (%(symbols)s::text[])[1 + n %% cardinality(%(symbols)s::text[])], 'BUY', %(lot)s, 'LIMIT',
    CASE WHEN n %% 10 = 0 THEN 95 ELSE 90 END, 'DAY', 'NRML', 'normal', 'working', now(), now() + interval '1 day'
FROM generate_series(1, %(count)s) n;
INSERT INTO exposures (user_id, symbol, open_buy_quantity)
SELECT user_id, symbol, sum(quantity) FROM orders WHERE status = 'working' GROUP BY user_id, symbol;
UPDATE users u SET open_orders = o.count FROM (
    SELECT user_id, count(*) AS count FROM orders WHERE status = 'working' GROUP BY user_id
) AS o WHERE u.id = o.user_id;
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU seconds of a piece of work, and the orders that it matched."""

    process: float
    postgres: float
    matched: int


class RestingBook:
    """Purchases that rest in the contracts of one chain, and the market below which they are placed."""

    def __init__(self, application: Application, *, orders: int, accounts: int) -> None:
        self._application = application
        self._universe = listed_universe(application)
        ports = application.market.feed_ports
        self._quoting = Quoting(self._universe, ports.universes, ports.board, buffer_size=5_000)
        self._quoting.follow()
        self._volume = 0
        self.quote(NONE)
        self._store(orders, accounts)
        # The first look takes everything as moved, and plans its statements.
        self.look(NONE)

    def quote(self, ask: int) -> None:
        """Quote all contracts, which then have moved; any size is displayed."""
        self._volume += 1
        quotes = np.zeros(CONTRACTS, QUOTE)
        quotes["ask"], quotes["bid"], quotes["last"] = ask, ask - 10, ask - 5
        quotes["bid_size"] = quotes["ask_size"] = _ANY_SIZE
        quotes["volume"] = self._volume
        spots = np.zeros(len(self._universe.underlyings), QUOTE)
        spots["last"] = _SPOT_PAISE
        now = self._application.base.clock()
        move = MarketMove(now, np.arange(CONTRACTS), quotes, spots)
        self._quoting.take(move, slice(0, CONTRACTS), epoch_ms(now))
        self._quoting.flush(epoch_ms(now))

    def look(self, ask: int) -> Cost:
        """Quote all contracts and match until nothing is left to match."""
        matched, process, postgres = 0, 0.0, 0.0
        while True:
            self.quote(ask)
            before, started = _postgres_seconds(), time.process_time()
            fills = self._application.trading.matching.run()
            process += time.process_time() - started
            postgres += _postgres_seconds() - before
            matched += fills
            if not fills:
                return Cost(process, postgres, matched)

    def _store(self, orders: int, accounts: int) -> None:
        with self._application.base.engine.begin() as connection:
            users = connection.exec_driver_sql(_ACCOUNTS, {"count": accounts}).scalars().all()
            parameters = {
                "users": list(users),
                "symbols": list(self._universe.symbols[:CONTRACTS]),
                "lot": int(self._universe.lot_size[0]),
                "count": orders,
            }
            connection.exec_driver_sql(_ORDERS, parameters)


def measure(book: RestingBook, looks: int) -> dict[str, float]:
    """Return what looks cost that match nothing, and what matched orders cost."""
    idle = [book.look(NONE) for _ in range(looks)]
    process, postgres = (
        sum(times) / looks for times in zip(*((c.process, c.postgres) for c in idle), strict=True)
    )
    share = (process + postgres) * _LOOKS_A_SECOND / (os.cpu_count() or 1)
    result = {
        "look_process_ms": round(1e3 * process, 3),
        "look_postgres_ms": round(1e3 * postgres, 3),
        "machine_percent": round(100 * share, 2),
    }
    for name, ask in (("some", SOME), ("all", ALL)):
        cost = book.look(ask)
        result[f"{name}_matched"] = cost.matched
        if cost.matched:
            seconds = cost.process + cost.postgres
            result[f"{name}_us_per_order"] = round(1e6 * seconds / cost.matched, 1)
    return result


def main() -> None:
    """Measure each size and print."""
    options = _options()
    rows = []
    for orders in options.orders:
        for accounts in options.accounts:
            with running_application() as application:
                book = RestingBook(application, orders=orders, accounts=accounts)
                rows.append(
                    {"orders": orders, "accounts": accounts, **measure(book, options.looks)}
                )
                print(json.dumps(rows[-1]), flush=True)
    write(options.json, {"machine": described(), "rows": rows})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, nargs="+", default=[0, 20_000, 100_000])
    parser.add_argument("--accounts", type=int, nargs="+", default=[1, 1_000])
    parser.add_argument("--looks", type=int, default=50)
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def _postgres_seconds() -> float:
    return cpu_seconds([os.getpid()]).get("postgres", 0.0)


if __name__ == "__main__":
    main()
