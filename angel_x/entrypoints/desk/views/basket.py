"""A basket in words and as a chart: its legs, its margin, its progress."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from angel_x.domain.records.margin_record import MarginEstimate
from angel_x.domain.workflows.basket import BasketRecord, BasketResult
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.desk.views.legs import ChosenLeg
from angel_x.entrypoints.desk.views.payoff import Payoff
from angel_x.entrypoints.desk.views.words import Tone, money, price, status_words, units

_LOSS, _GAIN = "#d1453b", "#1f9d63"
#: Readable in the dark and in the light theme.
_GRAY = "#8893a5"


def leg_text(leg: ChosenLeg) -> str:
    """Return side, contract, units and limit of a leg."""
    return f"{leg.side} {leg.symbol} · {units(abs(leg.units))} at {price(leg.price)}"


def payoff_chart(found: Payoff, spot: Decimal | None) -> dict[str, Any]:
    """Return the options of the chart of a payoff."""
    points = [[float(close), float(value)] for close, value in found.points]
    profits = [profit for _, profit in points]
    marks: list[dict[str, Any]] = [
        {"xAxis": float(each), "label": {"show": False}} for each in found.break_evens
    ]
    if spot is not None:
        marks.append({"xAxis": float(spot), "label": {"formatter": "spot"}})
    return {
        "animation": False,
        "grid": {"left": 12, "right": 24, "top": 28, "bottom": 8, "containLabel": True},
        "tooltip": {"trigger": "axis"},
        "xAxis": {
            "type": "value",
            "scale": True,
            "splitLine": {"show": False},
            "axisLabel": {"color": _GRAY},
        },
        "yAxis": {
            "type": "value",
            "axisLabel": {"color": _GRAY},
            "splitLine": {"lineStyle": {"color": _GRAY, "opacity": 0.25}},
        },
        # Bounded on both sides: a gradient from a piece without an end raises an error in ECharts.
        "visualMap": {
            "show": False,
            "dimension": 1,
            "pieces": [
                {"min": min([-1.0, *profits]), "max": 0, "color": _LOSS},
                {"min": 0, "max": max([1.0, *profits]), "color": _GAIN},
            ],
        },
        "series": [
            {
                "type": "line",
                "name": "At expiry, ₹",
                "data": points,
                "showSymbol": False,
                "lineStyle": {"width": 2},
                "areaStyle": {"opacity": 0.14},
                "markLine": {
                    "symbol": "none",
                    "silent": True,
                    "lineStyle": {"type": "dashed", "color": _GRAY},
                    "label": {"color": _GRAY},
                    "data": marks,
                },
            }
        ],
    }


def estimate_figures(estimate: MarginEstimate) -> list[tuple[str, str, str]]:
    """Return name, text and tone of each line of an estimate of the API."""
    lines = [
        ("Margin", money(estimate.initial_margin).text, ""),
        ("Charges", money(estimate.charges).text, ""),
        ("Free before", money(estimate.free_balance).text, ""),
        ("Free after", money(estimate.free_balance_after).text, ""),
    ]
    refused = [f"{o.symbol}: {o.reason}" for o in estimate.orders if o.reason is not None]
    if refused:
        return [*lines, ("Would be denied", "; ".join(refused), Tone.LOSS.value)]
    if not estimate.fits:
        return [*lines, ("Verdict", "would be denied", Tone.LOSS.value)]
    return [*lines, ("Verdict", "fits", Tone.GAIN.value)]


@dataclass(frozen=True, slots=True)
class Standing:
    """A headline with its tone, and a line for each order."""

    title: str
    tone: Tone
    lines: tuple[str, ...]


_RESULTS = {
    BasketResult.FILLED: ("filled", Tone.GAIN),
    BasketResult.REFUSED: ("refused, nothing has traded", Tone.LOSS),
    BasketResult.KEPT: ("refused in part, what has traded is kept", Tone.LOSS),
    BasketResult.FLATTENED: ("refused in part, and closed again", Tone.LOSS),
    BasketResult.STUCK: ("stuck: legs are open that could not be closed", Tone.LOSS),
}


def standing(record: BasketRecord) -> Standing:
    """Return the state that the server has reported, and no later one."""
    lines = [
        f"{order.side} {order.symbol}: {units(order.filled_quantity)} of {units(order.quantity)} "
        f"traded, {status_words(order.status)}"
        for order in (*record.orders, *record.exits)
    ]
    if record.status is WorkflowStatus.RUNNING or record.result is None:
        words, tone = "running", Tone.WARNING
    else:
        words, tone = _RESULTS[record.result]
    return Standing(f"Basket {words}", tone, (*record.refusals, *lines))
