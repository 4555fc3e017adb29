"""What counts as moved between two looks at the board."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from angel_x.domain.contracts.universe import Universe
from angel_x.domain.quotes.quote import QUOTE
from angel_x.services.trading.market_watch import MarketWatch
from tests.builders.chains import make_universe
from tests.builders.markets import NOW, MemoryQuoteBoard

EXPIRY = date(2026, 12, 29)
#: 1,002 contracts, and the same number of others.
UNIVERSE = make_universe(expiries=(EXPIRY,), strikes=range(1_000, 51_100, 100))
OTHER = make_universe(expiries=(EXPIRY,), strikes=range(1_050, 51_150, 100))


class Watch:
    """A watch over a board in memory, whose universe and clock a test moves."""

    def __init__(self) -> None:
        self.universe = UNIVERSE
        self.board = MemoryQuoteBoard()
        self.now = 0.0
        self.watch = MarketWatch(
            universes=self,
            quotes=self.board,
            clock=lambda: NOW,
            monotonic=lambda: self.now,
            max_quote_age_seconds=60.0,
            full_seconds=3.0,
        )

    def current(self) -> Universe:
        return self.universe

    def refreshed(self) -> Universe:
        return self.universe

    def version(self, version: str) -> Universe | None:
        return self.universe if version == self.universe.version else None

    def write(self, *rows: int, **columns: int) -> None:
        quotes = np.zeros(len(rows), QUOTE)
        for name, value in columns.items():
            quotes[name] = value
        self.board.write(self.universe, np.array(rows), quotes)

    def look(self) -> list[int] | None:
        """Look and take it as seen; return the rows that have moved, None for all."""
        sight = self.watch.look()
        self.watch.note(sight)
        return None if sight.moved is None else sight.moved.tolist()


@pytest.fixture
def watch() -> Watch:
    watch = Watch()
    assert watch.look() is None
    return watch


@pytest.mark.parametrize("column", ["bid", "ask", "last", "bid_size", "ask_size", "volume"])
def test_another_price_size_or_volume_has_moved(watch: Watch, column: str) -> None:
    watch.write(7, **{column: 1})

    assert watch.look() == [7]
    assert watch.look() == []


def test_the_same_said_again_has_not_moved_nor_has_open_interest(watch: Watch) -> None:
    watch.write(7, time=5, oi=65)

    assert watch.look() == []


def test_what_was_not_noted_has_moved_still(watch: Watch) -> None:
    watch.write(7, last=1)

    looks = [watch.watch.look().moved for _ in range(2)]
    assert [None if moved is None else moved.tolist() for moved in looks] == [[7]] * 2


@pytest.mark.parametrize(("now", "expected"), [(2.999, []), (3.0, None), (3.001, None)])
def test_everything_has_moved_after_the_full_seconds(
    watch: Watch, now: float, expected: list[int] | None
) -> None:
    watch.now = now

    assert watch.look() == expected


def test_the_full_seconds_are_counted_from_the_last_full_look(watch: Watch) -> None:
    watch.now = 2.0
    assert watch.look() == []
    watch.now = 3.0
    assert watch.look() is None
    watch.now = 5.999
    assert watch.look() == []


def test_everything_of_another_universe_has_moved(watch: Watch) -> None:
    watch.universe = OTHER

    assert watch.look() is None
    assert watch.look() == []


def test_a_slow_search_of_everything_is_followed_by_a_longer_pause(watch: Watch) -> None:
    watch.now = 3.0
    watch.watch.note(watch.watch.look(), search_seconds=0.1)

    watch.now = 7.999
    assert watch.look() == []
    watch.now = 8.0
    assert watch.look() is None


def test_a_slow_search_of_what_moved_delays_nothing(watch: Watch) -> None:
    watch.now = 2.0
    watch.watch.note(watch.watch.look(), search_seconds=10.0)

    watch.now = 3.0
    assert watch.look() is None
