"""Interest rates and the time before the close at which intraday positions are closed.

Sources: the rupee money market, the option chain on the exchange's website, and a house rule.
"""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from angel_x.bootstrap.analytics import interest_rates
from angel_x.domain.calendar.intraday import IntradayRule, cutoffs
from angel_x.domain.pricing.pricing_model import PricingModel
from config.loading import load
from config.market import table
from tests.builders.markets import CALENDAR
from tests.unit.config.market.listings import first_days

CUTOFF = IntradayRule(CALENDAR, cutoffs(table("intraday"))).before_close


@pytest.mark.parametrize(("model", "per_mille"), [("black76", 65), ("bsm", 65), ("exchange", 100)])
def test_each_model_discounts_at_its_rate(model: str, per_mille: int) -> None:
    settings = load({"ANGEL_X_ENV": "testing", "ANGEL_X_PRICING_MODEL": model})
    rates = interest_rates(PricingModel(settings.pricing_model), table("rates"))

    for day in (date(2024, 1, 1), date(2030, 12, 31)):
        assert rates.on(day) * 1000 == per_mille
    with pytest.raises(LookupError, match="2023-12-31"):
        rates.on(date(2023, 12, 31))


def test_rates_have_been_laid_down_once() -> None:
    content = table("rates")

    assert [row["from"] for row in content["risk_free"]] == ["2024-01-01"]
    assert [row["from"] for row in content["exchange"]] == ["2024-01-01"]


@pytest.mark.parametrize(
    ("day", "minutes"),
    [
        (date(2000, 1, 1), 10),
        (date(2026, 8, 2), 10),
        (date(2026, 8, 3), 20),
        (date(2030, 12, 31), 20),
    ],
)
def test_intraday_positions_are_closed_so_many_minutes_before_the_close(
    day: date, minutes: int
) -> None:
    assert CUTOFF.on(day) == timedelta(minutes=minutes)


def test_no_cut_off_is_known_before_the_first() -> None:
    with pytest.raises(LookupError, match="1999-12-31"):
        CUTOFF.on(date(1999, 12, 31))
    assert first_days(table("intraday")["cutoff"]) == [date(2000, 1, 1), date(2026, 8, 3)]
