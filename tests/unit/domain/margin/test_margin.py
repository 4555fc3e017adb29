"""The margin of one unit, at the edges of its days and of its risk array."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from angel_x.domain.margin.margin import ExposureRates, RiskRows
from angel_x.domain.margin.margin_source import MarginSource
from angel_x.domain.margin.span_margin import SpanMargin
from angel_x.domain.margin.unit_risk import STEPS, unknown_risk
from config.market import table

EXPIRY, DAY_BEFORE, DAY_AFTER = date(2026, 8, 25), date(2026, 8, 24), date(2026, 8, 26)


@pytest.mark.parametrize(
    ("today", "share"), [(DAY_BEFORE, "0"), (EXPIRY, "0.05"), (DAY_AFTER, "0.05")]
)
def test_the_extra_margin_is_asked_for_from_the_day_of_expiry_on(today: date, share: str) -> None:
    rates = ExposureRates(Decimal("0.02"), Decimal("0.05"))

    assert rates.addition(EXPIRY, today) == Decimal(share)


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
    (risk,) = SpanMargin.from_tables(table("margin"), table("volatility")).unit_risks(rows(), today)

    assert risk.source is MarginSource.RISK_ARRAY
    assert risk.losses == (-3 * STEPS, *[0] * 15)
    assert (risk.mark, risk.charge, risk.spread) == (40 * STEPS, charge * STEPS, spread * STEPS)
    assert risk.is_last_day == (spread == 0)


@pytest.mark.parametrize(
    ("known", "source"),
    [
        (rows(), MarginSource.RISK_ARRAY),
        (rows(spot="0.01"), MarginSource.RISK_ARRAY),
        (rows(is_fresh=False), MarginSource.NONE),
        (rows(spot="0"), MarginSource.NONE),
        (rows(loss=float("nan")), MarginSource.NONE),
        (rows(loss=-1e8), MarginSource.NONE),
        (rows(loss=-9.9e7), MarginSource.RISK_ARRAY),
        (rows(mark=0.0), MarginSource.RISK_ARRAY),
        (rows(mark=0.5), MarginSource.RISK_ARRAY),
        (rows(mark=-0.5), MarginSource.NONE),
    ],
)
def test_the_margin_of_an_old_or_damaged_array_is_unknown(
    known: RiskRows, source: MarginSource
) -> None:
    (risk,) = SpanMargin.from_tables(table("margin"), table("volatility")).unit_risks(
        known, DAY_BEFORE
    )

    assert risk.source is source


@pytest.mark.parametrize(("today", "is_last_day"), [(DAY_BEFORE, False), (EXPIRY, True)])
def test_an_array_that_is_not_used_leaves_nothing(today: date, *, is_last_day: bool) -> None:
    (risk,) = SpanMargin.from_tables(table("margin"), table("volatility")).unit_risks(
        rows(is_fresh=False), today
    )

    assert risk == unknown_risk(EXPIRY, is_last_day=is_last_day)
    assert not risk.is_known


@pytest.mark.parametrize(("loss", "most"), [(39.0, 39), (40.0, 40), (41.0, 40)])
def test_no_loss_is_above_the_mark(loss: float, most: int) -> None:
    (risk,) = SpanMargin.from_tables(table("margin"), table("volatility")).unit_risks(
        rows(loss=loss), DAY_BEFORE
    )

    assert max(risk.losses) == most * STEPS
