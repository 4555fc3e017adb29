from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from angel_x.services.controls.controls_watch import ControlsWatch


@dataclass
class Market:
    """Whether something is open that should not be, what was asked for, and what time it is."""

    is_due: bool = True
    #: The seconds that a look takes.
    look_seconds: float = 0.0
    looks: int = 0
    asked: int = 0
    now: float = 0.0

    def look(self) -> bool:
        self.looks += 1
        self.now += self.look_seconds
        return self.is_due

    def ask(self) -> bool:
        self.asked += 1
        return True


@pytest.fixture
def market() -> Market:
    return Market()


@pytest.fixture
def look(market: Market) -> Callable[[], bool]:
    watch = ControlsWatch(is_due=market.look, ask=market.ask, monotonic=lambda: market.now)
    return watch.look


def test_it_asks_again_while_something_is_open(market: Market, look: Callable[[], bool]) -> None:
    assert look()
    market.now = 1.0
    assert look()
    assert market.asked == 2


def test_it_asks_for_nothing_where_nothing_is_open(
    market: Market, look: Callable[[], bool]
) -> None:
    market.is_due = False

    assert not look()
    assert market.asked == 0


def test_it_looks_once_a_second(market: Market, look: Callable[[], bool]) -> None:
    look()
    market.now = 0.9

    assert not look()
    assert (market.looks, market.asked) == (1, 1)


def test_a_slow_look_is_followed_by_a_longer_pause(
    market: Market, look: Callable[[], bool]
) -> None:
    market.look_seconds = 0.5
    look()

    market.now = 4.9
    assert not look()
    market.now = 5.0
    assert look()
