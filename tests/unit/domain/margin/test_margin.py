"""The percentage margin of one unit, at the edges of its days and prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from angel_x.domain.margin.margin import PercentageMargin, RiskRows, ShortOptionPercent
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.margin.unit_risk import NO_LOSSES, STEPS, UnitRisk
from config.market import table

MODEL = PercentageMargin.from_table(table("margin"))
EXPIRY, DAY_BEFORE, DAY_AFTER = date(2026, 8, 25), date(2026, 8, 24), date(2026, 8, 26)


@pytest.mark.parametrize(
    ("underlying", "today", "rupees", "is_last_day"),
    [
        ("NIFTY", DAY_BEFORE, 1_130, False),
        ("NIFTY", EXPIRY, 1_330, True),
        ("NIFTY", DAY_AFTER, 1_330, True),
        ("RELIANCE", DAY_BEFORE, 1_770, False),
        ("RELIANCE", EXPIRY, 1_770, True),
    ],
)
def test_a_unit_on_ten_thousand_rupees_is_asked_for_the_percentage_of_its_day(
    underlying: str, today: date, rupees: int, *, is_last_day: bool
) -> None:
    risk = MODEL.unit_risk(underlying, EXPIRY, Decimal(10_000), today)

    assert risk == UnitRisk(
        EXPIRY, MarginSource.PERCENTAGE, NO_LOSSES, 0, rupees * STEPS, 0, is_last_day
    )


@pytest.mark.parametrize("spot", ["0", "-1"])
@pytest.mark.parametrize(("today", "is_last_day"), [(DAY_BEFORE, False), (EXPIRY, True)])
def test_a_spot_of_nothing_asks_for_nothing_and_says_so(
    spot: str, today: date, *, is_last_day: bool
) -> None:
    risk = MODEL.unit_risk("NIFTY", EXPIRY, Decimal(spot), today)

    assert risk == UnitRisk(EXPIRY, MarginSource.NONE, NO_LOSSES, 0, 0, 0, is_last_day)


@pytest.mark.parametrize(
    ("spot", "rupees"), [("0.01", "0.01"), ("1", "0.12"), ("100", "11.30"), ("100.01", "11.31")]
)
def test_rupees_are_rounded_up_to_the_paisa(spot: str, rupees: str) -> None:
    assert MODEL.per_short_unit("NIFTY", EXPIRY, Decimal(spot), DAY_BEFORE) == Decimal(rupees)
    assert MODEL.unit_risk("NIFTY", EXPIRY, Decimal(spot), DAY_BEFORE).source is (
        MarginSource.PERCENTAGE
    )


@pytest.mark.parametrize(
    ("today", "share"), [(DAY_BEFORE, "0"), (EXPIRY, "0.05"), (DAY_AFTER, "0.05")]
)
def test_the_extra_margin_is_asked_for_from_the_day_of_expiry_on(today: date, share: str) -> None:
    percent = ShortOptionPercent(Decimal("0.1"), Decimal("0.02"), Decimal("0.05"))

    assert percent.addition(EXPIRY, today) == Decimal(share)


def rows(
    *, is_fresh: bool = True, spot: str = "10000", loss: float = -3.0, mark: float = 40.0
) -> RiskRows:
    columns = np.zeros((18, 1), np.float32)
    # A loss of a unit long is a gain of one short; its delta and its mark stand last.
    columns[0], columns[16], columns[17] = loss, -0.5, mark
    return RiskRows(["NIFTY"], [EXPIRY], [Decimal(spot)], columns, np.array([is_fresh]))


@pytest.mark.parametrize(
    ("today", "charge", "spread"), [(DAY_BEFORE, 200, -87.5), (EXPIRY, 400, 0), (DAY_AFTER, 400, 0)]
)
def test_a_contract_that_expires_today_offsets_nothing(
    today: date, charge: int, spread: float
) -> None:
    (risk,) = SpanMargin.from_table(table("margin")).unit_risks(rows(), today)

    assert risk.source is MarginSource.RISK_ARRAY
    assert risk.losses == (-3 * STEPS, *[0] * 15)
    assert (risk.mark, risk.charge, risk.spread) == (40 * STEPS, charge * STEPS, spread * STEPS)
    assert risk.is_last_day == (spread == 0)


@pytest.mark.parametrize(
    ("known", "source"),
    [
        (rows(), MarginSource.RISK_ARRAY),
        (rows(spot="0.01"), MarginSource.RISK_ARRAY),
        (rows(is_fresh=False), MarginSource.PERCENTAGE),
        (rows(spot="0"), MarginSource.NONE),
        (rows(loss=float("nan")), MarginSource.PERCENTAGE),
        (rows(loss=-1e8), MarginSource.PERCENTAGE),
        (rows(loss=-9.9e7), MarginSource.RISK_ARRAY),
        (rows(mark=0.0), MarginSource.RISK_ARRAY),
        (rows(mark=0.5), MarginSource.RISK_ARRAY),
        (rows(mark=-0.5), MarginSource.PERCENTAGE),
    ],
)
def test_an_array_that_is_old_or_damaged_gives_way_to_the_percentage(
    known: RiskRows, source: MarginSource
) -> None:
    (risk,) = SpanMargin.from_table(table("margin")).unit_risks(known, DAY_BEFORE)

    assert risk.source is source


def test_an_array_that_is_not_used_lends_nothing_to_the_percentage() -> None:
    (risk,) = SpanMargin.from_table(table("margin")).unit_risks(rows(is_fresh=False), DAY_BEFORE)

    assert risk == MODEL.unit_risk("NIFTY", EXPIRY, Decimal(10_000), DAY_BEFORE)


@pytest.mark.parametrize(("loss", "most"), [(39.0, 39), (40.0, 40), (41.0, 40)])
def test_no_loss_is_above_the_mark(loss: float, most: int) -> None:
    (risk,) = SpanMargin.from_table(table("margin")).unit_risks(rows(loss=loss), DAY_BEFORE)

    assert max(risk.losses) == most * STEPS
