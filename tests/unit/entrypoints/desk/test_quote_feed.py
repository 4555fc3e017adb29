from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from threading import Event
from time import monotonic
from typing import Any

import pytest

from angel_x.domain.chains.chain_record import (
    ContractGreeks,
    QuoteUpdate,
    WatchedContract,
    WatchedSpot,
)
from angel_x.domain.contracts.contract import Right
from angel_x.domain.pricing.greek import GREEK_NAMES
from angel_x.domain.records.access import Scope
from angel_x.entrypoints.desk import quote_feed
from angel_x.entrypoints.desk.quote_feed import QuoteFeed
from angel_x.entrypoints.desk.views.live_chain import (
    LiveChain,
    shown_symbols,
    watched_symbols,
)
from angel_x.errors import Unavailable
from tests.fakes.desk_api import EXPIRY, NOW, DeskApi
from tests.unit.entrypoints.desk.test_chain import STRIKES, make_chain

CALL = "NIFTY_25AUG26_24000CE"
DEADLINE = 60.0


def watched(symbol: str = CALL, **changes: Any) -> WatchedContract:
    fields: dict[str, Any] = {
        "symbol": symbol,
        "strike": Decimal(24000),
        "right": Right.CALL,
        "expiry": EXPIRY,
        "bid": Decimal(110),
        "ask": Decimal(111),
        "last": Decimal(110),
        "oi": 77,
        "volume": 5,
        "implied_vol": 0.15,
        **dict.fromkeys(GREEK_NAMES, 0.25),
        "price": None,
        "forward": Decimal(24020),
        "forward_source": "futures",
        "greeks_as_of": NOW - timedelta(seconds=2),
        "quoted_at": NOW - timedelta(seconds=1),
        "status": "ok",
    }
    return WatchedContract(**(fields | changes))


def update(*contracts: WatchedContract, spot: int = 24001) -> QuoteUpdate:
    spots = (WatchedSpot(underlying="NIFTY", price=Decimal(spot), quoted_at=NOW),)
    return QuoteUpdate(read_at=NOW, contracts=contracts, spots=spots)


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, and fail where it does not in time."""
    end, pause = monotonic() + DEADLINE, Event()
    while not condition():
        assert monotonic() < end
        pause.wait(0.005)


class Clock:
    """A clock of the desk that tests move."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api() -> DeskApi:
    api = DeskApi()
    api.add_key("key", "demo", Scope.READ)
    return api


@pytest.fixture
def feed(api: DeskApi, clock: Clock) -> Iterator[QuoteFeed]:
    feed = QuoteFeed(api.connect("key"), [CALL], clock)
    feed.start()
    yield feed
    feed.leave()


def test_a_feed_keeps_the_newest_state_of_each_contract(api: DeskApi, feed: QuoteFeed) -> None:
    api.updates.put(update(watched(), watched("NIFTY_25AUG26_24000PE")))
    api.updates.put(update(watched(last=Decimal(112)), spot=24002))

    until(lambda: feed.updates == 2)

    assert api.calls == [f"quotes {CALL}"]
    assert feed.contracts[CALL].last == 112
    assert feed.contracts["NIFTY_25AUG26_24000PE"].last == 110
    assert feed.spots["NIFTY"].price == 24002


def test_a_silent_stream_is_not_live_and_its_time_goes_on(
    api: DeskApi, feed: QuoteFeed, clock: Clock
) -> None:
    assert not feed.is_live
    api.updates.put(update(watched()))
    until(lambda: feed.is_live)

    clock.now += 5

    assert not feed.is_live
    assert feed.silence == 5
    assert feed.now == NOW + timedelta(seconds=5)


def test_a_broken_stream_is_opened_again(
    api: DeskApi, feed: QuoteFeed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quote_feed, "_PAUSE_SECONDS", 0.01)
    api.updates.put(update(watched()))
    until(lambda: feed.updates == 1)
    api.outage = Unavailable("the API did not answer")
    until(lambda: len(api.calls) > 1)
    api.outage = None
    api.updates.put(update(watched(last=Decimal(113))))

    until(lambda: feed.updates == 2)

    assert feed.contracts[CALL].last == 113


def test_a_feed_that_is_not_looked_at_ends(api: DeskApi, feed: QuoteFeed, clock: Clock) -> None:
    api.updates.put(update(watched()))
    until(lambda: feed.updates == 1)
    assert not feed.is_over

    clock.now += 11
    api.updates.put(update(watched()))

    until(lambda: feed.is_over)


def test_watched_contracts_take_the_place_of_those_of_the_chain() -> None:
    chain = make_chain()
    spots = {"NIFTY": WatchedSpot(underlying="NIFTY", price=Decimal(24005), quoted_at=NOW)}

    live = LiveChain().with_quotes(chain, {CALL: watched()}, spots, NOW + timedelta(seconds=1))

    assert [row.symbol for row in live.rows] == [row.symbol for row in chain.rows]
    (moved,) = (row for row in live.rows if row.symbol == CALL)
    assert (moved.last, moved.oi, moved.delta) == (Decimal(110), 77, 0.25)
    assert (moved.age_seconds, moved.quote_age_seconds) == (3.0, 2.0)
    assert [row for row in live.rows if row.symbol != CALL] == [
        row for row in chain.rows if row.symbol != CALL
    ]
    assert (live.spot, live.spot_age_seconds, live.age_seconds) == (Decimal(24005), 1.0, 3.0)


def test_a_contract_that_stands_still_is_made_anew_for_its_ages_after_a_second() -> None:
    live, chain, standing = LiveChain(), make_chain(), {CALL: watched()}

    def row_after(seconds: float, contracts: dict[str, WatchedContract]) -> ContractGreeks:
        made = live.with_quotes(chain, contracts, {}, NOW + timedelta(seconds=seconds))
        assert made.age_seconds == 2 + seconds
        return next(row for row in made.rows if row.symbol == CALL)

    first = row_after(0, standing)

    assert row_after(0.9, standing) is first
    assert row_after(1, standing).quote_age_seconds == 2
    assert row_after(1.1, {CALL: watched(last=Decimal(120))}).last == 120
    assert row_after(0.5, {CALL: watched(last=Decimal(120))}).quote_age_seconds == 1.5


def test_more_strikes_are_watched_than_shown_as_the_money_may_move() -> None:
    chain = make_chain()

    assert len(shown_symbols(chain, 1)) == 2
    assert shown_symbols(chain, 1) < watched_symbols(chain, 1)
    assert len(watched_symbols(chain, 10_000)) == 2 * len(STRIKES)
