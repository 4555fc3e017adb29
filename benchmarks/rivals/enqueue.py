"""Puts orders on a rival's queue: ``python -m benchmarks.rivals.enqueue dramatiq``.

Reads slices of the load from standard input, two numbers a line, and writes a line for each when its
messages are sent.
"""

from __future__ import annotations

import sys
from importlib import import_module

from benchmarks.rivals.booking import order_ids


def main(name: str) -> None:
    """Make what the queue needs, then send slices until standard input ends."""
    rival = import_module(f"benchmarks.rivals.on_{name}")
    rival.prepare()
    ids = order_ids()
    print("ready", flush=True)
    for line in sys.stdin:
        start, stop = map(int, line.split())
        for order_id in ids[start:stop]:
            rival.enqueue(order_id)
        print("sent", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
