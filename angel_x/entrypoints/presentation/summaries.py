"""Summaries of the chains of an underlying: a row for each expiry, and the smile as text."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from angel_x.domain.chains.summary_record import ChainSummary, ExpirySummary, SmilePoint
from angel_x.domain.contracts.contract import Right
from angel_x.entrypoints.presentation.chains import aged, in_lakh, vol_points
from angel_x.entrypoints.presentation.indian import decimals, price, rupees
from angel_x.entrypoints.presentation.printing import table

_CRORE = 1e7
_WIDTH, _HEIGHT = 70, 12
_MARKS = {Right.PUT: "o", Right.CALL: "x"}
_COLUMNS = (
    "expiry", ">forward", "from", ">ATM", ">RR 25", ">BF 25", ">PCR OI", ">PCR vol", ">max pain",
    ">GEX ₹ cr", ">OI lakh", ">priced", ">age s",
)  # fmt: skip


def summary_table(summary: ChainSummary) -> Table:
    """Return a row for each expiry."""
    spot = "spot" if summary.spot is None else f"spot {rupees(summary.spot)}"
    title = f"{summary.underlying}  {aged(spot, summary.spot_age_seconds)}  lot {summary.lot_size}"
    made = table(title, _COLUMNS, map(_row, summary.expiries), is_tight=True)
    notes = [_reasons(expiry) for expiry in summary.expiries if expiry.reasons]
    if summary.provisional_expiries:
        days = ", ".join(f"{day:%d %b %Y}" for day in summary.provisional_expiries)
        notes.append(f"provisional, a holiday may still move them: {days}")
    made.caption = "\n".join(notes)
    return made


def smile_drawing(expiry: ExpirySummary, strikes: int) -> str:
    """Return a plot of the volatilities of the strikes around the forward, without interpolation."""
    below = [point for point in expiry.smile if point.right is Right.PUT][-strikes:]
    above = [point for point in expiry.smile if point.right is Right.CALL][:strikes]
    points = below + above
    if not points:
        return f"smile of {expiry.expiry:%d %b %Y}: no volatility"
    levels = [point.implied_vol for point in points]
    low, high = min(levels), max(levels)
    grid = _drawn(points, low, high)
    labels = {0: high, _HEIGHT - 1: low}
    body = [
        f"{vol_points(labels.get(number)) if number in labels else '':>7} |{''.join(line)}"
        for number, line in enumerate(grid)
    ]
    first, last = (f"{points[i].strike:f}".removesuffix(".00") for i in (0, -1))
    feet = f"{'':>9}{first}{last:>{_WIDTH - len(first)}}"
    title = f"smile of {expiry.expiry:%d %b %Y} in vol points by strike: o puts, x calls, : forward"
    return "\n".join([title, *body, feet])


def _drawn(points: Sequence[SmilePoint], low: float, high: float) -> list[list[str]]:
    grid = [[" "] * _WIDTH for _ in range(_HEIGHT)]
    left, right = points[0].log_moneyness, points[-1].log_moneyness
    if left < 0.0 < right:
        for line in grid:
            line[_place(0.0, left, right, _WIDTH)] = ":"
    for point in points:
        row = _place(-point.implied_vol, -high, -low, _HEIGHT)
        grid[row][_place(point.log_moneyness, left, right, _WIDTH)] = _MARKS[point.right]
    return grid


def _place(value: float, low: float, high: float, cells: int) -> int:
    return round((value - low) / (high - low) * (cells - 1)) if high > low else 0


def _row(expiry: ExpirySummary) -> tuple[str, ...]:
    gamma = expiry.gamma_exposure
    return (
        f"{expiry.expiry:%d %b %Y}",
        price(expiry.forward),
        expiry.forward_source or "-",
        vol_points(expiry.atm_vol, 2),
        vol_points(expiry.risk_reversal_25, 2),
        vol_points(expiry.butterfly_25, 2),
        decimals(expiry.oi_put_call_ratio, 2),
        decimals(expiry.volume_put_call_ratio, 2),
        price(expiry.max_pain).removesuffix(".00"),
        decimals(None if gamma is None else gamma / _CRORE, 2),
        in_lakh(expiry.total_oi),
        f"{expiry.priced}/{expiry.contracts}",
        decimals(expiry.age_seconds, 1),
    )


def _reasons(expiry: ExpirySummary) -> str:
    missing = ", ".join(f"{name} ({reason})" for name, reason in expiry.reasons.items())
    return f"{expiry.expiry:%d %b %Y} has no {missing}"
