"""A pool without a free connection says so, and counts it."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import TimeoutError as NoneInTime

from angel_x.adapters.postgres.engine import make_engine


def test_a_connection_that_is_not_to_be_had_is_counted(migrated_url: str) -> None:
    counted: list[str] = []
    engine = make_engine(
        migrated_url,
        pool_size=1,
        max_pool_size=1,
        acquire_seconds=0.05,
        exhausted=lambda: counted.append("none"),
    )

    with engine.connect():
        assert counted == []
        with pytest.raises(NoneInTime):
            engine.connect()
        assert counted == ["none"]
    # A pool that was emptied is another one.
    engine.dispose()
    with engine.connect(), pytest.raises(NoneInTime):
        engine.connect()
    assert counted == ["none", "none"]
    engine.dispose()
