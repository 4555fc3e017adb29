from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from angel_x.domain.quotes.minute_sample import ChainMinute
from angel_x.domain.records.minute_series import ContractMinute, StraddleMinute
from angel_x.errors import UnknownContract
from angel_x.services.market.minute_quotes import MinuteSampling, MinuteSeries
from tests.builders.chains import EXPIRIES, make_universe, spot_quotes
from tests.builders.markets import ManualClock, MemoryQuoteBoard, make_quotes
from tests.builders.recorders import FixedUniverse

UNIVERSE = make_universe(strikes=[23_900, 24_000, 24_100])
#: Ten seconds into a minute of the market, while the wall clock says another day.
MARKET = datetime(2026, 8, 19, 7, 0, 10, tzinfo=UTC)
MINUTE = MARKET.replace(second=0)


class MemoryMinutes:
    """Stored minutes in memory, the same for every day."""

    def __init__(self) -> None:
        self.saved: dict[datetime, Sequence[ChainMinute]] = {}
        self.outages = 0
        self.asked: list[tuple[object, ...]] = []
        self.contract: tuple[ContractMinute, ...] = ()
        self.straddles: tuple[StraddleMinute, ...] = ()

    def save(self, minute: datetime, chains: Sequence[ChainMinute]) -> int:
        if self.outages:
            self.outages -= 1
            raise ConnectionError("the database is away")
        if minute in self.saved:
            return 0
        self.saved[minute] = chains
        return len(chains)

    def of_contract(
        self, underlying: str, expiry: date, number: int, day: date
    ) -> tuple[ContractMinute, ...]:
        self.asked.append((underlying, expiry, number, day))
        return self.contract

    def of_underlying(
        self, underlying: str, expiry: date | None, day: date
    ) -> tuple[StraddleMinute, ...]:
        self.asked.append((underlying, expiry, day))
        return self.straddles

    def forget(self, before: datetime) -> int:
        self.asked.append((before,))
        return 7


class Desk:
    def __init__(self) -> None:
        self.clock, self.market = ManualClock(), ManualClock(MARKET)
        self.board, self.store = MemoryQuoteBoard(), MemoryMinutes()
        self.held: list[str] = []
        self.is_open = True
        self.sampling = self.another()
        self.series = MinuteSeries(
            universes=FixedUniverse(UNIVERSE), store=self.store, market_clock=self.market
        )
        self.quote(0)

    def another(self) -> MinuteSampling:
        return MinuteSampling(
            universes=FixedUniverse(UNIVERSE),
            quotes=self.board,
            find_held=lambda: self.held,
            store=self.store,
            is_open=lambda: self.is_open,
            clock=self.clock,
            market_clock=self.market,
            max_quote_age_seconds=60,
            retention=timedelta(days=90),
            outages=(ConnectionError,),
        )

    def quote(self, age_seconds: float) -> None:
        at = int((self.clock().timestamp() - age_seconds) * 1000)
        quotes = make_quotes(range(100, 100 + len(UNIVERSE)), time=at)
        self.board.quotes[UNIVERSE.version] = quotes
        spots = spot_quotes(UNIVERSE, 24_010)
        spots["time"] = at
        self.board.spot_quotes[UNIVERSE.version] = spots


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_minute_of_the_market_is_sampled_once(desk: Desk) -> None:
    assert desk.sampling.run() == 2
    desk.market.advance(40)
    desk.quote(1)

    assert (desk.sampling.run(), desk.another().run()) == (0, 0)

    (chains,) = desk.store.saved.values()
    assert [*desk.store.saved] == [MINUTE]
    assert [(c.expiry, c.strike, c.call, c.put) for c in chains] == [
        (EXPIRIES[0], 2_400_000, 102, 103),
        (EXPIRIES[1], 2_400_000, 108, 109),
    ]


def test_the_next_minute_is_sampled_with_it_and_so_is_an_earlier_one_of_a_replay(
    desk: Desk,
) -> None:
    desk.sampling.run()
    desk.market.advance(60)
    assert desk.sampling.run() == 2
    desk.market.advance(-3_600)
    assert desk.sampling.run() == 2

    assert [at - MINUTE for at in desk.store.saved] == [
        timedelta(),
        timedelta(minutes=1),
        timedelta(minutes=-59),
    ]


def test_nothing_is_sampled_while_the_market_is_closed(desk: Desk) -> None:
    desk.is_open = False

    assert desk.sampling.run() == 0
    assert desk.store.saved == {}


def test_old_quotes_are_not_sampled_and_the_minute_is_looked_at_again(desk: Desk) -> None:
    desk.quote(61)
    assert desk.sampling.run() == 0
    assert desk.store.saved == {}
    desk.quote(59)

    assert desk.sampling.run() == 2


def test_a_minute_is_sampled_once_the_database_is_back(desk: Desk) -> None:
    desk.store.outages = 1

    assert (desk.sampling.run(), desk.sampling.run()) == (0, 2)


def test_a_held_contract_without_a_spot_is_sampled(desk: Desk) -> None:
    desk.board.spot_quotes[UNIVERSE.version] = spot_quotes(UNIVERSE, 0)
    desk.held = [UNIVERSE.symbols[5]]

    assert desk.sampling.run() == 1

    (chain,) = desk.store.saved[MINUTE]
    assert (chain.contracts, chain.prices, chain.spot) == ([-2_410_000], [105], None)


def test_minutes_are_deleted_after_their_retention(desk: Desk) -> None:
    assert desk.sampling.forget() == 7
    assert desk.store.asked == [(desk.clock() - timedelta(days=90),)]


def test_the_day_is_by_default_that_of_the_market(desk: Desk) -> None:
    desk.market.now = datetime(2026, 8, 19, 19, 0, tzinfo=UTC)

    contract = desk.series.of_contract(UNIVERSE.symbols[1])
    underlying = desk.series.of_underlying("NIFTY")

    day = date(2026, 8, 20)
    assert (contract.day, underlying.day) == (day, day)
    assert (contract.minutes, underlying.minutes) == ((), ())
    assert desk.store.asked == [
        ("NIFTY", EXPIRIES[0], -2_390_000, day),
        ("NIFTY", None, day),
    ]


def test_what_is_neither_listed_nor_stored_is_refused_with_its_name(desk: Desk) -> None:
    day = date(2026, 8, 18)
    for symbol in ("NIFTY_25AUG26_1CE", "NIFTY", "NIFTY_25AUG26_0CE"):
        with pytest.raises(UnknownContract, match=f"symbol must be listed, was {symbol}"):
            desk.series.of_contract(symbol, day)
    with pytest.raises(UnknownContract, match="underlying must be listed, was nifty"):
        desk.series.of_underlying("nifty", day=day)
    with pytest.raises(UnknownContract, match="expiry must be listed, was 2026-08-18"):
        desk.series.of_underlying("NIFTY", day, day)


def test_what_was_listed_once_is_found_by_its_minutes(desk: Desk) -> None:
    desk.store.contract = (ContractMinute(at=MINUTE, price=UNIVERSE.contract(0).strike, oi=1),)

    found = desk.series.of_contract("OLD_25AUG20_1CE", date(2020, 8, 19))

    assert found.minutes == desk.store.contract
