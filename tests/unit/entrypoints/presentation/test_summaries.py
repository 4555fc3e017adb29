from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import log

import pytest
from rich.console import Console

from angel_x.domain.chains.summary_record import ChainSummary, ExpirySummary, SmilePoint
from angel_x.domain.contracts.contract import Right
from angel_x.entrypoints.presentation.summaries import smile_drawing, summary_table

FORWARD = 24_050


def point(strike: int, vol: float) -> SmilePoint:
    return SmilePoint(
        strike=Decimal(strike),
        log_moneyness=log(strike / FORWARD),
        implied_vol=vol,
        right=Right.CALL if strike >= FORWARD else Right.PUT,
    )


SMILE = tuple(
    point(strike, 0.12 + 0.5 * abs(log(strike / FORWARD))) for strike in range(23_000, 25_001, 100)
)
EXPIRY = ExpirySummary(
    expiry=date(2026, 12, 1),
    forward=Decimal(FORWARD),
    forward_source="futures",
    atm_vol=0.12345,
    risk_reversal_25=-0.01,
    butterfly_25=0.0025,
    oi_put_call_ratio=0.876,
    volume_put_call_ratio=None,
    max_pain=Decimal("24000.00"),
    gamma_exposure=-123_400_000.0,
    total_oi=12_345_678,
    call_oi=10_000_000,
    put_oi=2_345_678,
    call_volume=0,
    put_volume=0,
    unpriced_oi=0,
    contracts=42,
    unquoted=1,
    priced=40,
    age_seconds=1.25,
    quote_age_seconds=0.5,
    smile=SMILE,
    strikes=(),
    reasons={"volume_put_call_ratio": "calls_are_zero"},
)
SUMMARY = ChainSummary(
    underlying="NIFTY",
    spot=Decimal(24_000),
    spot_age_seconds=0.25,
    lot_size=65,
    expiries=(EXPIRY,),
)


def rendered(part: object) -> str:
    screen = io.StringIO()
    Console(file=screen, width=160).print(part)
    return screen.getvalue()


def test_an_expiry_is_one_line_and_what_it_lacks_another() -> None:
    lines = rendered(summary_table(SUMMARY)).splitlines()

    (line,) = [line for line in lines if line.startswith("01 Dec 2026")]
    assert line.split() == [
        "01", "Dec", "2026", "24,050.00", "futures", "12.35", "-1.00", "0.25", "0.88", "-",
        "24,000", "-12.34", "123.46", "40/42", "1.2",
    ]  # fmt: skip
    assert lines[-1].strip() == "01 Dec 2026 has no volume_put_call_ratio (calls_are_zero)"


def test_a_summary_says_how_old_its_spot_is_or_that_there_is_none() -> None:
    unknown = replace(SUMMARY, spot=None, spot_age_seconds=None)

    assert "NIFTY  spot ₹24,000.00 0.2 s old  lot 65" in rendered(summary_table(SUMMARY))
    assert "NIFTY  no spot  lot 65" in rendered(summary_table(unknown))


def test_a_smile_is_drawn_as_its_points_and_nothing_between() -> None:
    title, *body, feet = smile_drawing(EXPIRY, 50).splitlines()

    drawn = "".join(line.partition("|")[2] for line in body)
    assert title.startswith("smile of 01 Dec 2026")
    assert (drawn.count("o"), drawn.count("x")) == (11, 10)
    assert set(drawn) == {"o", "x", ":", " "}
    # The lowest volatility is at the forward, the highest at the edge.
    assert {"o", "x"} <= set(body[-1])
    assert body[0].split("|")[0].strip() == "14.2"
    assert feet.split() == ["23000", "25000"]


def test_a_drawing_shows_as_many_strikes_as_are_asked_for() -> None:
    drawing = smile_drawing(EXPIRY, 3)

    assert drawing.count("o") - drawing.splitlines()[0].count("o") == 3
    assert drawing.splitlines()[-1].split() == ["23800", "24300"]


@pytest.mark.parametrize("count", [0, 1])
def test_a_smile_of_hardly_anything_is_drawn_all_the_same(count: int) -> None:
    drawing = smile_drawing(replace(EXPIRY, smile=SMILE[:count]), 10)

    assert ("no volatility" in drawing) == (count == 0)
    assert "x" not in drawing.partition("\n")[2]
