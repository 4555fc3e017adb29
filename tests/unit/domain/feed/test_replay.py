from __future__ import annotations

from datetime import timedelta
from itertools import islice

import numpy as np
import pytest

from angel_x.domain.feed.chain_file import parse_chain
from angel_x.domain.quotes.quote import QUOTE
from tests.builders.markets import CALENDAR, RULES, chain_text

CHAIN = parse_chain(chain_text().splitlines(), "chain.csv", RULES, CALENDAR)


def test_a_replay_tells_only_what_is_new() -> None:
    first, second = CHAIN.moves()

    assert first.rows.tolist() == [0, 1, 2]
    # The put says the same as before, and the far call is not there.
    assert second.rows.tolist() == [0]
    assert second.quotes["last"].tolist() == [15_340]
    assert second.spots["last"].tolist() == [2_406_010]


def test_what_was_told_adds_up_to_the_last_snapshot() -> None:
    book = np.zeros(len(CHAIN.universe), QUOTE)
    for move in CHAIN.moves():
        book[move.rows] = move.quotes

    last = CHAIN.snapshots[-1]
    assert np.array_equal(book[last.rows], last.quotes)


def test_a_replay_can_be_told_again() -> None:
    for _ in range(2):
        assert [m.rows.tolist() for m in CHAIN.moves()] == [[0, 1, 2], [0]]
    assert CHAIN.starts_at == CHAIN.snapshots[0].at


@pytest.mark.parametrize(
    ("seconds", "moves"),
    [
        # Before the beginning, at it, between the two snapshots, at the second, after the end.
        (-3_600, [[0, 1, 2], [0]]),
        (0, [[0, 1, 2], [0]]),
        (59, [[0, 1, 2], [0]]),
        (60, [[0, 1, 2]]),
        (3_600, [[0, 1, 2]]),
    ],
)
def test_a_replay_from_a_time_on_begins_with_all_that_is_known_then(
    seconds: float, moves: list[list[int]]
) -> None:
    told = list(CHAIN.moves(CHAIN.starts_at + timedelta(seconds=seconds)))

    assert [m.rows.tolist() for m in told] == moves
    assert told[0].at == CHAIN.starts_at + timedelta(seconds=min(max(seconds, 0), 60))
    first_call = 15_340 if seconds >= 60 else 15_005
    assert told[0].quotes["last"].tolist() == [first_call, 14_740, 5]


def test_from_any_snapshot_on_the_book_is_what_it_is_from_the_beginning() -> None:
    book = np.zeros(len(CHAIN.universe), QUOTE)
    assert len(list(CHAIN.moves())) == 2
    for number, move in enumerate(CHAIN.moves()):
        book[move.rows] = move.quotes
        sought = next(CHAIN.moves(CHAIN.snapshots[number].at))
        assert np.array_equal(book[sought.rows], sought.quotes)
        assert sought.spots.tolist() == move.spots.tolist()


def test_the_cadence_of_a_recording_is_its_usual_pause() -> None:
    alone = parse_chain(chain_text().splitlines()[:3], "chain.csv", RULES, CALENDAR)

    assert CHAIN.cadence == timedelta(minutes=1)
    assert len(list(islice(alone.moves(), 3))) == 1
    assert alone.cadence is None
