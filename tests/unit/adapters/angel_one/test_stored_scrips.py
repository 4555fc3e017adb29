"""Names of contracts from the stored master: no request where one is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from angel_x.adapters.angel_one.records import Scrip
from angel_x.adapters.angel_one.scrips import SearchedScrips
from angel_x.adapters.angel_one.stored_scrips import StoredScrips
from angel_x.domain.contracts.broker_contract import BrokerContract
from angel_x.domain.exchange.answer import VenueState
from angel_x.domain.orders.order import Order, OrderStatus
from angel_x.errors import BrokerRefused, BrokerUnavailable
from tests.builders.broker import CALL, EXPIRY, SYMBOL, Broker, broker, exchange, listing
from tests.builders.trading import ANGEL_ONE, Trading
from tests.fakes.broker_contracts import MemoryBrokerContracts

MASTER_AT = datetime(2026, 8, 3, 3, tzinfo=UTC)
PUT = SYMBOL.replace("CE", "PE")
SENSEX, THURSDAY = "SENSEX_06AUG26_80000CE", date(2026, 8, 6)
STORED = (
    BrokerContract(SYMBOL, "NIFTY", EXPIRY, "NFO", CALL.trading_symbol, CALL.token),
    BrokerContract(SENSEX, "SENSEX", THURSDAY, "BFO", "SENSEX2680680000CE", "861001"),
)


@dataclass
class Place:
    """Stored names, a search, and the time."""

    names: MemoryBrokerContracts = field(default_factory=MemoryBrokerContracts)
    searched: list[str] = field(default_factory=list)
    now: float = 0.0
    is_away: bool = False

    def __post_init__(self) -> None:
        self.scrips = StoredScrips(
            self.chain, self.search, outages=(OSError,), monotonic=lambda: self.now
        )

    def store(self, *contracts: BrokerContract) -> None:
        self.names.store(contracts, MASTER_AT, MASTER_AT.date())

    def chain(self, underlying: str, expiry: date) -> list[BrokerContract]:
        if self.is_away:
            raise OSError("the server is away")
        return self.names.chain(underlying, expiry)

    def search(self, symbol: str) -> Scrip:
        self.searched.append(symbol)
        if symbol == PUT:
            return Scrip("NFO", "found", "7")
        raise BrokerRefused("the broker must list the contract")


@pytest.fixture
def place() -> Place:
    made = Place()
    made.store(*STORED)
    return made


def test_one_read_serves_all_contracts_of_a_chain(place: Place) -> None:
    other = STORED[0]._replace(symbol=SYMBOL.replace("24000", "24100"), token="40003")
    place.store(other)

    for _ in range(3):
        assert place.scrips.of(SYMBOL) == Scrip("NFO", CALL.trading_symbol, CALL.token)
        assert place.scrips.of(other.symbol).symbol_token == "40003"

    assert place.names.reads == [("NIFTY", EXPIRY)]
    assert place.searched == []


def test_only_a_contract_without_a_stored_name_is_searched_for(place: Place) -> None:
    assert place.scrips.of(PUT) == Scrip("NFO", "found", "7")
    with pytest.raises(BrokerRefused):
        place.scrips.of(SYMBOL.replace("24000", "99000"))

    assert len(place.searched) == 2
    assert place.names.reads == [("NIFTY", EXPIRY)]


def test_a_newer_master_counts_after_a_minute(place: Place) -> None:
    place.scrips.of(SYMBOL)
    place.store(STORED[0]._replace(token="50001"))

    assert place.scrips.of(SYMBOL).symbol_token == CALL.token
    place.now += 60
    assert place.scrips.of(SYMBOL).symbol_token == "50001"


def test_a_contract_that_was_missing_is_found_a_second_after_its_name_is_stored(
    place: Place,
) -> None:
    place.scrips.of(PUT)
    place.store(STORED[0]._replace(symbol=PUT, token="40002"))

    assert place.scrips.of(PUT).symbol_token == "7"
    place.now += 1
    assert place.scrips.of(PUT).symbol_token == "40002"


def test_names_that_cannot_be_read_refuse_no_order(place: Place) -> None:
    place.is_away = True
    with pytest.raises(BrokerUnavailable, match="cannot be read"):
        place.scrips.of(SYMBOL)
    assert place.searched == []

    place.is_away = False
    assert place.scrips.of(SYMBOL).symbol_token == CALL.token


def test_names_that_were_read_count_on_while_the_database_is_away(place: Place) -> None:
    place.scrips.of(SYMBOL)
    place.now, place.is_away = 61.0, True

    assert place.scrips.of(SYMBOL).symbol_token == CALL.token
    # Of other contracts it is not known whether their names are stored.
    with pytest.raises(BrokerUnavailable):
        place.scrips.of(PUT)
    assert place.searched == []


def test_chains_that_are_out_of_use_are_forgotten(place: Place) -> None:
    place.scrips.of(SYMBOL)
    place.now = 61.0
    place.scrips.of(SENSEX)

    assert list(place.scrips._chains) == [("SENSEX", THURSDAY)]


@pytest.fixture(scope="module")
def at_broker() -> Iterator[Broker]:
    of_bse = replace(
        listing("861001"),
        trading_symbol="SENSEX2680680000CE",
        exchange="BFO",
        underlying="SENSEX",
        expiry=THURSDAY,
        strike=Decimal(80_000),
    )
    made = exchange()
    made.listings[of_bse.token] = of_bse
    made.matching.quote(of_bse.token, Decimal("100.00"), Decimal("100.50"), 6_500)
    with broker(made) as found:
        yield found


def sent(trading: Trading, symbol: str) -> Order:
    """Return an order that is committed as submitting."""
    order = trading.exchange.order(lots=1, limit=10_100)
    order.symbol, order.status, order.attempt = symbol, OrderStatus.SUBMITTING, 1
    return order


@pytest.mark.parametrize("symbols", [(SYMBOL,), (SENSEX,), (SYMBOL, SENSEX, SYMBOL)])
def test_a_venue_with_stored_names_makes_no_search_request(
    place: Place, at_broker: Broker, symbols: Sequence[str]
) -> None:
    at_broker.begin_day()
    scrips = StoredScrips(
        place.chain,
        SearchedScrips(at_broker.client.search).of,
        outages=(OSError,),
        monotonic=lambda: 0.0,
    )
    trading = Trading(ANGEL_ONE, at_broker=lambda preview: at_broker.venue(preview, scrips=scrips))

    answers = trading.venue.place([sent(trading, symbol) for symbol in symbols])

    assert [each.state for each in answers] == [VenueState.STANDING] * len(symbols)
    placed = at_broker.exchange.orders.values()
    assert sorted(each.listing.token for each in placed) == sorted(
        scrips.of(symbol).symbol_token for symbol in symbols
    )
    assert all(each.filled == each.quantity for each in placed)
    assert at_broker.requests("search") == 0
