from __future__ import annotations

from structlog.testing import capture_logs

from angel_x.entrypoints.telegram.strangers import Strangers
from tests.builders.timers import Timer


def test_an_id_is_logged_once_and_few_of_many() -> None:
    timer = Timer()
    strangers = Strangers(timer)

    with capture_logs() as logs:
        for person in (1, 1, 2, 3):
            strangers.note(person)
        timer.now += 6
        strangers.note(1)
        strangers.note(3)

    assert [(each["event"], each["person_id"], each["unlogged"]) for each in logs] == [
        ("telegram.ignored", 1, 0),
        ("telegram.ignored", 3, 2),
    ]


def test_a_flood_of_ids_is_remembered_up_to_a_thousand() -> None:
    timer = Timer()
    strangers = Strangers(timer)

    with capture_logs() as logs:
        for person in range(1, 1_100):
            timer.now += 6
            strangers.note(person)

    assert len(logs) == 1_000
