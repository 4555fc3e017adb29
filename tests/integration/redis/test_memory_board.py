from __future__ import annotations

import redis

from angel_x.adapters.redis.memory_board import MemoryBoard
from angel_x.domain.operations.memory_report import MemoryReport

REPORT = MemoryReport("node/orders-0", 12, 130.5, 100.0, 1_700_000_000.25)


def test_a_report_is_read_as_it_was_written(cache: redis.Redis) -> None:
    board = MemoryBoard(cache)

    board.write([REPORT])

    assert board.read() == {"node/orders-0": REPORT}


def test_a_process_that_is_forgotten_is_gone(cache: redis.Redis) -> None:
    board = MemoryBoard(cache)
    board.write([REPORT])

    board.forget(["node/orders-0", "node/never-seen"])
    board.forget([])

    assert board.read() == {}
