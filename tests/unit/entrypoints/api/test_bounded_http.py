from __future__ import annotations

from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.api.bounded_http import BoundedState
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
