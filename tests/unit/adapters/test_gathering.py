from __future__ import annotations

from angel_x.adapters.gathering import Gathering


class Seconds:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_ids_are_due_a_pause_after_the_first_of_them() -> None:
    seconds = Seconds()
    gathering = Gathering(seconds, pause_seconds=0.25)

    assert gathering.add([3]) is True
    seconds.now += 0.1
    assert gathering.add([1, 3]) is False

    assert gathering.due_in() == 100.25 - 100.1
    seconds.now += 1
    assert gathering.due_in() == 0


def test_without_ids_nothing_is_due() -> None:
    gathering = Gathering(Seconds(), pause_seconds=0.25)

    assert gathering.due_in() is None
    assert gathering.take() == []


def test_what_is_taken_is_forgotten_and_the_next_id_is_a_first_one() -> None:
    gathering = Gathering(Seconds(), pause_seconds=0.25)
    gathering.add([3, 1])

    assert gathering.take() == [1, 3]

    assert gathering.due_in() is None
    assert gathering.add([1]) is True
    assert gathering.due_in() == 0.25
