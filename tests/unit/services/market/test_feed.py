from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest
from numpy.typing import NDArray
from structlog.testing import capture_logs

from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.feed_state import FeedCommand, FeedVerb
from angel_x.domain.feed.market_move import MarketMove
from angel_x.domain.operations.metric import Metric
from angel_x.domain.quotes.quote import QUOTE
from angel_x.services.market.feed import Feed
from angel_x.services.market.feed_ports import FeedPorts, MarketSource
from tests.builders.chains import make_universe
from tests.builders.markets import (
    CALENDAR,
    NOW,
    ClockEvent,
    ListedMoves,
    ManualClock,
    MemoryQuoteBoard,
    RecordingBeacon,
    TimedCommands,
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
    #: The contracts that had moved by then.
    moved: list[list[str]] = field(default_factory=list)
    #: The versions between which Greeks and risk arrays were carried.
    carried: list[tuple[str, str]] = field(default_factory=list)
    #: The versions announced as quoted, each with its contracts that had no quote then.
    announced: list[tuple[str, int]] = field(default_factory=list)

    def match(self, universe: Universe, moved: NDArray[np.int64]) -> bool:
        self.matched.append((self.clock() - NOW).total_seconds())
        self.moved.append([universe.symbol(row) for row in moved.tolist()])
        return True

    def carry(self, before: Universe, universe: Universe) -> None:
        self.carried.append((before.version, universe.version))

    def announce(self, version: str) -> None:
        board = self.board.quotes.get(version, np.zeros(1, QUOTE))
        self.announced.append((version, int(np.count_nonzero(board["time"] == 0))))

    def run(
        self,
        moves: Sequence[MarketMove],
        *,
        seconds: float = 60,
        speed: float = 1.0,
        loops: bool = False,
        buffer_size: int = 5_000,
        source: Universe = UNIVERSE,
        cadence: timedelta | None = None,
        commands: Sequence[tuple[float, FeedCommand]] = (),
    ) -> None:
        self.play(
            ListedMoves(source, moves, cadence=cadence),
            seconds=seconds,
            speed=speed,
            loops=loops,
            buffer_size=buffer_size,
            commands=commands,
        )

    def play(
        self,
        source: MarketSource,
        *,
        seconds: float,
        speed: float = 1.0,
        loops: bool = False,
        stands: bool = False,
        buffer_size: int = 5_000,
        commands: Sequence[tuple[float, FeedCommand]] = (),
    ) -> None:
        ports = FeedPorts(
            universes=self.universes,
            board=self.board,
            beacon=self.beacon,
            take_command=TimedCommands(self.clock, *commands).take,
            clock=self.clock,
            calendar=CALENDAR,
            meter=self.meter,
            carry=self.carry,
            announce=self.announce,
            match=self.match,
            outages=(ConnectionError,),
        )
        feed = Feed(source, ports, buffer_size=buffer_size, speed=speed, loops=loops, stands=stands)
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


def test_the_last_quotes_of_a_recorded_day_stand_past_its_close(stage: Stage) -> None:
    source = ListedMoves(UNIVERSE, [make_move(MARKET, [0], [100])])

    stage.play(source, seconds=60, stands=True)

    quoted = stage.board.read(UNIVERSE)["time"][0] / 1000 - NOW.timestamp()
    assert 55 < quoted <= 60
    assert stage.beacon.shown[-1].market - MARKET > at(55)


def test_the_beacon_shows_market_time_every_second_and_is_hidden_at_the_end(stage: Stage) -> None:
    stage.run([make_move(MARKET, [0], [100]), make_move(MARKET + at(50), [0], [100])], speed=10)

    state = stage.beacon.shown[-1]
    assert (state.source, state.speed, state.is_paused) == ("listed", 10, False)
    assert (state.market - MARKET) == (state.wall - NOW) * 10
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


def test_a_match_is_asked_for_with_the_contracts_that_moved_since_the_last_one(
    stage: Stage,
) -> None:
    moves = [([0, 1], [100, 200]), ([1], [300]), ([], [])]
    stage.run([make_move(MARKET + at(2 * i), *move) for i, move in enumerate(moves)])

    symbols = [UNIVERSE.symbol(row) for row in range(len(UNIVERSE))]
    assert stage.moved == [symbols, symbols[1:2]]


def test_a_source_that_loops_begins_again_with_its_market_time(stage: Stage) -> None:
    moves = [make_move(MARKET, [0], [100]), make_move(MARKET + at(10), [0], [200])]

    stage.run(moves, loops=True, seconds=25)

    assert stage.ticks() == 5
    assert stage.last()[0] == 100
    assert max(state.market - MARKET for state in stage.beacon.shown) <= at(10.1)
    assert stage.beacon.hidden == 1


def test_a_recording_of_one_snapshot_shows_a_standing_market(stage: Stage) -> None:
    stage.run([make_move(MARKET, [0, 1], [100, 200])], loops=True, seconds=130)

    assert stage.last()[:2] == [100, 200]
    assert stage.ticks() == 6
    assert {state.gaps for state in stage.beacon.shown} == {0}
    shown = [state.market - MARKET for state in stage.beacon.shown]
    assert min(shown) == at(0)
    assert at(59) <= max(shown) <= at(60.1)


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


@dataclass
class Following:
    """A market that quotes all that is listed once a second, at 100 and its age in seconds."""

    universe: Universe
    name: str = "following"
    cadence: timedelta | None = None
    is_continuous: bool = False
    has_market: bool = True

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        rows = range(len(self.universe))
        spots = (2_400_000,) * len(self.universe.underlyings)
        for n in count():
            market = (since or MARKET) + at(n)
            age = int((market - MARKET).total_seconds())
            yield make_move(market, rows, [100 + age] * len(rows), spots)

    def relisted(self, universe: Universe) -> Following:
        return Following(universe)


@pytest.mark.parametrize(("pauses", "age"), [((), 9), ((3.0,), 3)])
def test_a_source_that_can_goes_on_with_the_contracts_of_another_universe(
    stage: Stage, pauses: Sequence[float], age: int
) -> None:
    wider = make_universe(("FINNIFTY", "NIFTY"), strikes=(23_900, 24_000))

    class Changing(FixedUniverse):
        def current(self) -> Universe:
            return UNIVERSE if stage.clock() < NOW + at(5.5) else wider

    stage.universes = Changing(UNIVERSE)

    stage.play(
        Following(UNIVERSE), seconds=10, commands=[(n, told(FeedVerb.PAUSE)) for n in pauses]
    )

    assert set(stage.last(wider)) == {100 + age}
    assert stage.board.spots(wider)["last"].tolist() == [2_400_000, 2_400_000]
    markets = [state.market - MARKET for state in stage.beacon.shown]
    assert markets == sorted(markets)
    assert stage.beacon.shown[-1].is_paused is bool(pauses)
    # The contracts before are left as they were, and the change comes once.
    assert stage.last() == [100 + min(age, 5)] * len(UNIVERSE)
    changed = 1 if pauses else 5
    assert stage.ticks() == len(UNIVERSE) * (min(age, 5) + 1) + len(wider) * changed


@pytest.mark.parametrize("buffer_size", [5_000, 1])
def test_a_universe_is_announced_once_all_its_contracts_are_quoted(
    stage: Stage, buffer_size: int
) -> None:
    wider = make_universe(("FINNIFTY", "NIFTY"), strikes=(23_900, 24_000))

    class Changing(FixedUniverse):
        def current(self) -> Universe:
            return UNIVERSE if stage.clock() < NOW + at(5.5) else wider

    stage.universes = Changing(UNIVERSE)

    stage.play(Following(UNIVERSE), seconds=10, buffer_size=buffer_size)

    assert stage.announced == [(UNIVERSE.version, 0), (wider.version, 0)]
    assert stage.carried == [(UNIVERSE.version, wider.version)]


def test_a_recording_announces_a_universe_with_the_contracts_that_it_has(stage: Stage) -> None:
    wider = make_universe(("FINNIFTY", "NIFTY"), strikes=(23_900, 24_000))

    class Changing(FixedUniverse):
        def current(self) -> Universe:
            return UNIVERSE if stage.clock() < NOW + at(1) else wider

    stage.universes = Changing(UNIVERSE)
    whole = make_move(MARKET, range(len(UNIVERSE)), [100] * len(UNIVERSE))

    stage.run([whole, make_move(MARKET + at(4), [0], [110])])

    assert stage.announced == [
        (UNIVERSE.version, 0),
        (wider.version, len(wider) - len(UNIVERSE)),
    ]


def told(verb: FeedVerb, at: datetime | None = None, speed: float | None = None) -> FeedCommand:
    return FeedCommand(id=f"{verb} {at} {speed}", verb=verb, at=at, speed=speed)


def each_second(count: int) -> list[MarketMove]:
    return [make_move(MARKET + at(n), [0], [100 + n]) for n in range(count)]


def test_a_paused_market_stands_and_its_quotes_stay_fresh(stage: Stage) -> None:
    commands = [(2.5, told(FeedVerb.PAUSE)), (30.0, told(FeedVerb.RESUME))]

    stage.run(each_second(6), commands=commands, seconds=29)

    quote = stage.board.read(UNIVERSE)[0]
    assert quote["last"] == 102
    assert quote["time"] / 1000 - NOW.timestamp() > 25
    shown = stage.beacon.shown[-1]
    assert (shown.is_paused, shown.obeyed) == (True, commands[0][1].id)
    assert at(2.5) <= shown.market - MARKET < at(2.7)


def test_a_market_that_is_resumed_goes_on_where_it_stood(stage: Stage) -> None:
    commands = [(2.5, told(FeedVerb.PAUSE)), (30.0, told(FeedVerb.RESUME))]

    stage.run(each_second(6), commands=commands)

    assert stage.last()[0] == 105
    elapsed = (stage.clock() - NOW).total_seconds()
    assert 32 < elapsed < 33


def test_another_speed_holds_from_the_command_on(stage: Stage) -> None:
    stage.run(each_second(41), commands=[(10.0, told(FeedVerb.SPEED, speed=10.0))])

    elapsed = (stage.clock() - NOW).total_seconds()
    assert 13 <= elapsed < 13.5
    assert stage.beacon.shown[-1].speed == 10.0


@pytest.mark.parametrize(("start", "target"), [(3.5, 30), (33.5, 10)])
def test_seeking_moves_market_time_and_quotes_in_either_direction(
    stage: Stage, start: float, target: int
) -> None:
    command = told(FeedVerb.SEEK, at=MARKET + at(target))

    stage.run(each_second(60), commands=[(start, command)], seconds=start + 0.5)

    assert stage.last()[0] == 100 + target
    shown = stage.beacon.shown[-1]
    assert shown.obeyed == command.id
    assert at(target) <= shown.market - MARKET < at(target + 1)


def test_seeking_while_paused_shows_the_market_of_that_time_and_stays_there(stage: Stage) -> None:
    commands = [
        (2.5, told(FeedVerb.PAUSE)),
        (3.0, told(FeedVerb.SEEK, at=MARKET + at(30))),
    ]

    stage.run(each_second(60), commands=commands, seconds=20)

    assert stage.last()[0] == 130
    assert stage.beacon.shown[-1].market == MARKET + at(30)
    assert stage.beacon.shown[-1].is_paused


def test_a_seek_is_told_of_once_the_feed_is_there(stage: Stage) -> None:
    command = told(FeedVerb.SEEK, at=MARKET + at(30))
    commands = [(2.5, told(FeedVerb.PAUSE)), (3.0, command)]

    stage.run(each_second(60), commands=commands, seconds=20)

    obeyed = [shown.market for shown in stage.beacon.shown if shown.obeyed == command.id]
    assert obeyed
    assert set(obeyed) == {MARKET + at(30)}


def test_what_the_source_had_not_said_yet_at_the_sought_time_is_off_the_board(stage: Stage) -> None:
    moves = [make_move(MARKET, [0, 1], [100, 200]), make_move(MARKET + at(5), [0, 2], [110, 300])]
    moves.append(make_move(MARKET + at(60), [0], [120]))

    stage.run(moves, commands=[(10.0, told(FeedVerb.SEEK, at=MARKET))], seconds=12)

    assert stage.last() == [100, 200, 0, 0]


def test_a_contract_that_is_quoted_at_the_sought_time_too_is_never_without_a_quote(
    stage: Stage,
) -> None:
    written: list[int] = []

    class Watched(MemoryQuoteBoard):
        def write(
            self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]
        ) -> None:
            written.extend(quotes["last"][rows == 0].tolist())
            super().write(universe, rows, quotes)

    stage.board = Watched()
    seeks = [(n + 0.5, told(FeedVerb.SEEK, at=MARKET + at(n % 3))) for n in range(2, 30)]

    stage.run(each_second(60), commands=seeks, seconds=32, buffer_size=1)

    assert len(written) > 30
    assert min(written) >= 100


def test_time_that_was_lost_is_not_hurried_through_and_that_is_logged(stage: Stage) -> None:
    class Stuck(MemoryQuoteBoard):
        def write(
            self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]
        ) -> None:
            stage.clock.advance(10 if not self.writes else 0)
            super().write(universe, rows, quotes)

    stage.board = Stuck()

    with capture_logs() as logs:
        stage.run(each_second(20))

    (slipped,) = [entry for entry in logs if entry["event"] == "feed.slipped"]
    assert 8 < slipped["seconds"] < 10
    assert stage.clock() - NOW > at(28)


def test_a_feed_that_loses_time_for_ever_says_so_once_a_minute(stage: Stage) -> None:
    class Slow(MemoryQuoteBoard):
        def write(
            self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]
        ) -> None:
            stage.clock.advance(2)
            super().write(universe, rows, quotes)

    stage.board = Slow()

    with capture_logs() as logs:
        stage.run(each_second(200), seconds=150)

    lost = [entry["seconds"] for entry in logs if entry["event"] == "feed.slipped"]
    assert len(lost) == 3
    assert lost[0] < 5
    assert min(lost[1:]) > 20


def test_a_recording_that_is_paused_at_its_end_can_be_sought_in(stage: Stage) -> None:
    commands = [
        (1.0, told(FeedVerb.PAUSE)),
        (2.0, told(FeedVerb.SEEK, at=MARKET + at(5))),
        (9.0, told(FeedVerb.SEEK, at=MARKET + at(1))),
    ]

    stage.run(each_second(6), commands=commands, seconds=15)

    assert stage.clock() - NOW > at(14)
    assert stage.last()[0] == 101


def gaps(stage: Stage) -> list[Mapping[str, str]]:
    counted = [(n, labels) for metric, n, labels in stage.meter.added if metric is Metric.FEED_GAPS]
    # Both kinds are there from the start, or nobody would be alarmed by the first of them.
    assert counted[:2] == [(0, {"kind": "sequence"}), (0, {"kind": "silence"})]
    return [labels for _, labels in counted[2:]]


def test_a_silent_source_is_reported_while_it_is_silent(stage: Stage) -> None:
    market = datetime(2026, 8, 19, 5, 0, tzinfo=UTC)
    moves = [make_move(market + at(n), [0], [100 + n]) for n in (0, 1, 2, 40)]

    with capture_logs() as logs:
        stage.run(moves, cadence=at(1), seconds=20)

    assert gaps(stage) == [{"kind": "silence"}]
    (event,) = [entry for entry in logs if entry["event"] == "feed.gap_detected"]
    assert (event["source"], event["kind"]) == ("listed", "silence")
    assert stage.beacon.shown[-1].gaps == 1


def test_a_numbered_message_that_is_missing_is_reported(stage: Stage) -> None:
    moves = [replace(m, sequence=n) for n, m in zip((5, 6, 9), each_second(3), strict=True)]

    stage.run(moves)

    assert gaps(stage) == [{"kind": "sequence"}]


def test_contracts_near_the_money_that_no_longer_move_are_counted(stage: Stage) -> None:
    market = datetime(2026, 8, 19, 5, 0, tzinfo=UTC)
    moves = [make_move(market + at(n), [0], [100 + n]) for n in range(90)]

    stage.run(moves, cadence=at(1), seconds=80)

    assert gaps(stage) == []
    assert stage.beacon.shown[-1].stale_contracts == 1
    assert stage.meter.gauges[Metric.FEED_STALE_CONTRACTS] == 1


def test_a_feed_that_cannot_keep_up_says_how_late_it_is(stage: Stage) -> None:
    class Slow(MemoryQuoteBoard):
        def write(
            self, universe: Universe, rows: NDArray[np.int64], quotes: NDArray[np.void]
        ) -> None:
            stage.clock.advance(0.3)
            super().write(universe, rows, quotes)

    stage.board = Slow()
    moves = [make_move(MARKET + at(n / 100), list(range(4)), [100] * 4) for n in range(200)]

    stage.run(moves, buffer_size=4)

    assert max(state.lag_seconds for state in stage.beacon.shown) > 0.2


def test_the_buffer_that_overflows_during_an_outage_is_counted() -> None:
    stage = make_stage(lambda clock: FailingBoard(clock, away_until=1_000))
    moves = [make_move(MARKET + at(n), [n % 4], [100]) for n in range(8)]

    stage.run(moves, buffer_size=2)

    dropped = [n for metric, n, _ in stage.meter.added if metric is Metric.FEED_TICKS_DROPPED]
    assert sum(dropped) > 0


class Losing:
    """A market of one quote, which is lost at a time."""

    name = "losing"
    universe = UNIVERSE
    cadence = None
    is_continuous = False

    def __init__(self, clock: ManualClock, lost_at: datetime) -> None:
        self._clock = clock
        self._lost_at = lost_at

    @property
    def has_market(self) -> bool:
        return self._clock() < self._lost_at

    def moves(self, since: datetime | None = None) -> Iterator[MarketMove]:
        yield make_move(MARKET, [0], [100])
        for n in count(1):
            yield make_move(MARKET + at(n), [], [])

    def relisted(self, _universe: Universe) -> None:
        return None


@pytest.mark.parametrize(("lost_after", "stated_at"), [(3, 2), (60, 8)])
def test_a_quote_of_a_lost_market_becomes_stale(
    stage: Stage, lost_after: float, stated_at: float
) -> None:
    stage.play(Losing(stage.clock, NOW + at(lost_after)), seconds=10)

    (quoted,) = stage.board.read(UNIVERSE)[[0]]
    assert quoted["last"] == 100
    stated = quoted["time"] / 1000 - NOW.timestamp()
    assert stated_at <= stated <= stated_at + 2
