"""Charts of a book in other states of the market: a heat map of its P&L, and its payoff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from angel_x.domain.contracts.contract import underlying_of
from angel_x.domain.records.statement import PositionRecord
from angel_x.domain.strategies.answers import ScenarioReport
from angel_x.entrypoints.desk.views.chart import (
    CALL,
    CURVE,
    Chart,
    Options,
    framed,
    line,
    marked,
    names_axis,
    numbers_axis,
    tooltip,
)
from angel_x.entrypoints.desk.views.legs import ChosenLeg
from angel_x.entrypoints.desk.views.words import decimal, price

SPOT_PERCENTS = (-5.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 5.0)
VOL_PERCENTS = (-30.0, -15.0, 0.0, 15.0, 30.0)
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioQuestion:
    """The part of the book, the orders that are not sent, and the time."""

    #: None for every underlying.
    underlying: str | None = None
    #: Calendar days from now.
    days: float = 0.0
    legs: tuple[ChosenLeg, ...] = ()


def underlyings(positions: Sequence[PositionRecord], legs: Sequence[ChosenLeg]) -> list[str]:
    """Return the underlyings of a book and of legs, by name."""
    symbols = {each.symbol for each in positions} | {each.symbol for each in legs}
    return sorted({underlying_of(symbol) for symbol in symbols})


class _State(NamedTuple):
    spot_percent: float
    vol_percent: float
    days: float
    #: Rupees.
    profit: float
    #: None where it is unknown.
    margin: Decimal | None


def heat_map(report: ScenarioReport) -> Chart:
    """Return the change of value by moves of spots and volatilities on the last of the days."""
    states = [
        _State(spot, vol, report.days[-1], profit, required)
        for spot, profits, margins in zip(
            report.spot_percents, report.profit[-1], report.margin[-1], strict=True
        )
        for vol, profit, required in zip(report.vol_percents, profits, margins, strict=True)
    ]
    low, high = (decimal(each([s.profit for s in states]), 0) for each in (min, max))
    return Chart(
        options=_heat(report, states) if report.payoffs else None,
        label=f"P&L of the book by moves of spot and volatility in {report.days[-1]:g} days: "
        f"from {low} to {high} rupees",
        columns=_State._fields,
        rows=states,
    )


def _heat(report: ScenarioReport, states: Sequence[_State]) -> Options:
    vols = [_move(each) for each in report.vol_percents]
    most = max(1.0, *(abs(state.profit) for state in states))
    return {
        "animation": False,
        "grid": {"left": 10, "right": 22, "top": 30, "bottom": 34, "containLabel": True},
        "tooltip": tooltip(formatter="@state"),
        "xAxis": names_axis(vols, name="volatility", nameLocation="middle", nameGap=28),
        "yAxis": names_axis([_move(each) for each in report.spot_percents], name="spot"),
        "visualMap": {
            "show": False,
            "dimension": 2,
            "min": -most,
            "max": most,
            "inRange": {"color": ["--heat-loss", "--surface", "--heat-gain"]},
        },
        "series": [
            {
                "type": "heatmap",
                "name": "P&L",
                "data": [_cell(place, len(vols), state) for place, state in enumerate(states)],
                "label": {"show": True, "formatter": "@cell", "color": "--text", "fontSize": 11},
            }
        ],
    }


def _cell(place: int, columns: int, state: _State) -> list[object]:
    """Return place, P&L and margin of a cell, and its moves in words."""
    words = f"Spot {_move(state.spot_percent)}, volatility {_move(state.vol_percent)}"
    margin = None if state.margin is None else float(state.margin)
    return [place % columns, place // columns, state.profit, margin, words]


def payoff(report: ScenarioReport) -> Chart:
    """Return the P&L since opening of the first underlying by its price: on each of the days and at expiry."""
    if not report.payoffs:
        return Chart(options=None, label="Payoff: no open options", columns=("spot",), rows=())
    curve = report.payoffs[0]
    spots = [float(spot) for spot in curve.spots]
    before = [
        line(_day(after), _points(spots, values), CURVE, showSymbol=False, **_dash(after))
        for after, values in zip(report.days, curve.before, strict=True)
    ]
    at_expiry = line("At expiry", _points(spots, curve.at_expiry), CALL, showSymbol=False)
    zeros = curve.exact.breakevens if curve.exact is not None else ()
    at_expiry.update(marked([(float(curve.spot), "spot"), *((float(each), "") for each in zeros)]))
    return Chart(
        options=framed(
            [at_expiry, *before], numbers_axis(), unit=f"{curve.underlying}, ₹", value="@change"
        ),
        label=f"P&L of {curve.underlying} by its price, to the expiry of {curve.expiry:%d %b %y}; "
        f"break-evens {', '.join(map(price, zeros)) or 'none'}",
        columns=("spot", "at_expiry", *(f"after_{after:g}_days" for after in report.days)),
        rows=list(zip(curve.spots, curve.at_expiry, *curve.before, strict=True)),
    )


def left_out(report: ScenarioReport) -> str:
    """Return the words on contracts that the scenarios leave out."""
    names = ", ".join(report.unpriced)
    return f"Without a price or a volatility, and left out: {names}" if names else ""


def _points(spots: Sequence[float], values: Sequence[float]) -> list[list[float]]:
    return [[spot, value] for spot, value in zip(spots, values, strict=True)]


def _day(days: float) -> str:
    return f"In {days:g} d" if days else "Now"


def _dash(days: float) -> dict[str, object]:
    return {"lineStyle": {"width": 2, "color": CURVE, "type": "dashed" if days else "solid"}}


def _move(percent: float) -> str:
    return f"{percent:+g} %".replace("-", _MINUS) if percent else "0 %"
