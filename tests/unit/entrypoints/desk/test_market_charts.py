from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from angel_x.domain.chains.summary_record import (
    ChainSummary,
    ExpirySummary,
    SmilePoint,
    StrikeSummary,
)
from angel_x.domain.contracts.contract import Right
from angel_x.entrypoints.desk.views import market_charts as view
from angel_x.entrypoints.desk.views.chart import Chart

MINUS = "\N{MINUS SIGN}"


def strike(number: int, calls: int, puts: int, payout: float, gamma: float | None) -> StrikeSummary:
    return StrikeSummary(
        strike=Decimal(number), call_oi=calls, put_oi=puts, payout=payout, gamma_exposure=gamma
    )


EXPIRY = ExpirySummary(
    expiry=date(2026, 8, 25),
    forward=Decimal("24010.00"),
    forward_source="parity",
    atm_vol=0.131,
    risk_reversal_25=-0.012,
    butterfly_25=0.002,
    oi_put_call_ratio=0.8765,
    volume_put_call_ratio=1.0,
    max_pain=Decimal("24000.00"),
    gamma_exposure=-1234567.0,
    total_oi=390,
    call_oi=195,
    put_oi=195,
    call_volume=0,
    put_volume=0,
    unpriced_oi=0,
    contracts=4,
    unquoted=0,
    priced=4,
    age_seconds=1.2,
    quote_age_seconds=0.4,
    smile=(
        SmilePoint(strike=Decimal(24000), log_moneyness=-0.0004, implied_vol=0.14, right=Right.PUT),
        SmilePoint(
            strike=Decimal(24050), log_moneyness=0.0017, implied_vol=0.131, right=Right.CALL
        ),
    ),
    strikes=(strike(24000, 65, 130, 3250.0, -2e6), strike(24050, 130, 65, 6500.0, None)),
    reasons={},
)
BARE = replace(
    EXPIRY,
    expiry=date(2026, 9, 29),
    atm_vol=None,
    max_pain=None,
    gamma_exposure=None,
    total_oi=0,
    smile=(),
    strikes=(),
    reasons={
        "atm_vol": "no_volatility",
        "max_pain": "no_open_interest",
        "gamma_exposure": "no_gamma",
    },
)
SUMMARY = ChainSummary(
    underlying="NIFTY",
    spot=Decimal("24031.00"),
    spot_age_seconds=0.2,
    lot_size=65,
    expiries=(EXPIRY, BARE),
)


def series(chart: Chart) -> list[dict[str, Any]]:
    assert chart.options is not None
    found: list[dict[str, Any]] = chart.options["series"]
    return found


def places(of: dict[str, Any]) -> list[Any]:
    return [mark["xAxis"] for mark in of["markLine"]["data"]]


def test_a_smile_is_in_percent_by_side_and_marks_the_forward() -> None:
    puts, calls = series(view.smile(EXPIRY))

    assert (puts["name"], puts["data"]) == ("Puts", [[24000.0, 14.0]])
    assert (calls["name"], calls["data"]) == ("Calls", [[24050.0, 13.1]])
    assert places(puts) == [24010.0]
    assert places(series(view.smile(replace(EXPIRY, forward=None)))[0]) == []


def test_an_expiry_without_a_volatility_is_no_point_of_the_term_structure() -> None:
    chart = view.term_structure(SUMMARY)

    assert series(chart)[0]["data"] == [["2026-08-25", 13.1]]
    assert [row[2] for row in chart.rows] == [0.131, None]


def test_open_interest_stands_by_strike_with_that_nearest_to_the_spot_marked() -> None:
    calls, puts = series(view.open_interest(SUMMARY, EXPIRY))

    assert (calls["data"], puts["data"]) == ([65, 130], [130, 65])
    assert places(calls) == ["24050"]


def test_the_payout_marks_max_pain_and_the_spot() -> None:
    (payout,) = series(view.max_pain(SUMMARY, EXPIRY))

    assert payout["data"] == [[24000.0, 3250.0], [24050.0, 6500.0]]
    assert places(payout) == [24000.0, 24031.0]


def test_a_strike_without_a_gamma_has_no_bar_and_a_negative_one_points_down() -> None:
    (net,) = series(view.gamma_exposure(SUMMARY, EXPIRY))

    assert net["data"] == [{"value": -2e6, "itemStyle": {"color": "--loss"}}, None]


def test_a_chart_of_nothing_is_not_drawn() -> None:
    charts = (
        view.smile(BARE),
        view.term_structure(replace(SUMMARY, expiries=(BARE,))),
        view.open_interest(SUMMARY, BARE),
        view.max_pain(SUMMARY, BARE),
        view.gamma_exposure(SUMMARY, BARE),
    )

    assert [chart.options for chart in charts] == [None] * 5


def test_the_numbers_of_a_chart_are_a_file() -> None:
    assert view.gamma_exposure(SUMMARY, EXPIRY).as_csv() == (
        "strike,gamma_exposure\r\n24000,-2000000.0\r\n24050,\r\n"
    )
    assert view.smile(EXPIRY).as_csv().splitlines()[1] == "24000,PE,0.14"


def test_charts_have_words_for_those_who_do_not_see_them() -> None:
    assert view.smile(EXPIRY).label == "Smile of 25 Aug 26: at the money 13.10 %"
    assert view.gamma_exposure(SUMMARY, EXPIRY).label == (
        "Gamma exposure of 25 Aug 26 by strike, calls positive and puts negative: "
        f"{MINUS}12,34,567 rupees of delta for 1 % in all"
    )


def test_a_measure_that_is_missing_says_why() -> None:
    known, missing = dict(view.figures(SUMMARY, EXPIRY)), dict(view.figures(SUMMARY, BARE))

    assert (known["Max pain"], known["ATM vol"]) == ("24000", "13.10 %")
    assert known["Gamma exposure"] == f"₹{MINUS}12,34,567"
    assert missing["Max pain"] == "\N{EN DASH} (no open interest)"
    assert missing["ATM vol"] == "\N{EN DASH} (no volatility)"


def test_the_nearest_expiry_is_shown_until_another_is_chosen() -> None:
    assert view.chosen(SUMMARY, None) is EXPIRY
    assert view.chosen(SUMMARY, "2026-09-29") is BARE
    assert view.chosen(SUMMARY, "2027-01-01") is EXPIRY
    assert view.chosen(replace(SUMMARY, expiries=()), None) is None
