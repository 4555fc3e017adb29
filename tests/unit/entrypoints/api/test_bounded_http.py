from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from uvicorn.config import Config

from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.api.bounded_http import BoundedHttp, BoundedState
from angel_x.entrypoints.api.http_bounds import HttpBounds
from tests.builders.recorders import RecordingMeter

BOUNDS = HttpBounds(header_seconds=1, body_seconds=1, connections=2, connections_by_address=1)


def test_refusals_are_counted_once_by_status() -> None:
    meter = RecordingMeter()
    state = BoundedState(BOUNDS, meter)
    state.refusals.update([431, 503, 431])

    state.look(0.0)
    state.look(1.0)

    assert sorted((labels["code"], amount) for _, amount, labels in meter.added) == [
        ("431", 2),
        ("503", 1),
    ]
    assert {metric for metric, _, _ in meter.added} == {Metric.HTTP_EARLY_REFUSALS}


@pytest.fixture
def connection() -> Iterator[BoundedHttp]:
    """A connection whose client is late at the tenth second."""
    config = Config(app="unused:app", log_config=None)
    config.load_app = lambda: None  # type: ignore[method-assign]
    config.load()
    loop = asyncio.new_event_loop()
    state = BoundedState(BOUNDS, RecordingMeter())
    made = BoundedHttp(config, state, {}, loop)
    made.due = 10.0
    state.connections.add(made)
    yield made
    loop.close()


@pytest.mark.parametrize(("stalled", "is_late"), [(0.0, True), (1.9, True), (2.1, False)])
def test_seconds_in_which_the_server_was_stalled_do_not_count(
    connection: BoundedHttp, monkeypatch: pytest.MonkeyPatch, stalled: float, *, is_late: bool
) -> None:
    late: list[float] = []
    monkeypatch.setattr(connection, "time_out", late.append)

    connection._state.look(12.0, stalled=stalled)

    assert late == [12.0] * is_late
