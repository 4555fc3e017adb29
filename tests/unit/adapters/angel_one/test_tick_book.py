from __future__ import annotations

import numpy as np

from angel_x.adapters.angel_one.market_frames import CARRIED, Decoded, Mode, Ticks
from angel_x.adapters.angel_one.tick_book import TickBook
from angel_x.domain.quotes.quote import QUOTE

NOW_MS = 1_000


def ticks(mode: Mode, *rows: tuple[int, int, int]) -> Ticks:
    """Return ticks of place, time and a number in every field that the mode carries."""
    quotes = np.zeros(len(rows), QUOTE)
    for name in CARRIED[mode]:
        quotes[name] = [number for *_, number in rows]
    places, times = (np.array([row[i] for row in rows], np.int64) for i in (0, 1))
    return Ticks(mode, places, times, times, quotes)


def test_a_tick_changes_what_its_mode_carries() -> None:
    book = TickBook(2)
    book.apply(Decoded([ticks(Mode.SNAP_QUOTE, (1, 10, 7))], {}), NOW_MS)

    moved = book.apply(
        Decoded([ticks(Mode.LAST, (1, 11, 8)), ticks(Mode.QUOTE, (0, 12, 9))], {}), NOW_MS
    )

    assert moved.tolist() == [0, 1]
    assert book.quotes.tolist() == [(12, 0, 0, 9, 0, 0, 0, 9), (11, 7, 7, 8, 7, 7, 7, 7)]


def test_a_tick_that_comes_late_changes_nothing() -> None:
    book = TickBook(1)
    book.apply(Decoded([ticks(Mode.LAST, (0, 10, 1))], {}), NOW_MS)

    assert book.apply(Decoded([ticks(Mode.LAST, (0, 9, 2))], {}), NOW_MS).tolist() == []

    assert (book.late, book.quotes["last"][0], book.quotes["time"][0]) == (1, 1, 10)


def test_of_ticks_of_one_moment_the_last_one_counts() -> None:
    book = TickBook(1)

    book.apply(
        Decoded([ticks(Mode.LAST, (0, 10, 1), (0, 12, 2), (0, 11, 3), (0, 12, 4))], {}), NOW_MS
    )

    assert (book.quotes["last"][0], book.quotes["time"][0]) == (4, 12)


def test_nothing_moves_nothing() -> None:
    assert TickBook(3).apply(Decoded([], {}), NOW_MS).tolist() == []


def test_a_time_in_the_future_does_not_make_later_ticks_late() -> None:
    book = TickBook(1)
    book.apply(Decoded([ticks(Mode.LAST, (0, 2**62, 1))], {}), NOW_MS)

    moved = book.apply(Decoded([ticks(Mode.LAST, (0, NOW_MS + 5, 2))], {}), NOW_MS + 10)

    assert moved.tolist() == [0]
    assert (book.quotes["last"][0], book.quotes["time"][0], book.late) == (2, NOW_MS + 5, 0)
