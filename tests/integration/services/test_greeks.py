"""Greeks from quotes in a real cache to published columns, and into a real database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sqlalchemy import text

from angel_x.adapters.postgres.greeks_snapshot import PostgresGreeksSnapshots
from angel_x.adapters.redis.greeks_board import RedisGreeksBoard
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.domain.metric import Metric
from angel_x.errors import UnknownContract
from angel_x.services.greeks import Greeks
from angel_x.services.option_chain import OptionChains
from tests.builders.chains import (
    EXPIRIES,
    FORWARD,
    MARKET_TIME,
    RATE,
    VOLATILITY,
    fair_quotes,
    make_universe,
    spot_quotes,
)
from tests.builders.recorders import FixedUniverse, RecordingDispatcher, RecordingMeter

if TYPE_CHECKING:
    from redis import Redis
    from sqlalchemy import Engine

UNIVERSE = make_universe()
CHAIN = 42
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
AS_OF = NOW - timedelta(seconds=2)
NOW_MS = int(NOW.timestamp() * 1000)
CALL = "NIFTY_25AUG26_24000CE"


@dataclass(frozen=True)
class Desk:
    """A service on a real cache and database, and what it told the outside."""

    greeks: Greeks
    chains: OptionChains
    dispatcher: RecordingDispatcher
    meter: RecordingMeter
    quotes: RedisQuoteBoard
    cache: Redis

    def quote_everything(self) -> None:
        quotes = fair_quotes(UNIVERSE, received_ms=NOW_MS - 500)
        quoted = np.flatnonzero(quotes["time"])
        self.quotes.write(UNIVERSE, quoted, quotes[quoted])
        self.quotes.write_spots(UNIVERSE, spot_quotes(UNIVERSE))


@pytest.fixture
def desk(cache: Redis, engine: Engine) -> Desk:
    quotes = RedisQuoteBoard(cache, ttl_seconds=60)
    board = RedisGreeksBoard(cache, ttl_seconds=30)
    universes, dispatcher, meter = FixedUniverse(UNIVERSE), RecordingDispatcher(), RecordingMeter()
    greeks = Greeks(
        universes=universes,
        quotes=quotes,
        board=board,
        snapshots=PostgresGreeksSnapshots(engine),
        dispatcher=dispatcher,
        meter=meter,
        clock=lambda: NOW,
        market_clock=lambda: MARKET_TIME,
        rate=RATE,
        ttl_seconds=30,
    )
    chains = OptionChains(
        universes=universes,
        quotes=quotes,
        greeks=board,
        clock=lambda: NOW,
        market_clock=lambda: MARKET_TIME,
    )
    return Desk(greeks, chains, dispatcher, meter, quotes, cache)


def published(desk: Desk) -> dict[object, object]:
    return {key: desk.cache.get(key) for key in desk.cache.keys("ax:greeks:*")}


def test_a_refresh_asks_for_the_whole_universe_in_messages_that_expire(desk: Desk) -> None:
    assert desk.greeks.refresh() == 1

    assert desk.dispatcher.chunks == [(UNIVERSE.version, 0, 2 * CHAIN, NOW, 30)]


def test_a_computed_chunk_is_published_with_its_age(desk: Desk) -> None:
    desk.quote_everything()

    assert desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, AS_OF) == CHAIN

    found = desk.greeks.of(CALL)
    assert found.status == "ok"
    assert found.implied_vol == pytest.approx(VOLATILITY, abs=1e-4)
    assert found.price == found.last
    assert found.forward == pytest.approx(Decimal(FORWARD), abs=Decimal("0.1"))
    assert found.delta == pytest.approx(0.58, abs=0.05)
    assert (found.age_seconds, found.quote_age_seconds) == (2.0, 0.5)
    assert (Metric.GREEKS_CONTRACTS, CHAIN, {}) in desk.meter.added
    assert desk.meter.gauges[Metric.GREEKS_AGE_SECONDS] == 2.0


def test_a_redelivered_chunk_writes_the_same_bytes(desk: Desk) -> None:
    desk.quote_everything()
    desk.greeks.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF)
    first = published(desk)

    desk.greeks.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF)

    assert published(desk) == first
    assert len(first) == 2


@pytest.mark.parametrize(
    ("version", "start", "stop", "reason"),
    [
        ("0123456789abcdef", 0, CHAIN, "unknown_version"),
        ("", 0, CHAIN, "unknown_version"),
        (UNIVERSE.version, 1, CHAIN, "impossible_bounds"),
        (UNIVERSE.version, 0, 10**30, "impossible_bounds"),
        (UNIVERSE.version, -CHAIN, CHAIN, "impossible_bounds"),
    ],
)
def test_a_chunk_that_makes_no_sense_is_counted_and_dropped(
    desk: Desk, version: str, start: int, stop: int, reason: str
) -> None:
    desk.quote_everything()

    assert desk.greeks.compute_chunk(version, start, stop, AS_OF) == 0

    assert desk.meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": reason})]
    assert published(desk) == {}


def test_a_time_without_a_zone_is_dropped(desk: Desk) -> None:
    naive = AS_OF.replace(tzinfo=None)

    assert desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, naive) == 0

    assert desk.meter.added == [(Metric.MESSAGES_DROPPED, 1, {"reason": "time_without_zone"})]
    assert published(desk) == {}


def test_a_clock_that_is_ahead_makes_no_negative_age(desk: Desk) -> None:
    desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, NOW + timedelta(days=1))

    assert desk.greeks.of(CALL).age_seconds == 0.0
    assert desk.meter.gauges[Metric.GREEKS_AGE_SECONDS] == 0.0


def test_an_empty_universe_is_refreshed_and_kept_without_a_message(desk: Desk) -> None:
    empty = replace(desk.greeks, universes=FixedUniverse(make_universe(())))

    assert (empty.refresh(), empty.snapshot()) == (0, 0)
    assert desk.dispatcher.chunks == []


def test_a_row_without_a_quote_has_no_greeks_and_says_why(desk: Desk) -> None:
    desk.quote_everything()
    row = np.array([UNIVERSE.rows[CALL]])
    desk.quotes.write(UNIVERSE, row, np.zeros(1, fair_quotes(UNIVERSE).dtype))
    desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, AS_OF)

    found = desk.greeks.of(CALL)

    assert found.status == "no_quote"
    assert (found.bid, found.ask, found.last, found.quote_age_seconds) == (None,) * 4
    assert (found.implied_vol, found.price, found.delta, found.vega) == (None,) * 4
    assert found.forward is not None


def test_what_is_not_published_says_so(desk: Desk) -> None:
    desk.quote_everything()

    found = desk.greeks.of(CALL)

    assert (found.status, found.age_seconds, found.delta) == ("unpublished", None, None)
    assert found.last is not None
    assert (Metric.CACHE_REQUESTS, 1, {"cache": "greeks", "result": "miss"}) in desk.meter.added


def test_an_unknown_symbol_is_an_error(desk: Desk) -> None:
    with pytest.raises(UnknownContract, match="symbol must be listed, was NIFTY_25AUG26_1CE"):
        desk.greeks.of("NIFTY_25AUG26_1CE")


def test_a_snapshot_keeps_the_rows_that_have_greeks(desk: Desk, engine: Engine) -> None:
    desk.quote_everything()
    desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, AS_OF)

    assert desk.greeks.snapshot() == CHAIN
    assert desk.greeks.snapshot() == CHAIN

    with engine.connect() as connection:
        rows = connection.execute(text("SELECT symbol, delta, as_of FROM greeks_snapshot")).all()
    assert {row.symbol for row in rows} == set(UNIVERSE.symbols[:CHAIN])
    assert {row.as_of for row in rows} == {AS_OF}


def test_a_snapshot_of_nothing_keeps_nothing(desk: Desk, engine: Engine) -> None:
    assert desk.greeks.snapshot() == 0

    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM greeks_snapshot")).scalar() == 0


def test_a_chain_shows_quotes_and_greeks_by_strike(desk: Desk) -> None:
    desk.quote_everything()
    desk.greeks.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF)

    chain = desk.chains.chain("NIFTY")

    assert (chain.expiry, chain.expiries) == (EXPIRIES[0], EXPIRIES)
    assert (chain.spot, chain.lot_size, chain.age_seconds) == (Decimal("24000.00"), 65, 2.0)
    assert chain.forward == pytest.approx(Decimal(FORWARD), abs=Decimal("0.1"))
    assert [row.symbol for row in chain.rows] == list(UNIVERSE.symbols[:CHAIN])
    assert [row.right for row in chain.rows[:4]] == ["CE", "PE", "CE", "PE"]
    assert {row.status for row in chain.rows} == {"ok"}
    assert {row.oi for row in chain.rows} == {650}


def test_a_chain_of_another_expiry_can_be_asked_for(desk: Desk) -> None:
    chain = desk.chains.chain("NIFTY", EXPIRIES[1])

    assert {row.expiry for row in chain.rows} == {EXPIRIES[1]}
    assert {row.status for row in chain.rows} == {"unpublished"}
    assert (chain.spot, chain.forward, chain.age_seconds) == (None, None, None)


@pytest.mark.parametrize(
    ("underlying", "expiry"), [("SENSEX", None), ("", None), ("NIFTY", date(2026, 8, 26))]
)
def test_an_unknown_chain_is_an_error(desk: Desk, underlying: str, expiry: date | None) -> None:
    with pytest.raises(UnknownContract):
        desk.chains.chain(underlying, expiry)
