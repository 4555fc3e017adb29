"""The broker's names of contracts: the database and its fake are alike."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Protocol

import pytest

from angel_x.adapters.postgres.broker_contracts import PostgresBrokerContracts, StoredNames
from angel_x.domain.contracts.broker_contract import BrokerContract
from tests.fakes.broker_contracts import MemoryBrokerContracts

MONDAY, TUESDAY = (datetime(2026, 8, day, 3, tzinfo=UTC) for day in (24, 25))
NEAR, FAR = date(2026, 8, 24), date(2026, 8, 25)


class Names(Protocol):
    def store(
        self, contracts: Iterable[BrokerContract], master_at: datetime, day: date
    ) -> StoredNames: ...

    def chain(self, underlying: str, expiry: date) -> list[BrokerContract]: ...

    def symbols(self, trading_symbols: Collection[str]) -> dict[str, str]: ...


@pytest.fixture(params=["fake", "real"])
def names(request: pytest.FixtureRequest) -> Names:
    if request.param == "fake":
        return MemoryBrokerContracts()
    return PostgresBrokerContracts(request.getfixturevalue("engine"))


def nifty(strike: int, token: str, expiry: date = FAR) -> BrokerContract:
    day = f"{expiry:%d}AUG26"
    symbol, trading_symbol = f"NIFTY_{day}_{strike}CE", f"NIFTY{day}{strike}CE"
    return BrokerContract(symbol, "NIFTY", expiry, "NFO", trading_symbol, token)


def sensex(expiry: date) -> BrokerContract:
    symbol = f"SENSEX_{expiry:%d}AUG26_80000CE"
    return BrokerContract(symbol, "SENSEX", expiry, "BFO", "SENSEX26AUG80000CE", "861001")


def test_a_chain_is_read_as_it_was_stored_and_a_second_master_alike_changes_nothing(
    names: Names,
) -> None:
    first, second, other = nifty(24_000, "40001"), nifty(24_100, "40002"), nifty(24_000, "1", NEAR)

    assert names.store([second, other, first], MONDAY, NEAR) == StoredNames(3, 0)
    assert names.store([first, second, other], TUESDAY, NEAR) == StoredNames(0, 0)

    assert names.chain("NIFTY", FAR) == [first, second]
    assert names.chain("NIFTY", NEAR) == [other]
    assert names.chain("BANKNIFTY", FAR) == []


def test_only_a_changed_name_is_written_and_a_missing_contract_keeps_its_own(names: Names) -> None:
    held, kept, moved = nifty(23_900, "40000"), nifty(24_000, "40001"), nifty(24_100, "40002")
    names.store([held, kept, moved], MONDAY, NEAR)

    changed = moved._replace(token="50002")
    assert names.store([kept, changed], TUESDAY, NEAR) == StoredNames(1, 0)

    assert names.chain("NIFTY", FAR) == [held, kept, changed]


def test_names_go_on_the_day_after_the_expiry_and_expired_ones_do_not_come(names: Names) -> None:
    near, far = nifty(24_000, "1", NEAR), nifty(24_000, "2")
    assert names.store([near, far], MONDAY, NEAR) == StoredNames(2, 0)

    assert names.store([near], TUESDAY, FAR) == StoredNames(0, 1)

    assert names.chain("NIFTY", NEAR) == []
    assert names.chain("NIFTY", FAR) == [far]


def test_symbols_are_found_by_the_names_of_the_broker(names: Names) -> None:
    contract, of_bse = nifty(24_000, "1"), sensex(FAR)
    names.store([contract, of_bse], MONDAY, NEAR)

    assert names.symbols({contract.trading_symbol, of_bse.trading_symbol, "INFY-EQ"}) == {
        contract.trading_symbol: contract.symbol,
        of_bse.trading_symbol: of_bse.symbol,
    }
    assert names.symbols([]) == {}


@pytest.mark.parametrize("expiries", [(NEAR, FAR), (FAR, NEAR)])
def test_a_name_without_a_day_is_that_of_the_newer_master(
    names: Names, expiries: tuple[date, date]
) -> None:
    before, after = map(sensex, expiries)
    names.store([before], MONDAY, NEAR)
    names.store([after], TUESDAY, NEAR)

    assert names.symbols([after.trading_symbol]) == {after.trading_symbol: after.symbol}
