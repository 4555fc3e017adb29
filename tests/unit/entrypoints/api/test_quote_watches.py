from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Lock

import msgspec
import pytest

from angel_x.domain.chains.chain_record import QuoteUpdate, WatchedContract, WatchedSpot
from angel_x.domain.contracts.contract import Right
from angel_x.domain.pricing.greek import GREEK_NAMES
from angel_x.entrypoints.api import quote_watches
from angel_x.entrypoints.api.quote_watches import QuoteWatch, QuoteWatches
from angel_x.entrypoints.api.subscriptions import Drop
from angel_x.services.pricing.watched_contracts import Moved

DEADLINE_SECONDS = 120.0
READ_AT = datetime(2026, 8, 25, 5, 0, tzinfo=UTC)
CALL, PUT, FAR = "NIFTY_25AUG26_24050CE", "NIFTY_25AUG26_24050PE", "NIFTY_25AUG26_25000CE"


def contract(symbol: str, last: int) -> WatchedContract:
    return WatchedContract(
        symbol=symbol,
        strike=Decimal(24050),
        right=Right.CALL,
        expiry=date(2026, 8, 25),
        bid=None,
        ask=None,
        last=Decimal(last),
        oi=650,
        volume=0,
        implied_vol=0.14,
        **dict.fromkeys(GREEK_NAMES, 0.5),
        price=None,
        forward=None,
        forward_source=None,
        greeks_as_of=READ_AT,
        quoted_at=READ_AT,
        status="ok",
    )


class FakeMarket:
    """Prices that tests change; it tells those that have moved since the last reading."""

    def __init__(self) -> None:
        self.prices = dict.fromkeys((CALL, PUT, FAR), 100)
        self.readings: list[frozenset[str]] = []
        self.error: Exception | None = None
        self._seen: dict[str, int] = {}
        self._lock = Lock()

    def trade(self, symbol: str, last: int) -> None:
        with self._lock:
            self.prices[symbol] = last

    def read(self, symbols: frozenset[str]) -> Moved:
        with self._lock:
            self.readings.append(symbols)
            if self.error is not None:
                raise self.error
            prices = {symbol: self.prices[symbol] for symbol in sorted(symbols)}
            moved = {s: price for s, price in prices.items() if self._seen.get(s) != price}
            spots = (
                () if self._seen else (WatchedSpot(underlying="NIFTY", price=None, quoted_at=None),)
            )
            self._seen = prices
            return Moved(READ_AT, tuple(contract(*each) for each in moved.items()), spots)


class FakeListener:
    """Waits for updates."""

    def __init__(self) -> None:
        self.drops: list[Drop | None] = []
        self._changed = asyncio.Event()

    def wake(self) -> None:
        self._changed.set()

    def end(self, drop: Drop | None = None) -> None:
        self.drops.append(drop)
        self._changed.set()

    async def next(self, watch: QuoteWatch) -> QuoteUpdate:
        """Return the next update."""
        while (update := watch.take()) is None:
            await self._changed.wait()
            self._changed.clear()
        return msgspec.json.decode(update, type=QuoteUpdate)

    async def moved(self, watch: QuoteWatch) -> dict[str, Decimal | None]:
        """Return the contracts of the next update that has any, with their prices."""
        while not (found := (await self.next(watch)).contracts):
            pass
        return {contract.symbol: contract.last for contract in found}


async def readings(market: FakeMarket, count: int) -> None:
    """Wait for more readings."""
    wanted = len(market.readings) + count
    while len(market.readings) < wanted:
        await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def short_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_INTERVAL_SECONDS", "_QUIET_SECONDS", "_PAUSE_SECONDS"):
        monkeypatch.setattr(quote_watches, name, 0.01)


@pytest.fixture
def market() -> FakeMarket:
    return FakeMarket()


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await test()

    asyncio.run(limited())


def test_a_listener_gets_all_contracts_first_and_then_those_that_moved(market: FakeMarket) -> None:
    async def scenario() -> None:
        watches, listener = QuoteWatches(market), FakeListener()
        async with watches.open([CALL, PUT], listener) as watch:
            first = await listener.next(watch)
            market.trade(PUT, 101)
            second = await listener.moved(watch)
        watches.close()
        assert {contract.symbol for contract in first.contracts} == {CALL, PUT}
        assert [spot.underlying for spot in first.spots] == ["NIFTY"]
        assert first.read_at == READ_AT
        assert first.contracts[0].oi == 650
        assert second == {PUT: 101}

    run(scenario)


def test_a_quiet_market_is_told_as_quiet(market: FakeMarket) -> None:
    async def scenario() -> None:
        watches, listener = QuoteWatches(market), FakeListener()
        async with watches.open([CALL], listener) as watch:
            await listener.moved(watch)
            quiet = await listener.next(watch)
        watches.close()
        assert (quiet.contracts, quiet.spots) == ((), ())

    run(scenario)


def test_a_slow_listener_gets_the_newest_price_alone(market: FakeMarket) -> None:
    async def scenario() -> None:
        watches, slow, quick = QuoteWatches(market), FakeListener(), FakeListener()
        async with (
            watches.open([CALL, PUT], slow) as behind,
            watches.open([CALL, PUT], quick) as ahead,
        ):
            await slow.moved(behind)
            await quick.moved(ahead)
            for last in (101, 102, 103):
                market.trade(CALL, last)
                assert await quick.moved(ahead) == {CALL: last}
            caught_up = await slow.moved(behind)
        watches.close()
        assert caught_up == {CALL: 103}

    run(scenario)


def test_contracts_are_read_once_for_all_listeners(market: FakeMarket) -> None:
    async def scenario() -> None:
        watches, one, other = QuoteWatches(market), FakeListener(), FakeListener()
        async with watches.open([CALL, PUT], one) as first:
            await one.moved(first)
            async with watches.open([PUT, FAR], other) as second:
                whole = await other.moved(second)
                market.trade(PUT, 105)
                both = [await one.moved(first), await other.moved(second)]
        async with watches.open([PUT, CALL], one) as again:
            back = await one.moved(again)
        watches.close()
        assert whole == {PUT: 100, FAR: 100}
        assert both == [{PUT: Decimal(105)}] * 2
        assert back == {CALL: 100, PUT: 105}
        assert {CALL, PUT, FAR} in market.readings

    run(scenario)


def test_without_symbols_nothing_is_read(market: FakeMarket) -> None:
    async def scenario() -> None:
        watches, listener = QuoteWatches(market), FakeListener()
        async with watches.open((), listener) as watch:
            assert watch.take() is None
        watches.close()
        assert market.readings == []

    run(scenario)


def test_an_outage_is_not_told_as_a_quiet_market(market: FakeMarket) -> None:
    async def scenario() -> None:
        watches, listener = QuoteWatches(market, (ConnectionError,)), FakeListener()
        async with watches.open([CALL], listener) as watch:
            await listener.moved(watch)
            market.error = ConnectionError("the cache is away")
            await readings(market, 2)
            # From before the outage.
            watch.take()
            await readings(market, 2)
            assert watch.take() is None
            market.error = None
            market.trade(CALL, 107)
            back = await listener.moved(watch)
        watches.close()
        assert back == {CALL: 107}
        assert listener.drops == []

    run(scenario)


def test_listeners_are_dropped_when_their_reader_fails(market: FakeMarket) -> None:
    async def scenario() -> None:
        watches, listener = QuoteWatches(market), FakeListener()
        market.error = ValueError("a bug")
        async with watches.open([CALL], listener):
            while not listener.drops:
                await asyncio.sleep(0.01)
        market.error = None
        async with watches.open([CALL], listener) as watch:
            again = await listener.moved(watch)
        watches.close()
        assert listener.drops == [Drop.READER_FAILED]
        assert again == {CALL: 100}

    run(scenario)
