"""Price bands, in paise and hundredths of a percent.

Sources: NSE/FAOP/54242 of 31 October 2022 for limit orders; for orders at market the slabs that
brokers publish, and two ticks of our own.
"""

from __future__ import annotations

from datetime import date

import pytest

from angel_x.domain.exchange.protection import LimitBand, MarketBand, Protection
from config.market import table

BANDS = Protection.from_table(table("price_bands"))
EVE, FIRST, LAST = date(2022, 10, 30), date(2022, 10, 31), date(2030, 12, 31)


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_limits_are_taken_within_twenty_rupees_or_forty_percent(day: date) -> None:
    assert BANDS.limit_orders.on(day) == LimitBand(
        low_premium_paise=5_000, low_band_paise=2_000, band_basis_points=4_000
    )


@pytest.mark.parametrize("day", [FIRST, LAST])
def test_orders_at_market_are_protected_by_four_slabs(day: date) -> None:
    assert BANDS.market_orders.on(day) == MarketBand(
        ends_paise=(1_000, 10_000, 50_000), basis_points=(500, 300, 200, 100), least_ticks=2
    )


def test_no_band_is_known_before_the_first() -> None:
    for bands in (BANDS.limit_orders, BANDS.market_orders):
        with pytest.raises(LookupError, match="2022-10-30"):
            bands.on(EVE)


def test_bands_have_been_laid_down_once() -> None:
    content = table("price_bands")

    assert [row["from"] for row in content["limit_orders"]] == ["2022-10-31"]
    assert [row["from"] for row in content["market_orders"]] == ["2022-10-31"]
