"""Greeks from quotes in a real cache to published columns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from angel_x.adapters.redis.greeks_board import RedisChainBoards, RedisGreeksBoard, RedisRiskBoard
from angel_x.adapters.redis.quote_board import RedisQuoteBoard
from angel_x.domain.margin.risk_arrays import DELTA_ROW
from angel_x.domain.margin.span import span_table
from angel_x.domain.operations.metric import Metric
from angel_x.domain.pricing.greek import GreekField
from angel_x.domain.pricing.kernels import NUMPY
from angel_x.domain.quotes.quote import QUOTE
from angel_x.domain.values.dated import Dated
from angel_x.errors import UnknownContract
from angel_x.services.pricing.greeks import Greeks
from angel_x.services.pricing.option_chain import OptionChains
from config.market import table
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
from tests.builders.markets import CALENDAR
from tests.builders.recorders import FixedUniverse, RecordingDispatcher, RecordingMeter

if TYPE_CHECKING:
    from pathlib import Path

UNIVERSE = make_universe()
CHAIN = 42
NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
AS_OF = NOW - timedelta(seconds=2)
NOW_MS = int(NOW.timestamp() * 1000)
CALL = "NIFTY_25AUG26_24000CE"


@dataclass(frozen=True)
class Desk:
    """A service on a real cache, and what it told the outside."""

    greeks: Greeks
    chains: OptionChains
    dispatcher: RecordingDispatcher
    meter: RecordingMeter
    quotes: RedisQuoteBoard
    risk: RedisRiskBoard
    cache: Redis

    def quote_everything(self) -> None:
        quotes = fair_quotes(UNIVERSE, received_ms=NOW_MS - 500)
        quoted = np.flatnonzero(quotes["time"])
        self.quotes.write(UNIVERSE, quoted, quotes[quoted])
        spots = spot_quotes(UNIVERSE)
        spots["time"] = NOW_MS - 500
        self.quotes.write_spots(UNIVERSE, spots)

    def quote(self, row: int, **fields: int) -> None:
        """Change some fields of the quote of one row."""
        rows = np.array([row])
        quote = self.quotes.read_rows(UNIVERSE, rows).copy()
        for name, value in fields.items():
            quote[name] = value
        self.quotes.write(UNIVERSE, rows, quote)

    def publish(self) -> None:
        """Price everything as it is quoted."""
        self.greeks.compute_chunk(UNIVERSE.version, 0, len(UNIVERSE), AS_OF)

    def asked(self) -> list[tuple[int, int]]:
        """Refresh, and return the rows of the chunks that were asked for."""
        self.dispatcher.chunks.clear()
        assert self.greeks.refresh() == len(self.dispatcher.chunks)
        return [(start, stop) for _, start, stop, _, _ in self.dispatcher.chunks]

    def dropped(self) -> list[str]:
        """Return why messages were dropped so far."""
        return [
            labels["reason"]
            for metric, _, labels in self.meter.added
            if metric is Metric.MESSAGES_DROPPED
        ]


def make_desk(cache: Redis) -> Desk:
    quotes = RedisQuoteBoard(cache, ttl_seconds=60)
    board, risk = RedisGreeksBoard(cache, ttl_seconds=30), RedisRiskBoard(cache, ttl_seconds=30)
    universes, dispatcher, meter = FixedUniverse(UNIVERSE), RecordingDispatcher(), RecordingMeter()
    greeks = Greeks(
        universes=universes,
        quotes=quotes,
        read_greeks=board.read_rows,
        boards=RedisChainBoards(cache, board, risk),
        dispatcher=dispatcher,
        meter=meter,
        clock=lambda: NOW,
        market_time=lambda wall: MARKET_TIME + (wall - NOW),
        rates=Dated([(date(2024, 1, 1), RATE)]),
        ttl_seconds=30,
        refresh_seconds=2,
        max_quote_age_seconds=60,
        kernels=lambda: NUMPY,
        spans=span_table(table("margin"), table("volatility")),
        outages=(RedisError,),
    )
    chains = OptionChains(
        universes=universes,
        quotes=quotes,
        read_greeks=board.read_rows,
        clock=lambda: NOW,
        market_clock=lambda: MARKET_TIME,
        is_provisional=CALENDAR.is_provisional,
    )
    return Desk(greeks, chains, dispatcher, meter, quotes, risk, cache)


@pytest.fixture
def desk(cache: Redis) -> Desk:
    return make_desk(cache)


def published(desk: Desk) -> dict[object, object]:
    keys = [*desk.cache.keys("ax:greeks:*"), *desk.cache.keys("ax:risk:*")]
    return {key: desk.cache.get(key) for key in keys}


def test_a_first_refresh_asks_for_the_whole_universe_in_messages_that_expire(desk: Desk) -> None:
    assert desk.greeks.refresh() == 1

    assert desk.dispatcher.chunks == [(UNIVERSE.version, 0, 2 * CHAIN, NOW, 2)]
    assert (Metric.GREEKS_CHUNKS_SENT, 1, {}) in desk.meter.added
    assert [m for m, _ in desk.meter.observed] == [Metric.GREEKS_REFRESH_SECONDS]


def test_a_chain_whose_prices_stand_as_they_were_published_is_not_asked_for(desk: Desk) -> None:
    desk.quote_everything()
    desk.publish()

    assert desk.asked() == []


@pytest.mark.parametrize("field", ["bid", "ask", "last"])
@pytest.mark.parametrize("row", [0, CHAIN - 1, CHAIN])
def test_a_chain_that_moved_is_asked_for_alone(desk: Desk, field: str, row: int) -> None:
    desk.quote_everything()
    desk.publish()
    # Small gaps are priced along, and here a chain is a small gap.
    desk.quote(row, **{field: 12_345})

    chain = row // CHAIN
    assert desk.asked() == [(chain * CHAIN, (chain + 1) * CHAIN)]


def test_a_tick_without_a_price_is_no_reason_to_ask(desk: Desk) -> None:
    desk.quote_everything()
    desk.publish()
    desk.quote(3, time=NOW_MS, volume=9_000, oi=1, bid_size=7)

    assert desk.asked() == []


def test_a_spot_that_moved_asks_for_its_chains(desk: Desk) -> None:
    desk.quote_everything()
    desk.publish()
    spots = spot_quotes(UNIVERSE, spot=24_001.0)
    spots["time"] = NOW_MS
    desk.quotes.write_spots(UNIVERSE, spots)

    assert desk.asked() == [(0, 2 * CHAIN)]


def test_quotes_that_grew_stale_are_asked_for_once(desk: Desk) -> None:
    desk.quote_everything()
    desk.publish()
    later = NOW + timedelta(seconds=10)
    # Older than anybody believes, though their prices stand.
    strict = replace(desk.greeks, clock=lambda: later, max_quote_age_seconds=5)

    assert strict.refresh() == 1
    strict.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, later)
    assert strict.of(CALL).status == "stale_quote"
    assert strict.refresh() == 0


def test_what_grows_old_is_asked_for_before_half_its_life_is_over(desk: Desk) -> None:
    desk.quote_everything()
    desk.publish()

    # The next refresh comes two seconds later, and half of thirty seconds is fifteen.
    for seconds, asked in ((13, 0), (13.001, 1)):
        at = AS_OF + timedelta(seconds=seconds)
        assert replace(desk.greeks, clock=lambda at=at: at).refresh() == asked  # type: ignore[misc]


def test_a_cache_that_forgot_everything_is_filled_again(desk: Desk) -> None:
    desk.quote_everything()
    desk.publish()
    desk.cache.flushdb()

    assert desk.asked() == [(0, 2 * CHAIN)]


@pytest.mark.parametrize("damage", [None, b"", b"short", b"\0" * 24])
def test_a_chain_whose_block_is_gone_is_asked_for(desk: Desk, damage: bytes | None) -> None:
    desk.quote_everything()
    desk.publish()
    key = f"ax:greeks:{UNIVERSE.version}:1"
    if damage is None:
        desk.cache.delete(key)
    else:
        desk.cache.set(key, damage)

    assert desk.asked() == [(CHAIN, 2 * CHAIN)]


def test_a_refresh_in_another_process_knows_what_was_published(desk: Desk) -> None:
    desk.quote_everything()
    desk.publish()

    assert make_desk(desk.cache).asked() == []


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
    stages = [m for m, _ in desk.meter.observed if m is Metric.GREEKS_STAGE_SECONDS]
    assert len(stages) == len(("queue", "read", "compute", "write"))


def test_a_redelivered_chunk_writes_the_same_bytes(desk: Desk) -> None:
    desk.quote_everything()
    desk.greeks.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF)
    first = published(desk)

    desk.greeks.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF)

    assert published(desk) == first
    assert len(first) == 4


def test_a_chunk_that_is_late_writes_the_bytes_that_it_would_have_written(desk: Desk) -> None:
    desk.quote_everything()
    desk.greeks.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF)
    first = published(desk)
    late = replace(desk.greeks, clock=lambda: NOW + timedelta(seconds=20))

    late.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF)

    assert published(desk) == first


def test_the_rate_is_that_of_the_markets_date(desk: Desk) -> None:
    desk.quote_everything()
    today = MARKET_TIME.date()
    day = timedelta(days=1)
    rows = [(today - day, 0.05), (today, 0.01), (today + day, 0.20)]
    replace(desk.greeks, rates=Dated(rows)).compute_chunk(UNIVERSE.version, 0, CHAIN, AS_OF)
    published, _ = desk.greeks.read_greeks(UNIVERSE, np.arange(len(UNIVERSE)))

    replace(desk.greeks, rates=Dated([(today, 0.01)])).compute_chunk(
        UNIVERSE.version, 0, CHAIN, AS_OF
    )
    expected, _ = desk.greeks.read_greeks(UNIVERSE, np.arange(len(UNIVERSE)))
    desk.publish()
    usual, _ = desk.greeks.read_greeks(UNIVERSE, np.arange(len(UNIVERSE)))

    np.testing.assert_array_equal(published[:, :CHAIN], expected[:, :CHAIN])
    assert not np.array_equal(usual[:, :CHAIN], expected[:, :CHAIN], equal_nan=True)


def test_risk_arrays_are_published_beside_the_greeks(desk: Desk) -> None:
    desk.quote_everything()
    desk.publish()
    rows = np.arange(len(UNIVERSE))

    risk, times = desk.risk.read_rows(UNIVERSE, rows)
    greeks, greek_times = desk.greeks.read_greeks(UNIVERSE, rows)

    assert times.tolist() == greek_times.tolist() == [NOW_MS - 2_000] * len(UNIVERSE)
    np.testing.assert_array_equal(risk[DELTA_ROW], greeks[GreekField.DELTA])
    solved = np.isfinite(greeks[GreekField.IMPLIED_VOL])
    assert np.isfinite(risk[:, solved]).all()
    # A long call loses where the market falls by a scan range, and a long put where it rises.
    call = solved & UNIVERSE.is_call
    assert (risk[12, call] > 0).all()
    assert (risk[10, solved & ~UNIVERSE.is_call] > 0).all()


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


@pytest.mark.parametrize(
    "as_of", [NOW - timedelta(seconds=30.001), datetime.min.replace(tzinfo=UTC)]
)
def test_what_would_be_too_old_to_stand_is_dropped(desk: Desk, as_of: datetime) -> None:
    assert desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, as_of) == 0

    assert desk.dropped() == ["too_old"]
    assert published(desk) == {}


def test_a_clock_that_is_ahead_makes_no_negative_age(desk: Desk) -> None:
    desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, NOW + timedelta(days=1))

    assert desk.greeks.of(CALL).age_seconds == 0.0


def test_an_empty_universe_is_refreshed_without_a_message(desk: Desk) -> None:
    empty = replace(desk.greeks, universes=FixedUniverse(make_universe(())))

    assert (empty.refresh(), empty.oldest_age_seconds()) == (0, None)
    assert desk.dispatcher.chunks == []


def test_the_age_is_that_of_the_oldest_chain_that_trades(desk: Desk) -> None:
    desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, NOW - timedelta(seconds=9))
    assert desk.greeks.oldest_age_seconds() == float("inf")

    desk.greeks.compute_chunk(UNIVERSE.version, CHAIN, 2 * CHAIN, NOW - timedelta(seconds=3))
    assert desk.greeks.oldest_age_seconds() == 9.0

    first_expiry = datetime.fromtimestamp(float(UNIVERSE.expires_at[0]), UTC)
    assert replace(desk.greeks, market_time=lambda _: first_expiry).oldest_age_seconds() == 3.0
    assert replace(desk.greeks, market_time=lambda wall: wall).oldest_age_seconds() is None


def test_another_universe_in_the_middle_of_a_refresh_drops_what_was_asked_of_the_old_one(
    desk: Desk,
) -> None:
    desk.quote_everything()
    desk.publish()
    newer = make_universe(strikes=(24_000, 24_100))
    changed = replace(desk.greeks, universes=FixedUniverse(newer))
    before = published(desk)

    assert changed.compute_chunk(UNIVERSE.version, 0, CHAIN, AS_OF) == 0
    assert changed.compute_chunk(newer.version, 0, len(newer), AS_OF) == len(newer)

    assert desk.dropped() == ["unknown_version"]
    assert {key: value for key, value in published(desk).items() if key in before} == before
    # The new rows have keys of their own, and no quotes before a feed follows.
    assert {changed.of(symbol).status for symbol in newer.symbols} == {"no_quote"}


def test_a_cache_that_restarts_between_two_chunks_costs_those_before_it_alone(desk: Desk) -> None:
    desk.quote_everything()
    desk.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, AS_OF)
    desk.cache.flushdb()
    desk.cache.connection_pool.disconnect()
    desk.quote_everything()

    assert desk.greeks.compute_chunk(UNIVERSE.version, CHAIN, 2 * CHAIN, AS_OF) == CHAIN

    assert desk.greeks.of(CALL).status == "unpublished"
    assert desk.greeks.of(UNIVERSE.symbols[-1]).status == "ok"
    assert desk.asked() == [(0, CHAIN)]


def test_a_cache_that_is_away_drops_the_work_and_says_so(desk: Desk, tmp_path: Path) -> None:
    nowhere = Redis(unix_socket_path=str(tmp_path / "nobody.sock"), retry=Retry(NoBackoff(), 0))
    away = make_desk(nowhere)

    assert away.greeks.compute_chunk(UNIVERSE.version, 0, CHAIN, AS_OF) == 0
    assert away.greeks.refresh() == 0

    assert away.dropped() == ["server_away", "server_away"]
    assert away.dispatcher.chunks == []
    assert Metric.GREEKS_CONTRACTS not in {metric for metric, _, _ in away.meter.added}
    assert published(desk) == {}


#: A quote that cannot be believed, and what is said of it.
UNBELIEVABLE = {
    "crossed": ({"bid": 12_000, "ask": 11_000}, "crossed_quote"),
    "zero": ({"bid": 0, "ask": 0, "last": 0}, "no_quote"),
    "negative": ({"bid": -5}, "negative_price"),
    "least": ({"bid": -(2**31), "ask": -(2**31), "last": -(2**31)}, "negative_price"),
    "stale": ({"time": NOW_MS - 63_000}, "stale_quote"),
    "ahead": ({"time": 2**62}, "stale_quote"),
    "before all time": ({"time": -(2**63)}, "no_quote"),
    "never": ({"time": 0}, "no_quote"),
}


@pytest.mark.parametrize(("fields", "status"), UNBELIEVABLE.values(), ids=UNBELIEVABLE)
def test_a_quote_that_cannot_be_believed_says_why_and_changes_no_other_row(
    desk: Desk, fields: dict[str, int], status: str
) -> None:
    desk.quote_everything()
    desk.publish()
    rows = np.arange(len(UNIVERSE))
    bad = UNIVERSE.rows[CALL]
    sound = np.delete(rows, bad)
    before = desk.greeks.read_greeks(UNIVERSE, sound)[0]
    desk.quote(bad, **fields)

    desk.publish()

    found = desk.greeks.of(CALL)
    assert found.status == status
    assert (found.implied_vol, found.delta, found.price) == (None,) * 3
    assert np.isnan(desk.risk.read_rows(UNIVERSE, np.array([bad]))[0]).all()
    after = desk.greeks.read_greeks(UNIVERSE, sound)[0]
    # The forward is implied by one strike less.
    np.testing.assert_allclose(after, before, rtol=1e-2)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_lies_in_the_cache_every_row_has_numbers_or_a_reason(
    desk: Desk, seed: int
) -> None:
    random = np.random.default_rng(seed)
    desk.quote_everything()
    noise = random.bytes(512 * QUOTE.itemsize)
    quotes = np.frombuffer(noise, QUOTE)[: len(UNIVERSE)].copy()
    # Half of the rows with a time that is believed, half with one that is noise as well.
    quotes["time"][::2] = NOW_MS
    quotes["last"][::3] >>= random.integers(0, 31, len(quotes[::3]))
    desk.quotes.write(UNIVERSE, np.arange(len(UNIVERSE)), quotes)

    assert desk.greeks.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF) == 2 * CHAIN

    columns, times = desk.greeks.read_greeks(UNIVERSE, np.arange(len(UNIVERSE)))
    assert set(times) == {NOW_MS - 2_000}
    for symbol, sigma in zip(UNIVERSE.symbols, columns[GreekField.IMPLIED_VOL], strict=True):
        found = desk.greeks.of(symbol)
        assert found.status != "unpublished"
        assert (found.implied_vol is None) == (found.status not in {"ok", "from_twin"})
        assert np.isnan(sigma) == (found.implied_vol is None)
    assert desk.greeks.refresh() == 0


def test_an_expired_chain_says_so_beside_one_that_trades(desk: Desk) -> None:
    desk.quote_everything()
    expiry = datetime.fromtimestamp(float(UNIVERSE.expires_at[0]), UTC)
    expired = replace(desk.greeks, market_time=lambda _: expiry)

    expired.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF)

    assert {expired.of(symbol).status for symbol in UNIVERSE.symbols[:CHAIN]} == {"expired"}
    assert "ok" in {expired.of(symbol).status for symbol in UNIVERSE.symbols[CHAIN:]}


def test_a_chain_of_one_strike_is_priced_by_itself(desk: Desk) -> None:
    lone = make_universe(strikes=(24_000,))
    quotes = fair_quotes(lone, received_ms=NOW_MS)
    desk.quotes.write(lone, np.arange(len(lone)), quotes)
    spots = spot_quotes(lone)
    spots["time"] = NOW_MS
    desk.quotes.write_spots(lone, spots)
    greeks = replace(desk.greeks, universes=FixedUniverse(lone))

    assert greeks.compute_chunk(lone.version, 0, len(lone), AS_OF) == len(lone)

    assert {greeks.of(symbol).status for symbol in lone.symbols} == {"ok"}


@pytest.mark.parametrize("damage", [b"", b"short", b"\xff" * 30_000])
def test_a_damaged_block_of_quotes_harms_no_row_of_another(desk: Desk, damage: bytes) -> None:
    desk.quote_everything()
    desk.cache.set(f"ax:quotes:{UNIVERSE.version}:0", damage)

    assert desk.greeks.compute_chunk(UNIVERSE.version, 0, 2 * CHAIN, AS_OF) == 2 * CHAIN

    assert "ok" not in {desk.greeks.of(symbol).status for symbol in UNIVERSE.symbols}


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
