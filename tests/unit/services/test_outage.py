from __future__ import annotations

from datetime import timedelta

from structlog.testing import capture_logs

from angel_x.services.outage import Outage
from tests.builders.markets import NOW

ERROR = ConnectionError("away")


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_each_failure_doubles_the_wait_up_to_five_seconds() -> None:
    outage, now, waits = Outage("feed"), NOW, []
    for _ in range(8):
        outage.record_failure(now, ERROR)
        wait = next(n for n in range(1, 60) if not outage.holds_back(now + after(n / 10)))
        waits.append(wait / 10)
        now += after(wait / 10)

    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_an_outage_is_logged_once_at_each_end() -> None:
    outage = Outage("feed")

    with capture_logs() as logs:
        outage.record_success(NOW)
        for second in range(5):
            outage.record_failure(NOW + after(second), ERROR)
        outage.record_success(NOW + after(7))
        outage.record_success(NOW + after(8))

    assert [(entry["event"], entry.get("seconds")) for entry in logs] == [
        ("outage.begun", None),
        ("outage.ended", 7.0),
    ]
    assert not outage.holds_back(NOW + after(7))
