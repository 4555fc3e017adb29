from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from angel_x.domain.market_move import MarketMove
from angel_x.domain.metric import Metric
from angel_x.domain.universe import Universe
from angel_x.services.feed import Feed, FeedPorts
from tests.builders.chains import make_universe
from tests.builders.markets import (
    NOW,
    ClockEvent,
    ListedMoves,
    ManualClock,
    MemoryQuoteBoard,
    RecordingBeacon,
    make_move,
)
from tests.builders.recorders import FixedUniverse, RecordingMeter

UNIVERSE = make_universe(strikes=(24_000,))
MARKET = NOW - timedelta(days=90)


class FailingBoard(MemoryQuoteBoard):
    """A board that is away until an hour."""

    def __init__(self, clock: ManualClock, away_until: float) -> None:
        super().__init__()
        self._clock = clock
        self._back_at = NOW + timedelta(seconds=away_until)
        self.attempts: list[float] = []

    def write(self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]) -> None:
        self.attempts.append((self._clock() - NOW).total_seconds())
        if self._clock() < self._back_at:
            raise ConnectionError("the cache is away")
        super().write(universe, rows, quotes)


@dataclass
class Stage:
    """A feed with everything that it talks to."""

    clock: ManualClock
    board: MemoryQuoteBoard
    beacon: RecordingBeacon
    meter: RecordingMeter
    universes: FixedUniverse
    matched: list[float]

    def match(self) -> bool:
        self.matched.append((self.clock() - NOW).total_seconds())
        return True

    def run(
        self,
        moves: Sequence[MarketMove],
        *,
        seconds: float = 60,
        speed: float = 1.0,
        loops: bool = False,
        buffer_size: int = 5_000,
        source: Universe = UNIVERSE,
    ) -> None:
        ports = FeedPorts(
            universes=self.universes,
            board=self.board,
            beacon=self.beacon,
            clock=self.clock,
            meter=self.meter,
            match=self.match,
            outages=(ConnectionError,),
        )
        feed = Feed(
            ListedMoves(source, moves), ports, buffer_size=buffer_size, speed=speed, loops=loops
        )
        feed.run(ClockEvent(self.clock, NOW + timedelta(seconds=seconds)))

    def last(self, universe: Universe = UNIVERSE) -> list[int]:
        last: list[int] = self.board.read(universe)["last"].tolist()
        return last

    def ticks(self) -> float:
        return sum(n for metric, n, _ in self.meter.added if metric is Metric.MARKET_TICKS)


def make_stage(board: Callable[[ManualClock], MemoryQuoteBoard] | None = None) -> Stage:
    clock = ManualClock()
    made = board(clock) if board else MemoryQuoteBoard()
    return Stage(clock, made, RecordingBeacon(), RecordingMeter(), FixedUniverse(UNIVERSE), [])


@pytest.fixture
def stage() -> Stage:
    return make_stage()


def at(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_what_the_source_says_is_on_the_board_with_the_time_of_receipt(stage: Stage) -> None:
    stage.run([make_move(MARKET, [0, 2], [100, 300]), make_move(MARKET + at(1), [2], [310])])

    quotes = stage.board.read(UNIVERSE)
    assert quotes["last"].tolist() == [100, 0, 310, 0]
    assert quotes["bid"][2] == 305
    received = quotes["time"][2] / 1000 - NOW.timestamp()
    assert 1 <= received < 1.2
    assert quotes["time"][1] == 0
    assert stage.board.spots(UNIVERSE)["last"].tolist() == [2_400_000]
    assert stage.ticks() == 3


def test_moves_come_at_the_pace_of_the_market_times_the_speed(stage: Stage) -> None:
    moves = [make_move(MARKET + at(60 * n), [0], [100 + n]) for n in range(5)]

    stage.run(moves, speed=60)

    elapsed = (stage.clock() - NOW).total_seconds()
    assert 4 <= elapsed < 4.2
    assert stage.last()[0] == 104


def test_the_beacon_shows_market_time_every_second_and_is_hidden_at_the_end(stage: Stage) -> None:
    stage.run([make_move(MARKET, [0], [100]), make_move(MARKET + at(50), [0], [100])], speed=10)

    source, wall, market, speed = stage.beacon.shown[-1]
    assert (source, speed) == ("listed", 10)
    assert (market - MARKET) == (wall - NOW) * 10
    assert 5 <= len(stage.beacon.shown) <= 7
    assert stage.beacon.hidden == 1


def test_a_quiet_contract_is_stated_again_before_it_expires(stage: Stage) -> None:
    stage.run([make_move(MARKET, [0], [100]), make_move(MARKET + at(30), [1], [200])])

    first_row = stage.board.read(UNIVERSE)["time"][0] / 1000 - NOW.timestamp()
    assert first_row >= 24
    assert stage.ticks() == 2


def test_resting_orders_are_looked_at_no_more_than_four_times_a_second(stage: Stage) -> None:
    stage.run([make_move(MARKET + at(n / 10), [0], [100 + n]) for n in range(50)])

    assert 15 <= len(stage.matched) <= 21
    assert np.diff(stage.matched).min() >= 0.25


def test_nobody_looks_at_resting_orders_while_no_quote_moves(stage: Stage) -> None:
    stage.run([make_move(MARKET, [0], [100]), make_move(MARKET + at(30), [], [])])

    assert len(stage.matched) == 1


def test_a_source_that_loops_begins_again_with_its_market_time(stage: Stage) -> None:
    moves = [make_move(MARKET, [0], [100]), make_move(MARKET + at(10), [0], [200])]

    stage.run(moves, loops=True, seconds=25)

    assert stage.ticks() == 5
    assert stage.last()[0] == 100
    assert max(market - MARKET for _, _, market, _ in stage.beacon.shown) <= at(10.1)
    assert stage.beacon.hidden == 1


def test_a_stop_ends_the_feed_between_two_moves(stage: Stage) -> None:
    stage.run([make_move(MARKET, [0], [100]), make_move(MARKET + at(50), [0], [200])], seconds=3)

    assert stage.last()[0] == 100
    assert stage.clock() - NOW <= at(3.1)


@pytest.mark.parametrize(("buffer_size", "writes"), [(1, [1, 1, 1, 1]), (3, [3, 1]), (10, [4])])
def test_a_move_larger_than_the_buffer_arrives_whole_in_pieces(
    stage: Stage, buffer_size: int, writes: list[int]
) -> None:
    move = make_move(MARKET, [0, 1, 2, 3], [100, 200, 300, 400])

    stage.run([move], buffer_size=buffer_size)

    assert stage.last() == [100, 200, 300, 400]
    assert stage.board.writes == writes


def test_an_outage_is_survived_and_the_board_is_whole_afterwards() -> None:
    stage = make_stage(lambda clock: FailingBoard(clock, away_until=3))
    assert isinstance(stage.board, FailingBoard)
    moves = [make_move(MARKET, [0, 1], [100, 200])]
    moves += [make_move(MARKET + at(n / 10), [0], [100 + n]) for n in range(1, 60)]

    stage.run(moves)

    assert stage.last()[:2] == [159, 200]
    during = [second for second in stage.board.attempts if second < 3]
    assert 3 <= len(during) <= 8
    assert np.diff(during)[-1] > 4 * np.diff(during)[0]


def test_an_outage_that_outlasts_the_feed_does_not_break_its_end() -> None:
    stage = make_stage(lambda clock: FailingBoard(clock, away_until=1_000))

    stage.run([make_move(MARKET, [0], [100]), make_move(MARKET + at(2), [0], [200])])

    assert stage.last() == [0, 0, 0, 0]
    assert stage.matched == []


def test_an_error_that_is_no_outage_ends_the_feed(stage: Stage) -> None:
    with pytest.raises(IndexError):
        stage.run([make_move(MARKET, [99], [100])])

    assert stage.beacon.hidden == 1


def test_contracts_that_are_not_listed_are_passed_over(stage: Stage) -> None:
    source = make_universe(("BANKNIFTY", "NIFTY"), strikes=(24_000,))
    rows, prices = list(range(len(source))), [100 + n for n in range(len(source))]

    stage.run([make_move(MARKET, rows, prices, (5_200_000, 2_400_000))], source=source)

    assert stage.last() == [104, 105, 106, 107]
    assert stage.board.spots(UNIVERSE)["last"].tolist() == [2_400_000]


def test_a_new_universe_gets_every_quote_that_was_known(stage: Stage) -> None:
    wider = make_universe(("FINNIFTY", "NIFTY"), strikes=(23_900, 24_000))

    class Changing(FixedUniverse):
        def current(self) -> Universe:
            return UNIVERSE if stage.clock() < NOW + at(1) else wider

    stage.universes = Changing(UNIVERSE)

    stage.run([make_move(MARKET, [0, 3], [100, 400]), make_move(MARKET + at(2), [3], [410])])

    quotes = stage.board.read(wider)
    known = {
        symbol: int(last)
        for symbol, last in zip(wider.symbols, quotes["last"], strict=True)
        if last
    }
    assert known == {UNIVERSE.symbols[0]: 100, UNIVERSE.symbols[3]: 410}
    spots = stage.board.spots(wider)
    assert (spots["last"].tolist(), spots["time"][0]) == ([0, 2_400_000], 0)
