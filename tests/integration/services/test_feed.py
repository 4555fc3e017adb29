"""The feed against real servers: listing, quotes, outages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import pytest
import redis
from sqlalchemy import Engine
from structlog.testing import capture_logs

from angel_x.adapters.chain_files import read_chain
from angel_x.adapters.clock import wall_clock
from angel_x.adapters.contract_files import read_contracts
from angel_x.adapters.postgres.contracts import SqlContracts
from angel_x.adapters.redis.feed_commands import RedisFeedCommands
from angel_x.adapters.redis.market_clock import MarketClock, RedisFeedBeacon
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.adapters.redis.universe_pointer import RedisUniversePointer
from angel_x.adapters.universe_source import PublishedUniverse
from angel_x.domain.calendar.expiry import epoch_ms
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.feed.simulator import Simulator, central_strikes
from angel_x.domain.quotes.quote import fresh
from angel_x.entrypoints import feed as feed_process
from angel_x.entrypoints.feed import FeedChoice, SourceName
from angel_x.errors import InvalidChainFile, InvalidInput
from angel_x.services.market.contracts import ContractListing
from angel_x.services.market.feed import Feed
from angel_x.services.market.feed_ports import FeedPorts, MarketSource
from tests.builders.door import Door
from tests.builders.markets import CALENDAR, RULES, chain_text
from tests.builders.recorders import RecordingMeter

PATIENCE_SECONDS = 120
READ_CHAIN = partial(read_chain, rules=RULES, calendar=CALENDAR)
READ_FILE = partial(read_contracts, rules=RULES, calendar=CALENDAR)


def no_broker(_master: Path, _universe: Universe) -> MarketSource:
    raise AssertionError("the broker was not chosen")


@dataclass
class World:
    """What several processes share, and the ports of one of them."""

    cache: redis.Redis
    listing: ContractListing
    ports: FeedPorts
    market_clock: MarketClock

    def fresh_quotes(self) -> int:
        """Count the quotes of the last ten seconds."""
        universe = self.ports.universes.current()
        quotes = self.ports.board.read(universe)
        return int(fresh(quotes, epoch_ms(wall_clock()), 10).sum())

    @contextmanager
    def feeding(self, source: MarketSource, speed: float = 1.0) -> Iterator[Feed]:
        """Run a feed while the block runs; what it raises is raised here."""
        stop, errors = Event(), list[BaseException]()
        feed = Feed(source, self.ports, buffer_size=5_000, loops=True, speed=speed)

        def run() -> None:
            try:
                feed.run(stop)
            except BaseException as error:  # noqa: BLE001 - raised again by the caller's thread
                errors.append(error)

        thread = Thread(target=run)
        thread.start()
        try:
            yield feed
        finally:
            stop.set()
            thread.join(PATIENCE_SECONDS)
        assert not thread.is_alive()
        assert errors == []

    def simulator(self, seed: int = 1) -> Simulator:
        universe = self.ports.universes.current()
        return Simulator(universe, central_strikes(universe), seed=seed, starts_at=wall_clock())


@pytest.fixture
def world(cache: redis.Redis, engine: Engine) -> World:
    return make_world(cache, engine)


def make_world(cache: redis.Redis, engine: Engine) -> World:
    pointer, store = RedisUniversePointer(cache), SqlContracts(engine)
    outages = (redis.RedisError,)
    ports = FeedPorts(
        universes=PublishedUniverse(pointer.newest, store.load, wall_clock, outages),
        board=RedisQuoteBoard(cache, ttl_seconds=60),
        beacon=RedisFeedBeacon(cache),
        take_command=RedisFeedCommands(cache).take,
        clock=wall_clock,
        calendar=CALENDAR,
        meter=RecordingMeter(),
        carry=lambda *_: None,
        announce=pointer.announce,
        match=lambda *_: True,
        outages=outages,
    )
    listing = ContractListing(
        store=store,
        publish=pointer.publish,
        rules=lambda: RULES,
        calendar=CALENDAR,
        market_clock=wall_clock,
        read_file=READ_FILE,
    )
    return World(cache, listing, ports, MarketClock(cache, wall_clock))


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = monotonic() + PATIENCE_SECONDS
    pause = Event()
    while not condition():
        assert monotonic() < deadline, "the condition did not come true"
        pause.wait(0.02)


def test_a_simulated_market_is_on_the_board_and_moves(world: World) -> None:
    listed = world.listing.load_generated("NIFTY", Decimal(24_000)).listed

    with world.feeding(world.simulator()):
        wait_until(lambda: world.fresh_quotes() == listed)
        universe = world.ports.universes.current()
        spot = world.ports.board.spots(universe)["last"][0]
        wait_until(lambda: world.ports.board.spots(universe)["last"][0] != spot)
        wait_until(world.market_clock.is_live)

    assert abs(int(spot) - 2_400_000) < 10_000
    wait_until(lambda: not world.market_clock.is_live())


def test_a_board_that_was_wiped_is_whole_again_while_the_feed_runs(world: World) -> None:
    listed = world.listing.load_generated().listed

    with world.feeding(world.simulator()):
        wait_until(lambda: world.fresh_quotes() == listed)
        world.cache.flushdb()
        wait_until(lambda: world.fresh_quotes() == listed)
        wait_until(world.market_clock.is_live)


def test_a_cache_that_is_away_is_waited_for(
    cache: redis.Redis, engine: Engine, tmp_path: Path
) -> None:
    door = Door(cache, tmp_path)
    world = make_world(door.client, engine)
    listed = world.listing.load_generated().listed

    with world.feeding(world.simulator()) as feed, capture_logs() as logs:
        wait_until(lambda: world.fresh_quotes() == listed)
        door.shut()
        wait_until(lambda: any(entry["event"] == "outage.begun" for entry in logs))
        cache.flushdb()
        door.open()
        wait_until(lambda: world.fresh_quotes() == listed)
        wait_until(lambda: any(entry["event"] == "outage.ended" for entry in logs))

    events = [entry["event"] for entry in logs if entry["event"].startswith("outage.")]
    assert events == ["outage.begun", "outage.ended"]
    assert feed.ticks_dropped == 0
    door.client.close()


def test_another_universe_is_followed_while_the_feed_runs(world: World) -> None:
    before = world.listing.load_generated("NIFTY", Decimal(24_000))

    with world.feeding(world.simulator()):
        wait_until(lambda: world.fresh_quotes() == before.listed)
        after = world.listing.load_generated("NIFTY", Decimal(24_500))
        wait_until(lambda: world.ports.universes.current().version == after.version)
        # Ten of the 81 strikes are new, and the source does not know them.
        wait_until(lambda: world.fresh_quotes() == after.listed - 3 * 10 * 2)

    assert after.unlisted == 3 * 10 * 2


def test_a_replay_puts_the_market_into_the_past(world: World, tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(chain_text())
    world.listing.load_file(path)
    recorded = datetime(2026, 8, 19, 5, 57, tzinfo=UTC)

    with world.feeding(READ_CHAIN(path), speed=600.0):
        wait_until(lambda: world.fresh_quotes() == 3)
        wait_until(lambda: world.market_clock() < wall_clock())
        assert 0 <= (world.market_clock() - recorded).total_seconds() < 3_600


def test_the_process_replays_a_file_to_its_end(world: World, tmp_path: Path) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(chain_text())
    world.listing.load_file(path)
    choice = FeedChoice(source=SourceName.REPLAY, chain=path, speed=600)

    feed_process.run(
        world.ports, choice, read_chain=READ_CHAIN, open_broker=no_broker, buffer_size=5_000
    )

    universe = world.ports.universes.current()
    assert world.ports.board.read(universe)["last"].tolist() == [15_340, 14_740, 5]
    wait_until(lambda: not world.market_clock.is_live())


def test_the_process_simulates_until_it_is_stopped(world: World) -> None:
    listed = world.listing.load_generated().listed
    stop = Event()

    def stop_when_all_is_quoted() -> None:
        wait_until(lambda: world.fresh_quotes() == listed)
        stop.set()

    stopper = Thread(target=stop_when_all_is_quoted)
    stopper.start()

    feed_process.run(
        world.ports,
        FeedChoice(seed=3),
        read_chain=READ_CHAIN,
        open_broker=no_broker,
        buffer_size=5_000,
        stop=stop,
    )

    stopper.join()
    assert world.fresh_quotes() == listed


def test_a_replay_without_its_file_and_a_simulator_beside_live_trading_do_not_begin(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "chain.csv"
    path.write_text(chain_text().replace("147.4", "many"))

    with pytest.raises(InvalidInput, match="needs a chain file"):
        feed_process.run(
            world.ports,
            FeedChoice(source=SourceName.REPLAY),
            read_chain=READ_CHAIN,
            open_broker=no_broker,
            buffer_size=5_000,
        )
    with pytest.raises(InvalidInput, match="live trading needs the quotes of the broker"):
        feed_process.run(
            world.ports,
            FeedChoice(),
            read_chain=READ_CHAIN,
            open_broker=no_broker,
            buffer_size=5_000,
            is_live=True,
        )
    with pytest.raises(InvalidInput, match=r"cannot be read: .*nowhere"):
        feed_process.run(
            world.ports,
            FeedChoice(source=SourceName.REPLAY, chain=tmp_path / "nowhere"),
            read_chain=READ_CHAIN,
            open_broker=no_broker,
            buffer_size=5_000,
        )
    with pytest.raises(InvalidChainFile, match="row 3, column ltp"):
        feed_process.run(
            world.ports,
            FeedChoice(source=SourceName.REPLAY, chain=path),
            read_chain=READ_CHAIN,
            open_broker=no_broker,
            buffer_size=5_000,
        )

    wait_until(lambda: not world.market_clock.is_live())


@pytest.mark.parametrize(
    ("choice", "refusal"),
    [
        (FeedChoice(source=SourceName.ANGEL_ONE), "needs a scrip master, was none"),
        (FeedChoice(source=SourceName.ANGEL_ONE, master=Path("m"), speed=2), "has one speed"),
        (FeedChoice(source=SourceName.ANGEL_ONE, master=Path("m"), loops=True), "no end"),
    ],
)
def test_the_market_of_the_broker_needs_its_tokens_and_its_own_pace(
    world: World, choice: FeedChoice, refusal: str
) -> None:
    with pytest.raises(InvalidInput, match=refusal):
        feed_process.run(
            world.ports, choice, read_chain=READ_CHAIN, open_broker=no_broker, buffer_size=5_000
        )


@pytest.mark.reference
def test_a_real_recording_ends_at_its_last_quotes(world: World, reference_folder: Path) -> None:
    path = reference_folder / "nifty_option_chain_20260819.csv.gz"
    assert world.listing.load_file(path).listed == 458
    choice = FeedChoice(source=SourceName.REPLAY, chain=path, speed=6_000)

    feed_process.run(
        world.ports, choice, read_chain=READ_CHAIN, open_broker=no_broker, buffer_size=5_000
    )

    universe = world.ports.universes.current()
    last = READ_CHAIN(path).snapshots[-1]
    assert world.ports.board.read_rows(universe, last.rows)["last"].tolist() == (
        last.quotes["last"].tolist()
    )
    assert world.ports.board.spots(universe)["last"].tolist() == [2_406_270]
