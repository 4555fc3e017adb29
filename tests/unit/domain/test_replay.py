from __future__ import annotations

import numpy as np

from angel_x.domain.chain_file import parse_chain
from angel_x.domain.quote import QUOTE
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
    assert [m.rows.tolist() for m in CHAIN.moves()] == [m.rows.tolist() for m in CHAIN.moves()]
    assert CHAIN.starts_at == CHAIN.snapshots[0].at
