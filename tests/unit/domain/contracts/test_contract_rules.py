from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from angel_x.domain.contracts.contract import Right
from angel_x.domain.contracts.contract_rules import underlying_name
from angel_x.errors import InvalidInput
from tests.builders.markets import RULES, factory_on


@pytest.mark.parametrize(
    ("underlying", "expiry", "units"),
    [
        ("NIFTY", date(2025, 12, 30), 75),
        ("NIFTY", date(2026, 1, 6), 65),
        ("BANKNIFTY", date(2025, 7, 30), 30),
        ("BANKNIFTY", date(2025, 7, 31), 35),
        ("BANKNIFTY", date(2026, 1, 27), 30),
    ],
)
def test_the_lot_size_is_that_of_the_expiry(underlying: str, expiry: date, units: int) -> None:
    assert RULES.lot_size(underlying, expiry) == units


def test_the_freeze_quantity_is_that_of_the_trading_day() -> None:
    days = [date(2025, 8, 31), date(2025, 9, 1), date(2025, 11, 3)]

    assert [RULES.freeze_quantity("BANKNIFTY", day) for day in days] == [600, 900, 600]


def test_a_contract_takes_its_lot_from_the_expiry_and_its_freeze_from_the_trading_day() -> None:
    factory = factory_on(date(2025, 12, 29))

    contract = factory.make("FINNIFTY", date(2026, 1, 27), Decimal(27000), Right.PUT)

    assert (contract.lot_size, contract.freeze_quantity) == (60, 1200)
    assert contract.symbol == "FINNIFTY_27JAN26_27000PE"
    assert contract.expires_at == datetime(2026, 1, 27, 10, 0, tzinfo=UTC)


def test_an_unknown_underlying_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="underlying was GOLD"):
        RULES.lot_size("GOLD", date(2026, 8, 25))


def test_a_day_before_the_first_rule_is_refused() -> None:
    with pytest.raises(InvalidInput, match="day was 2020-01-01"):
        RULES.lot_size("NIFTY", date(2020, 1, 1))


def test_recordings_name_underlyings_in_their_own_way() -> None:
    names = ["NIFTY50", "NIFTY", "NIFTYBANK", "SENSEX"]

    assert [underlying_name(n) for n in names] == ["NIFTY", "NIFTY", "BANKNIFTY", "SENSEX"]


def test_an_index_is_an_underlying_whose_rules_are_known() -> None:
    assert RULES.is_index("SENSEX")
    assert not RULES.is_index("RELIANCE")
