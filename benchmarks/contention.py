"""Throughput by the number of accounts and of processes that decide orders: where the account's lock is the limit.

``python -m benchmarks.contention [--quick] [--json FILE]``, or ``angel-x bench accounts``.  Single orders
over eight connections, and fifty a request over two, through a whole system of its own for each
number of processes.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from secrets import token_hex

from angel_x.services.accounts.access import digest_of
from benchmarks.load import Load, angel_x_streams, send_all, wait_until
from benchmarks.machine import described, write
from benchmarks.system import CASH, System, running_system, temporary_home

ACCOUNTS = (1, 8, 200, 1_000)
PROCESSES = (2, 4, 8)
_SINGLE, _BATCHED = 2_000, 10_000

_OPEN = """
WITH opened AS (
    INSERT INTO users (name, cash) VALUES (%(name)s, %(cash)s) RETURNING id
), paid AS (
    INSERT INTO ledger_entries (user_id, account, amount)
    SELECT id, t.account, t.amount FROM opened CROSS JOIN (
        VALUES ('cash', %(cash)s::numeric), ('deposit', -%(cash)s::numeric)) AS t (account, amount)
)
INSERT INTO api_keys (user_id, prefix, digest, scopes)
SELECT id, %(prefix)s, %(digest)s, ARRAY['trade', 'read'] FROM opened
"""
_TOOK = """
SELECT count(*), extract(epoch FROM max(coalesce(closed_at, updated_at)) - min(accepted_at))::float8
FROM orders WHERE client_order_id LIKE '{prefix}%'
"""


def open_accounts(system: System, prefix: str, count: int) -> list[str]:
    """Open accounts in one go, and return a key for each."""
    keys = []
    with system.database.cursor() as cursor:
        for number in range(count):
            name, drawn = f"{prefix}{number}", token_hex(6)
            key = f"ax_{drawn}_{token_hex(32)}"
            given = {"name": name, "cash": CASH, "prefix": drawn, "digest": digest_of(key)}
            cursor.execute(_OPEN, given)
            keys.append(key)
    return keys


def throughput(system: System, load: Load, prefix: str, keys: list[str]) -> float:
    """Return the orders a second, from the first one accepted to the last one decided."""
    send_all(system.url, angel_x_streams(system.url, load, prefix, keys, system.symbols()))
    wait_until(lambda: not system.waiting(), 600, "deciding")
    [(count, seconds)] = system.query(_TOOK.format(prefix=prefix))
    assert isinstance(count, int)
    assert isinstance(seconds, float)
    return round(count / seconds, 1)


def measured(
    accounts: tuple[int, ...], processes: tuple[int, ...], part: int
) -> list[dict[str, object]]:
    """Measure each number of accounts on a system of each number of processes."""
    rows: list[dict[str, object]] = []
    loads = (Load(_SINGLE // part, 1, 8), Load(_BATCHED // part, 50, 2))
    for count in processes:
        queue = str(2 * _BATCHED)
        with (
            temporary_home() as home,
            running_system(
                home, ORDER_PROCESSING_WORKERS=str(count), MAX_QUEUE_SIZE=queue
            ) as system,
        ):
            for number in accounts:
                keys = open_accounts(system, f"of{number}x", number)
                rates = {
                    load.name: throughput(system, load, f"n{number}b{load.batch}x", keys)
                    for load in loads
                }
                rows.append({"processes": count, "accounts": number, **rates})
                print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    return rows


def table(rows: list[dict[str, object]]) -> str:
    """Return orders a second as a table."""
    names = list(rows[0])
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    lines += [f"| {' | '.join(str(value) for value in row.values())} |" for row in rows]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer orders, accounts and processes")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--print-json", action="store_true")
    options = parser.parse_args()
    quick = options.quick
    rows = measured(
        ACCOUNTS[:2] if quick else ACCOUNTS,
        PROCESSES[:2] if quick else PROCESSES,
        10 if quick else 1,
    )
    result: dict[str, object] = {"machine": described(), "rows": rows}
    write(options.json, result)
    print(json.dumps(result, indent=2) if options.print_json else table(rows))


if __name__ == "__main__":
    main()
