"""Other queues beside one order a request over 64 connections: ``python -m benchmarks.rivals``.

The same as ``benchmarks.orders --rivals``, without its other loads.  Needs the extra ``rivals``.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.load import Load
from benchmarks.machine import write
from benchmarks.orders import compared
from benchmarks.tables import order_tables


def main() -> None:
    """Measure, print tables, and keep everything as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=3_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--before", type=Path, metavar="PYTHON")
    parser.add_argument("--json", type=Path)
    parser.set_defaults(rivals=True, singles=0)
    options = parser.parse_args()
    result = compared(options, [Load(options.orders, 1, 64)])
    write(options.json, result)
    print(order_tables(result))


if __name__ == "__main__":
    main()
