"""A process that counts into a directory: ``python counting.py DIRECTORY TIMES [die]``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from angel_x.adapters.metrics import PrometheusMeter
from angel_x.domain.operations.metric import Metric


def main(directory: str, times: str, *last: str) -> None:
    meter = PrometheusMeter(Path(directory), "test_node", "orders")
    for _ in range(int(times)):
        meter.add(Metric.ORDERS_PROCESSED, status="filled")
        meter.observe(Metric.ORDER_PROCESSING_SECONDS, 0.004)
    sys.stdout.write("counted\n")
    sys.stdout.flush()
    if last:
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()


main(*sys.argv[1:])
