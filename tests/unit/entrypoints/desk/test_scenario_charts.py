from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from angel_x.domain.contracts.contract import Right
from angel_x.domain.orders.order import Side
from angel_x.domain.strategies.answers import PayoffCurve, ScenarioReport
from angel_x.domain.strategies.concentration import concentration
from angel_x.domain.strategies.payoff import Payoff
from angel_x.entrypoints.desk.views import scenario_charts as view
from angel_x.entrypoints.desk.views.chart import Chart
from angel_x.entrypoints.desk.views.legs import ChosenLeg
from tests.fakes.desk_api import NOW, make_position

MINUS = "\N{MINUS SIGN}"
CURVE = PayoffCurve(
    underlying="NIFTY",
    spot=Decimal(24000),
    expiry=date(2026, 8, 25),
    spots=(Decimal(22800), Decimal(24000), Decimal(25200)),
    before=((-500.0, -20.0, 900.0), (-600.0, -80.0, 950.0)),
    at_expiry=(-650.0, -650.0, 1000.0),
    exact=Payoff(max_profit=None, max_loss=Decimal(-650), breakevens=(Decimal(24610),)),
)
REPORT = ScenarioReport(
    spot_percents=(-5.0, 0.0),
    vol_percents=(-20.0, 0.0, 20.0),
    days=(0.0, 1.0),
    profit=(((1.0,) * 3,) * 2, ((-100.5, -90.0, -80.0), (-10.0, -20.25, 12.5))),
    margin=(((Decimal(1),) * 3,) * 2, ((Decimal(1000),) * 3, (Decimal(2000),) * 3)),
    payoffs=(CURVE,),
    concentration=concentration([], []),
    strategies=(),
    unpriced=(),
    at=NOW,
)
EMPTY = replace(REPORT, payoffs=())


def options(chart: Chart) -> dict[str, Any]:
    assert chart.options is not None
    return dict(chart.options)


def test_a_heat_map_has_a_cell_a_state_of_the_last_day_around_zero() -> None:
    chart = options(view.heat_map(REPORT))

    cells = chart["series"][0]["data"]
    assert cells[0] == [0, 0, -100.5, 1000.0, f"Spot {MINUS}5 %, volatility {MINUS}20 %"]
    assert cells[-1] == [2, 1, 12.5, 2000.0, "Spot 0 %, volatility +20 %"]
    assert (len(cells), chart["xAxis"]["data"]) == (6, [f"{MINUS}20 %", "0 %", "+20 %"])
    assert (chart["visualMap"]["min"], chart["visualMap"]["max"]) == (-100.5, 100.5)


def test_the_states_are_a_file_with_their_margin() -> None:
    header, first, *rest = view.heat_map(REPORT).as_csv().splitlines()

    assert header == "spot_percent,vol_percent,days,profit,margin"
    assert (first, len(rest)) == ("-5.0,-20.0,1.0,-100.5,1000", 5)


def test_a_payoff_has_a_line_for_each_day_and_marks_spot_and_break_evens() -> None:
    at_expiry, now, later = options(view.payoff(REPORT))["series"]

    assert [line["name"] for line in (at_expiry, now, later)] == ["At expiry", "Now", "In 1 d"]
    assert at_expiry["data"][-1] == [25200.0, 1000.0]
    assert [mark["xAxis"] for mark in at_expiry["markLine"]["data"]] == [24000.0, 24610.0]
    assert view.payoff(REPORT).rows[0] == (Decimal(22800), -650.0, -500.0, -600.0)


def test_a_book_without_options_has_neither() -> None:
    assert view.heat_map(EMPTY).options is None
    assert view.payoff(EMPTY).options is None


def test_contracts_that_are_left_out_are_named() -> None:
    assert view.left_out(REPORT) == ""
    assert view.left_out(replace(REPORT, unpriced=("NIFTY_25AUG26_24000CE",))).endswith(
        "left out: NIFTY_25AUG26_24000CE"
    )


def test_the_parts_of_the_book_are_its_underlyings_and_those_of_the_basket() -> None:
    leg = ChosenLeg(
        symbol="BANKNIFTY_25AUG26_52000CE",
        strike=Decimal(52000),
        right=Right.CALL,
        side=Side.BUY,
        lots=1,
        lot_size=35,
        price=Decimal(100),
    )

    assert view.underlyings([make_position()], [leg]) == ["BANKNIFTY", "NIFTY"]
