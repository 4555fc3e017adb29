from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from angel_x.domain.feed.gaps import Gap, GapKind, GapWatch, StaleWatch
from angel_x.domain.feed.market_move import MarketMove
from tests.builders.chains import make_universe
from tests.builders.markets import CALENDAR, make_move, make_quotes

#: A Wednesday, an hour after the market opened.
OPEN = datetime(2026, 8, 19, 4, 45, tzinfo=UTC)
BEAT = timedelta(seconds=60)
UNIVERSE = make_universe(strikes=(20_000, 23_900, 24_000))
#: Calls and puts of two strikes of the first of two expiries.
NEAR = 4


def after(seconds: float) -> datetime:
    return OPEN + timedelta(seconds=seconds)


def word(seconds: float, sequence: int | None = None) -> MarketMove:
    return replace(make_move(after(seconds), [0], [100]), sequence=sequence)


def watch(*words: MarketMove, cadence: timedelta | None = BEAT) -> GapWatch:
    made = GapWatch(cadence, CALENDAR)
    for move in words:
        assert made.hear(move) is None
    return made


@pytest.mark.parametrize(("late", "is_gap"), [(179, False), (180, False), (181, True)])
def test_three_missed_beats_are_a_gap(late: float, *, is_gap: bool) -> None:
    gap = watch(word(0)).hear(word(late))

    assert gap == (Gap(GapKind.SILENCE, late) if is_gap else None)


def test_silence_is_told_while_it_lasts_and_once() -> None:
    source = watch(word(0))

    assert source.wait(after(180)) is None
    assert source.wait(after(200)) == Gap(GapKind.SILENCE, 200)
    assert source.wait(after(400)) is None
    assert source.hear(word(500)) is None
    assert source.wait(after(681)) == Gap(GapKind.SILENCE, 181)


def test_a_number_that_is_left_out_is_a_gap_and_a_repeated_one_is_none() -> None:
    source = watch(word(0, 7), word(1, 8), word(2, 8))

    assert source.hear(word(3, 12)) == Gap(GapKind.SEQUENCE, 3)
    assert source.hear(word(4, 13)) is None


def test_a_source_that_begins_anew_owes_nothing() -> None:
    source = watch(word(0, 7))

    source.begin()

    assert source.wait(after(3_000)) is None
    assert source.hear(word(-9_000, 100)) is None


def test_a_fast_source_may_be_silent_for_five_seconds() -> None:
    source = watch(word(0), cadence=timedelta(milliseconds=100))

    assert source.wait(after(5)) is None
    assert source.wait(after(5.1)) == Gap(GapKind.SILENCE, 5.1)


def test_nothing_is_missing_while_the_market_is_closed() -> None:
    closes = CALENDAR.next_close(OPEN)
    next_day = closes + timedelta(hours=18)
    source = watch(make_move(closes - timedelta(seconds=30), [0], [100]))

    assert source.wait(closes + timedelta(hours=1)) is None
    opens = CALENDAR.session(next_day.date()).opens_at  # type: ignore[union-attr]  # a Thursday
    assert source.wait(opens + timedelta(seconds=170)) is None
    assert source.wait(opens + timedelta(seconds=190)) == Gap(GapKind.SILENCE, 190)


def stale(heard: StaleWatch, seconds: float, listed: list[int]) -> int:
    return heard.count(UNIVERSE, np.array(listed), make_quotes([2_400_000]), after(seconds))


def test_a_contract_near_the_money_without_a_new_quote_is_stale() -> None:
    heard = StaleWatch(len(UNIVERSE), timedelta(seconds=1), CALENDAR)
    everything = list(range(len(UNIVERSE)))
    near = NEAR
    heard.begin(OPEN)

    assert stale(heard, 60, everything) == 0
    assert stale(heard, 61, everything) == near
    heard.hear(make_move(after(61), [0, 3, 4, 8], [1] * 4))
    assert stale(heard, 62, everything) == near - 2


def test_a_listed_contract_that_the_source_never_speaks_of_is_stale() -> None:
    heard = StaleWatch(2, timedelta(seconds=1), CALENDAR)
    heard.begin(OPEN)
    heard.hear(make_move(after(100), [0, 1], [1, 1]))

    # The source's first row is listed as the third, its second one nowhere.
    assert stale(heard, 120, [2, -1]) == NEAR - 1


def test_a_slow_source_is_given_five_beats() -> None:
    heard = StaleWatch(len(UNIVERSE), BEAT, CALENDAR)
    heard.begin(OPEN)

    assert stale(heard, 300, list(range(len(UNIVERSE)))) == 0
    assert stale(heard, 301, list(range(len(UNIVERSE)))) > 0


def test_when_an_expiry_is_over_the_next_one_is_expected_to_move() -> None:
    heard = StaleWatch(len(UNIVERSE), timedelta(seconds=1), CALENDAR)
    heard.begin(OPEN)
    first = UNIVERSE.expires_at.min() - OPEN.timestamp()
    next_morning = 86_400 * round(first / 86_400 + 1)

    assert stale(heard, next_morning, list(range(len(UNIVERSE)))) == NEAR
    heard.hear(make_move(after(next_morning), [8, 9, 10, 11], [1] * 4))
    assert stale(heard, next_morning, list(range(len(UNIVERSE)))) == 0


def test_nothing_is_stale_where_it_has_expired_or_the_market_is_closed() -> None:
    heard = StaleWatch(len(UNIVERSE), None, CALENDAR)
    heard.begin(OPEN)
    last = UNIVERSE.expires_at.max() - OPEN.timestamp()

    assert stale(heard, last + 1, list(range(len(UNIVERSE)))) == 0
    assert stale(heard, 12 * 3_600, list(range(len(UNIVERSE)))) == 0
