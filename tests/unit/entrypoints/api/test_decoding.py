"""Which thread reads the body of a submission."""

from __future__ import annotations

import asyncio
import threading

import pytest

from angel_x.entrypoints.api import orders
from angel_x.entrypoints.api.bulkheads import Bulkheads
from angel_x.services.intake import order_form

DEADLINE_SECONDS = 120.0
QUICKLY_READ = orders._QUICKLY_READ_BYTES


@pytest.mark.parametrize(
    ("size", "in_the_loop"), [(1, True), (QUICKLY_READ, True), (QUICKLY_READ + 1, False)]
)
def test_a_large_body_is_read_beside_the_loop_that_serves_the_others(
    monkeypatch: pytest.MonkeyPatch, size: int, *, in_the_loop: bool
) -> None:
    readers: list[threading.Thread] = []

    def decode(_content: bytes, _key: str | None) -> tuple[()]:
        readers.append(threading.current_thread())
        return ()

    monkeypatch.setattr(order_form, "decode", decode)

    assert (
        asyncio.run(
            orders._decode(Bulkheads(4, patience_seconds=DEADLINE_SECONDS), 1, b" " * size, None)
        )
        == ()
    )
    assert [reader is threading.main_thread() for reader in readers] == [in_the_loop]
