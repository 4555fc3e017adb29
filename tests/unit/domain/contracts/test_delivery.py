"""Options on stocks: what an expiry in the money delivers, and the days before it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from angel_x.domain.contracts.delivery import Delivery, DeliveryRule
from tests.builders.markets import CALENDAR, RULES

RULE = DeliveryRule(RULES, CALENDAR)
#: A Tuesday; the fourth trading day before it is the Wednesday of the week before.
EXPIRY, BEGINS = date(2026, 12, 29), date(2026, 12, 22)


@pytest.mark.parametrize(
    ("right", "quantity", "spot", "shares", "amount"),
    [
        # A long call receives the shares and pays the strike, a short one delivers them.
        ("CE", 1425, "410.00", 1425, "570000"),
        ("CE", -1425, "410.00", -1425, "-570000"),
        # A long put delivers the shares, a short one has to take them.
        ("PE", 1425, "390.00", -1425, "-570000"),
        ("PE", -1425, "390.00", 1425, "570000"),
        # At and out of the money nothing is delivered.
        ("CE", 1425, "400.00", 0, "0"),
        ("PE", 1425, "400.00", 0, "0"),
        ("CE", -1425, "399.95", 0, "0"),
        ("PE", -1425, "400.05", 0, "0"),
    ],
)
def test_the_obligation_is_in_shares_against_the_strike(
    right: str, quantity: int, spot: str, shares: int, amount: str
) -> None:
    found = RULE.of(f"BEL_29DEC26_400{right}", quantity, Decimal(spot))

    assert found == Delivery(shares=shares, amount=Decimal(amount), closes_on=BEGINS)


def test_an_option_on_an_index_delivers_nothing() -> None:
    assert RULE.of("NIFTY_29DEC26_24000CE", 65, Decimal(25_000)) is None
    assert RULE.closes_on("NIFTY", EXPIRY) is None
    assert not RULE.is_in_period("NIFTY", EXPIRY, datetime(2026, 12, 29, tzinfo=UTC))


def test_the_period_begins_four_trading_days_before_the_expiry() -> None:
    # 25-Dec-2026 is a holiday, and 26 and 27 are a weekend: 28, 24, 23 and 22 are the four days.
    assert RULE.closes_on("BEL", EXPIRY) == BEGINS
    before, on = (
        datetime(2026, 12, 21, 18, 29, tzinfo=UTC),
        datetime(2026, 12, 21, 18, 30, tzinfo=UTC),
    )

    assert not RULE.is_in_period("BEL", EXPIRY, before)
    assert RULE.is_in_period("BEL", EXPIRY, on), "midnight in India"
