"""A basket in words and as a chart: its legs, its margin, its progress."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from angel_x.domain.records.margin_record import MarginEstimate
from angel_x.domain.workflows.basket import BasketRecord, BasketResult
from angel_x.domain.workflows.workflow import WorkflowStatus
from angel_x.entrypoints.desk.views.chart import (
    GAIN,
    LOSS,
    Chart,
    Mark,
    framed,
    marked,
    numbers_axis,
)
from angel_x.entrypoints.desk.views.legs import ChosenLeg
from angel_x.entrypoints.desk.views.payoff import Payoff
from angel_x.entrypoints.desk.views.words import Tone, money, price, status_words, units


def leg_text(leg: ChosenLeg) -> str:
    """Return side, contract, units and limit of a leg."""
    return f"{leg.side} {leg.symbol} · {units(abs(leg.units))} at {price(leg.price)}"


def payoff_chart(found: Payoff, spot: Decimal | None) -> Chart:
    """Return the chart of a payoff: red below zero, green above."""
    profits = [float(profit) for _, profit in found.points]
    marks: list[Mark] = [(float(each), "") for each in found.break_evens]
    if spot is not None:
        marks.append((float(spot), "spot"))
    drawn = {
        "type": "line",
        "name": "At expiry",
        "data": [[float(close), float(profit)] for close, profit in found.points],
        "showSymbol": False,
        "lineStyle": {"width": 2},
        "areaStyle": {"opacity": 0.14},
        **marked(marks),
    }
    # Bounded on both sides: a gradient from a piece without an end raises an error in ECharts.
    pieces = [
        {"min": min([-1.0, *profits]), "max": 0, "color": LOSS},
        {"min": 0, "max": max([1.0, *profits]), "color": GAIN},
    ]
    return Chart(
        options=framed(
            [drawn],
            numbers_axis(),
            unit="₹ at expiry",
            value="@change",
            visualMap={"show": False, "dimension": 1, "pieces": pieces},
        ),
        label="Profit at expiry by the closing value of the underlying",
        columns=("close", "profit"),
        rows=found.points,
    )


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
