from __future__ import annotations

from angel_x.adapters.children.backoff import Backoff


def backoff() -> Backoff:
    return Backoff(shortest=0.5, longest=4, healthy_after=10)


def test_each_short_life_doubles_the_pause_up_to_the_longest() -> None:
    made = backoff()

    assert [made.pause(0) for _ in range(5)] == [0.5, 1, 2, 4, 4]


def test_a_child_that_lived_long_enough_starts_at_once_and_begins_anew() -> None:
    made = backoff()
    made.pause(0)
    made.pause(0)

    assert made.pause(10) == 0
    assert made.pause(9.9) == 0.5
