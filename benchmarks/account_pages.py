"""Pages of an account over HTTP beside a million stored rows.

``python -m benchmarks.account_pages [--rows N] [--requests N] [--json FILE]``.  A whole system that is idle but
for its simulated market; positions, trades and ledger entries of a hundred accounts, as many rows in each table.
One client asks for one page after the other over a kept connection, each time of another account, and reads the
whole answer; answers are not compressed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from psycopg2.extensions import connection

from benchmarks.contention import open_accounts
from benchmarks.machine import described, write
from benchmarks.measured import percentiles
from benchmarks.system import System, running_system, temporary_home

_ACCOUNTS, _POSITIONS = 100, 20
_WARM = 20
_KILOBYTE = 1024
_LONG_AGO = "since=2020-01-01T00:00:00Z"
#: The pages by name.
PAGES: Mapping[str, str] = {
    "20 positions": "/v1/positions",
    "100 trades": f"/v1/trades?{_LONG_AGO}&limit=100",
    "1,000 trades": f"/v1/trades?{_LONG_AGO}",
    "100 entries of the ledger": "/v1/ledger?limit=100",
    "1,000 entries of the ledger": "/v1/ledger",
}
_FILL = """
CREATE TEMPORARY TABLE holders ON COMMIT DROP AS
SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM users WHERE name LIKE 'pages%%';
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT h.id AS user_id, n / %(accounts)s AS number,
    (%(symbols)s::text[])[1 + (n / %(accounts)s) %% %(positions)s] AS symbol
FROM generate_series(0, %(rows)s - 1) n JOIN holders h ON h.place = n %% %(accounts)s;
INSERT INTO positions (user_id, portfolio_id, symbol, status, quantity, cost, entry_time, exit_time)
SELECT user_id, user_id, symbol, CASE WHEN number < %(positions)s THEN 'OPEN' ELSE 'CLOSED' END,
    CASE WHEN number < %(positions)s THEN 65 ELSE 0 END, CASE WHEN number < %(positions)s THEN 5200 ELSE 0 END,
    now(), CASE WHEN number >= %(positions)s THEN now() END
FROM made;
INSERT INTO trades (user_id, symbol, status, side, quantity, entry_price, exit_price, created_at, closed_at)
SELECT user_id, symbol, 'CLOSED', 'BUY', 65, 80, 81, now() - make_interval(mins => number),
    now() - make_interval(mins => number)
FROM made;
INSERT INTO ledger_entries (user_id, account, amount)
SELECT user_id, CASE number %% 2 WHEN 0 THEN 'cash' ELSE 'charges' END, CASE number %% 2 WHEN 0 THEN -5 ELSE 5 END
FROM made;
"""


def fill(database: connection, symbols: Sequence[str], rows: int, accounts: int) -> None:
    """Store the rows of the accounts whose names begin with ``pages``, and take statistics."""
    given = {
        "symbols": list(symbols),
        "positions": len(symbols),
        "rows": rows,
        "accounts": accounts,
    }
    with database.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(f"BEGIN; {_FILL} COMMIT;", given)
        cursor.execute("VACUUM (ANALYZE)")


def measure(url: str, keys: Sequence[str], requests: int) -> dict[str, dict[str, float]]:
    """Return milliseconds and kilobytes of each page."""
    with _connection(url) as kept:
        return {name: _page(kept, path, keys, requests) for name, path in PAGES.items()}


def _page(kept: HTTPConnection, path: str, keys: Sequence[str], requests: int) -> dict[str, float]:
    times, size = [], 0
    for number in range(_WARM + requests):
        headers = {"Authorization": f"Bearer {keys[number % len(keys)]}"}
        started = time.perf_counter()
        kept.request("GET", path, headers={**headers, "Accept-Encoding": "identity"})
        answer = kept.getresponse()
        content = answer.read()
        times.append(1e3 * (time.perf_counter() - started))
        assert answer.status == HTTPStatus.OK, f"{path}: {answer.status} {content[:200]!r}"
        size = max(size, len(content))
    return {**percentiles(times[_WARM:]), "kb": round(size / _KILOBYTE, 1)}


@contextmanager
def _connection(url: str) -> Iterator[HTTPConnection]:
    address = urlsplit(url)
    with closing(HTTPConnection(address.hostname or "", address.port, timeout=60)) as kept:
        yield kept


def _symbols(system: System) -> list[str]:
    rows = system.angel_x("chain", "NIFTY")["rows"]
    assert isinstance(rows, list)
    return [row["symbol"] for row in rows[:_POSITIONS]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with temporary_home() as home, running_system(home, RATE_LIMIT_ENABLED="false") as system:
        keys = open_accounts(system, "pages", _ACCOUNTS)
        fill(system.database, _symbols(system), options.rows, _ACCOUNTS)
        print(f"{options.rows:,} rows in each table", file=sys.stderr, flush=True)
        pages = measure(system.url, keys, options.requests)
    result: dict[str, object] = {
        "machine": described(),
        "stored_rows": options.rows,
        "requests": options.requests,
        "pages": pages,
    }
    print(json.dumps(result, indent=2))
    write(options.json, result)


if __name__ == "__main__":
    main()
