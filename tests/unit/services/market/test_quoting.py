from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.quotes.quote import QUOTE
from angel_x.services.market.quoting import Quoting
from tests.builders.chains import make_universe
from tests.builders.markets import NOW, MemoryQuoteBoard, make_move, make_quotes
from tests.builders.recorders import FixedUniverse

UNIVERSE = make_universe(strikes=range(20_000, 30_000, 50))
SIZE = len(UNIVERSE)


class Stage:
    """A source's way onto a board in memory."""

    def __init__(self, source: Universe = UNIVERSE, universe: Universe = UNIVERSE) -> None:
        self.universe = universe
        self.board = MemoryQuoteBoard()
        self.quoting = Quoting(source, FixedUniverse(universe), self.board, buffer_size=SIZE)
        self.quoting.follow()

    def take(self, move: MarketMove, now_ms: int) -> None:
        for piece in self.quoting.pieces(move):
            self.quoting.take(move, piece, now_ms)

    def tell(self, rows: list[int], last: int, now_ms: int) -> int:
        """Flush these rows; return how many quotes that wrote."""
        self.take(make_move(NOW, rows, [last] * len(rows)), now_ms)
        self.quoting.flush(now_ms)
        return self.board.writes[-1]

    def quotes(self) -> np.ndarray:
        return self.board.read(self.universe)


def test_a_narrow_gap_is_written_again_with_what_stands_there() -> None:
    stage = Stage()
    stage.tell(list(range(SIZE)), 100, now_ms=1)

    assert stage.tell([10, 50, 300], 200, now_ms=2) == 42

    quotes = stage.quotes()
    assert np.flatnonzero(quotes["last"] == 200).tolist() == [10, 50, 300]
    assert quotes["last"][11] == 100
    # A quote that did not move keeps its time.
    assert quotes["time"][[10, 11, 50, 51]].tolist() == [2, 1, 2, 1]


def test_a_row_that_the_source_never_quoted_is_never_written() -> None:
    stage = Stage()
    others = make_quotes([777], time=9)
    stage.tell([10, 11, 13, 14], 100, now_ms=1)
    stage.board.write(UNIVERSE, np.array([12]), others)

    assert stage.tell([10, 14], 200, now_ms=2) == 2
    stage.quoting.restate(3)

    assert stage.quotes()[12] == others[0]
    assert stage.quotes()["time"][10:15].tolist() == [3, 3, 9, 3, 3]


def test_after_a_restatement_a_gap_is_closed_with_the_restated_time() -> None:
    stage = Stage()
    stage.tell(list(range(20)), 100, now_ms=1)
    stage.quoting.restate(1_000)

    stage.tell([5, 8], 200, now_ms=1_001)

    assert stage.quotes()["time"][4:10].tolist() == [1_000, 1_001, 1_000, 1_000, 1_001, 1_000]


def test_what_the_source_takes_back_leaves_the_board_with_the_next_restatement() -> None:
    stage = Stage()
    stage.tell([1, 2, 3], 100, now_ms=1)

    stage.quoting.restart(make_move(NOW, [1, 3], [200, 200]))
    stage.quoting.restate(2)
    assert stage.quotes()["last"][1:4].tolist() == [100, 0, 100]
    stage.tell([1, 3], 200, now_ms=2)

    stage.quoting.restate(3)
    assert stage.quotes()["last"][1:4].tolist() == [200, 0, 200]
    assert stage.quotes()["time"][1:4].tolist() == [3, 0, 3]


@pytest.mark.parametrize("restates", [False, True])
def test_spots_and_futures_come_in_the_order_of_the_universe(*, restates: bool) -> None:
    first, second, third = date(2026, 8, 25), date(2026, 9, 1), date(2026, 9, 29)
    source = make_universe(("BANKNIFTY", "NIFTY"), (first, third), (24_000,))
    stage = Stage(source, make_universe(("FINNIFTY", "NIFTY"), (first, second, third), (24_000,)))
    move = make_move(NOW, list(range(8)), [100] * 8, (5_200_000, 2_400_000))
    futures = np.zeros(4, QUOTE)
    futures["last"] = [0, 5_210_000, 0, 2_410_000]

    stage.take(MarketMove(NOW, move.rows, move.quotes, move.spots, futures), 7)
    (stage.quoting.restate if restates else stage.quoting.flush)(8)

    market = stage.board.read_market(stage.universe, np.arange(2))
    assert market.spots["last"].tolist() == [0, 2_400_000]
    assert market.futures["last"].tolist() == [0, 0, 0, 0, 0, 2_410_000]
    assert market.futures["time"].tolist() == [0, 0, 0, 0, 0, 8]


def test_a_source_without_futures_leaves_those_of_another_alone() -> None:
    stage = Stage()
    stage.board.write_spots(UNIVERSE, make_quotes([1]), make_quotes([11, 22], time=5))

    stage.tell([0], 100, now_ms=6)

    assert stage.board.read_market(UNIVERSE, np.arange(1)).futures["last"].tolist() == [11, 22]


@pytest.mark.parametrize(("gap", "written"), [(63, 65), (64, 66), (65, 2)])
def test_a_gap_of_sixty_four_rows_is_the_widest_that_is_written_again(
    gap: int, written: int
) -> None:
    stage = Stage()
    stage.tell(list(range(SIZE)), 100, now_ms=1)

    assert stage.tell([10, 11 + gap], 200, now_ms=2) == written


def test_a_universe_is_followed_once() -> None:
    stage = Stage()
    source = Quoting(UNIVERSE, FixedUniverse(UNIVERSE), stage.board, buffer_size=SIZE)

    assert [source.follow() for _ in range(3)] == [True, False, False]
    assert [stage.quoting.follow() for _ in range(2)] == [False, False]
    assert stage.quoting.listing is not None
    assert stage.quoting.listing.universe is UNIVERSE


def test_rows_that_left_a_full_buffer_stay_counted_when_the_source_changes() -> None:
    stage = Stage()
    small = Quoting(UNIVERSE, FixedUniverse(UNIVERSE), stage.board, buffer_size=1)
    small.follow()
    move = make_move(NOW, [1, 2], [100, 100])
    for piece in small.pieces(move):
        small.take(move, piece, 1)
    assert small.dropped == 1

    small.restart(make_move(NOW, [1], [100]))
    assert small.dropped == 1
    for piece in small.pieces(move):
        small.take(move, piece, 2)
    small.change(UNIVERSE)

    assert small.dropped == 2


def test_a_flush_of_nothing_writes_nothing() -> None:
    stage = Stage()
    stage.tell([1], 100, now_ms=1)
    before = list(stage.board.writes)

    assert stage.quoting.flush(2) is False
    assert stage.board.writes == before

    stage.take(make_move(NOW, [1], [200]), 3)
    assert stage.quoting.flush(3) is True
    assert stage.quoting.restate(4) is False
    stage.take(make_move(NOW, [1], [300]), 5)
    assert stage.quoting.restate(5) is True


def test_the_first_underlying_of_a_source_has_a_price_as_well() -> None:
    stage = Stage()

    stage.take(make_move(NOW, [0], [100], (2_400_000,)), 7)
    stage.quoting.flush(8)

    spots = stage.board.read_market(UNIVERSE, np.arange(1)).spots
    assert (spots["last"].tolist(), spots["time"].tolist()) == ([2_400_000], [8])


def test_what_was_taken_back_once_is_left_to_others() -> None:
    stage = Stage()
    stage.tell([1, 2], 100, now_ms=1)
    stage.quoting.restart(make_move(NOW, [1], [200]))
    stage.tell([1], 200, now_ms=2)
    stage.quoting.restate(3)
    others = make_quotes([777], time=4)
    stage.board.write(UNIVERSE, np.array([2]), others)

    stage.quoting.restate(5)

    assert stage.quotes()[2] == others[0]


@pytest.mark.parametrize("column", ["last", "bid", "ask"])
def test_a_future_stands_by_any_of_its_prices(column: str) -> None:
    stage = Stage()
    move = make_move(NOW, [0], [100])
    futures = np.zeros(2, QUOTE)
    futures[column] = [1, 0]

    stage.take(MarketMove(NOW, move.rows, move.quotes, move.spots, futures), 7)
    stage.quoting.flush(8)

    found = stage.board.read_market(UNIVERSE, np.arange(1)).futures
    assert (found[column].tolist(), found["time"].tolist()) == ([1, 0], [8, 0])
