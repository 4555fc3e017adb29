"""Charts through a day of the market: an underlying, its straddle at the money, and a contract."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from angel_x.domain.chains.summary_record import ChainSummary, ExpirySummary
from angel_x.domain.contracts.contract import Right, format_symbol, symbol_prefix, underlying_of
from angel_x.domain.records.minute_series import ContractMinutes, UnderlyingMinutes
from angel_x.entrypoints.desk.views.chart import (
    CALL,
    CURVE,
    Chart,
    Options,
    framed,
    line,
    time_place,
    times_axis,
)
from angel_x.entrypoints.desk.views.words import clock, money, price

#: Strikes that are offered: those whose minutes are stored.
_STRIKES = 41
#: A line is not drawn over a longer time without a quote.
_GAP = timedelta(minutes=5)
#: Points up to this number are marked: two of them make no line to look at.
_FEW = 60

#: Time and price of a minute; None without a quote.
Point = tuple[datetime, Decimal | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteQuestion:
    """A day of an underlying; by default that of the market, with the nearest expiry."""

    underlying: str
    expiry: date | None = None
    day: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractQuestion:
    """A day of a contract."""

    symbol: str
    day: date | None = None


def straddle(found: UnderlyingMinutes) -> Chart:
    """Return the price of call and put at the strike nearest to the spot of each minute."""
    points = [(each.at, each.straddle) for each in found.minutes]
    return Chart(
        options=_timed("Straddle", points, CURVE),
        label=f"Straddle of {found.underlying} at the money through {found.day}, {_last(points)}",
        columns=("at", "spot", "expiry", "strike", "call", "put", "straddle"),
        rows=[
            (m.at.isoformat(), m.spot, m.expiry, m.strike, m.call, m.put, m.straddle)
            for m in found.minutes
        ],
    )


def underlying(found: UnderlyingMinutes) -> Chart:
    """Return the price of the underlying."""
    points = [(each.at, each.spot) for each in found.minutes]
    return Chart(
        options=_timed("Spot", points, CURVE),
        label=f"{found.underlying} through {found.day}, {_last(points)}",
        columns=("at", "spot"),
        rows=[(at.isoformat(), spot) for at, spot in points],
    )


def contract(found: ContractMinutes) -> Chart:
    """Return the price of a contract."""
    points = [(each.at, each.price) for each in found.minutes]
    return Chart(
        options=_timed(found.symbol, points, CALL),
        label=f"{found.symbol} through {found.day}, {_last(points)}",
        columns=("at", "price", "oi"),
        rows=[(m.at.isoformat(), m.price, m.oi) for m in found.minutes],
    )


def contracts(
    summary: ChainSummary, expiry: ExpirySummary, held: Iterable[str], kept: str | None
) -> tuple[dict[str, str], str | None]:
    """Return the symbols that are offered with their names, and the chosen one.

    Held contracts of the underlying come first, of any expiry.  ``kept``, the last choice, stays with its
    expiry, also where the money has left it; else the call at the money is chosen.
    """
    prefix = symbol_prefix(summary.underlying, expiry.expiry)
    named = {symbol: symbol for symbol in held if underlying_of(symbol) == summary.underlying}
    chosen = kept if kept in named or (kept or "").startswith(prefix) else None
    for strike in _near(summary, expiry):
        for right in Right:
            symbol = format_symbol(summary.underlying, expiry.expiry, strike, right)
            named.setdefault(symbol, f"{strike.normalize():f} {right}")
    if chosen is not None:
        named.setdefault(chosen, chosen)
    return named, chosen or _at_the_money(summary, expiry)


def _near(summary: ChainSummary, expiry: ExpirySummary) -> list[Decimal]:
    """Return the strikes that are nearest to the spot, in order."""
    strikes = [each.strike for each in expiry.strikes]
    spot = summary.spot
    if spot is None:
        return strikes
    return sorted(sorted(strikes, key=lambda strike: abs(strike - spot))[:_STRIKES])


def _at_the_money(summary: ChainSummary, expiry: ExpirySummary) -> str | None:
    strikes, spot = _near(summary, expiry), summary.spot
    if not strikes:
        return None
    strike = strikes[len(strikes) // 2]
    if spot is not None:
        strike = min(strikes, key=lambda each: abs(each - spot))
    return format_symbol(summary.underlying, expiry.expiry, strike, Right.CALL)


def newest(found: UnderlyingMinutes) -> str:
    """Return the newest minute in words, so that a series that has ended is seen as such."""
    if not found.minutes:
        return ""
    last = found.minutes[-1]
    return (
        f"Newest minute {clock(last.at)}: {found.underlying} {price(last.spot)}, straddle of "
        f"{price(last.strike)} {price(last.straddle)}"
    )


def _timed(name: str, points: Sequence[Point], colour: str) -> Options | None:
    if not any(value is not None for _, value in points):
        return None
    drawn = line(name, _with_gaps(points), colour, showSymbol=len(points) <= _FEW)
    return framed(
        [drawn], times_axis(), unit="₹", value="@rupees", axis="@price", y_axis={"scale": True}
    )


def _with_gaps(points: Sequence[Point]) -> list[list[float | None]]:
    """Return the points of a line, with an empty one wherever quotes are missing for long."""
    drawn: list[list[float | None]] = []
    before: datetime | None = None
    for at, value in points:
        if before is not None and at - before > _GAP:
            drawn.append([time_place(before + _GAP), None])
        drawn.append([time_place(at), None if value is None else float(value)])
        before = at
    return drawn


def _last(points: Sequence[Point]) -> str:
    known = [(at, value) for at, value in points if value is not None]
    if not known:
        return "no minute"
    at, value = known[-1]
    return f"{len(known)} minutes, the last {money(value).text} at {clock(at)}"
