"""Charts of an account through time: equity, P&L and margin of its snapshots, and realised P&L by day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from angel_x.domain.calendar.session import IST
from angel_x.domain.portfolios.pnl import PnlReport
from angel_x.domain.portfolios.portfolio import Portfolio
from angel_x.domain.records.equity import EquityPoint
from angel_x.entrypoints.desk.views.chart import (
    CALL,
    CURVE,
    GAIN,
    LOSS,
    PUT,
    Chart,
    Options,
    bars,
    framed,
    line,
    names_axis,
    time_place,
    times_axis,
)
from angel_x.entrypoints.desk.views.words import change, money, stamp

#: Days before the newest snapshot, by the words of the choice.
PERIODS = {0: "Day", 6: "Week", 40: "All"}
_VALUE = "@rupees"


def through_time(
    points: Sequence[EquityPoint], now: Portfolio | None, days: int
) -> tuple[EquityPoint, ...]:
    """Return the snapshots of the last days and the portfolio of now, the oldest first."""
    known = sorted((*points, *(() if now is None else (_point(now),))), key=lambda each: each.at)
    if not known:
        return ()
    first = known[-1].at.astimezone(IST).date() - timedelta(days)
    return tuple(each for each in known if each.at.astimezone(IST).date() >= first)


def _point(now: Portfolio) -> EquityPoint:
    return EquityPoint(
        at=now.updated_at,
        equity=now.equity,
        realised_pnl=now.realised_pnl,
        unrealised_pnl=now.unrealised_pnl,
        margin_used=now.margin_used,
    )


def equity(points: Sequence[EquityPoint]) -> Chart:
    """Return cash, collateral and positions at their marks through time."""
    drawn = line("Equity", [[time_place(p.at), float(p.equity)] for p in points], CURVE)
    last = f"{money(points[-1].equity).text} at {stamp(points[-1].at)}" if points else "none"
    return Chart(
        options=_timed([drawn], scaled=True) if len(points) > 1 else None,
        label=f"Equity through time, the last {last}",
        columns=("at", "equity"),
        rows=[(p.at.isoformat(), p.equity) for p in points],
    )


def profit(points: Sequence[EquityPoint]) -> Chart:
    """Return realised and open P&L through time, before charges, and their sum."""
    values = (
        ("Total", CURVE, [p.realised_pnl + p.unrealised_pnl for p in points]),
        ("Open", CALL, [p.unrealised_pnl for p in points]),
        ("Realised", PUT, [p.realised_pnl for p in points]),
    )
    drawn = [
        line(
            name,
            [[time_place(p.at), float(v)] for p, v in zip(points, column, strict=True)],
            colour,
        )
        for name, colour, column in values
    ]
    last = change(values[0][2][-1]).text if points else "none"
    return Chart(
        options=_timed(drawn, value="@change") if len(points) > 1 else None,
        label=f"P&L through time, open and realised since the account was opened, the last {last}",
        columns=("at", "total", "open", "realised"),
        rows=[
            (p.at.isoformat(), *row)
            for p, row in zip(points, zip(*(v for _, _, v in values), strict=True), strict=True)
        ],
    )


def margin(points: Sequence[EquityPoint]) -> Chart:
    """Return the margin in use through time."""
    drawn = line("Margin used", [[time_place(p.at), float(p.margin_used)] for p in points], CURVE)
    last = money(points[-1].margin_used).text if points else "none"
    return Chart(
        options=_timed([{**drawn, "step": "end", "areaStyle": {"opacity": 0.12}}])
        if len(points) > 1
        else None,
        label=f"Margin used through time, the last {last}",
        columns=("at", "margin_used"),
        rows=[(p.at.isoformat(), p.margin_used) for p in points],
    )


def by_day(report: PnlReport) -> Chart:
    """Return the realised P&L of each day of the market at average cost, after charges."""
    values = [
        {
            "value": float(row.net_average_cost),
            "itemStyle": {"color": GAIN if row.net_average_cost >= 0 else LOSS},
        }
        for row in report.rows
    ]
    return Chart(
        options=framed(
            [bars("Net", values, CURVE)],
            names_axis([row.key for row in report.rows]),
            unit="₹",
            value="@change",
        )
        if report.rows
        else None,
        label=f"Realised P&L by day after charges, {change(report.total.net_average_cost).text} in all",
        columns=("day", "realised", "charges", "net"),
        rows=[
            (row.key, row.realised_average_cost, row.charges, row.net_average_cost)
            for row in report.rows
        ],
    )


def _timed(series: Sequence[Options], *, value: str = _VALUE, scaled: bool = False) -> Options:
    return framed(series, times_axis(), unit="₹", value=value, y_axis={"scale": scaled})
