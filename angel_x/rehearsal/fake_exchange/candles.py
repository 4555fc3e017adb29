"""Candles of the prices since the exchange began."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from angel_x.domain.calendar.session import IST
from angel_x.rehearsal.fake_exchange.sessions import Refusal

#: Minutes of a candle, and the most days of one request.  Source: SmartAPI, historical data, 2026.
_INTERVALS = {
    "ONE_MINUTE": (1, 30),
    "THREE_MINUTE": (3, 60),
    "FIVE_MINUTE": (5, 100),
    "TEN_MINUTE": (10, 100),
    "FIFTEEN_MINUTE": (15, 200),
    "THIRTY_MINUTE": (30, 200),
    "ONE_HOUR": (60, 400),
    "ONE_DAY": (1440, 2000),
}
_MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Candle:
    """The prices of an interval, in rupees, and the units that traded in it."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int = 0

    def add(self, other: Candle) -> None:
        """Let a later candle, or one price, go on with this one."""
        self.high, self.low = max(self.high, other.high), min(self.low, other.low)
        self.close = other.close
        self.volume += other.volume


class Candles:
    """The minutes of every token."""

    def __init__(self) -> None:
        self._minutes: dict[str, dict[datetime, Candle]] = {}

    def note(self, token: str, at: datetime, price: Decimal, units: int) -> None:
        """Add a price, with the units that traded at it."""
        start = at.astimezone(IST).replace(second=0, microsecond=0)
        _add(self._minutes.setdefault(token, {}), start, Candle(price, price, price, price, units))

    def rows(self, token: str, interval: str, first: str, last: str) -> list[list[object]]:
        """Return the candles of an interval between two times of India, both in it.

        Raises:
            Refusal: The interval or a time is no such thing, or there are too many days.
        """
        minutes, most_days = _INTERVALS.get(interval, (0, 0))
        begin, end = _time(first), _time(last)
        if not minutes or end - begin > timedelta(days=most_days):
            raise Refusal("AB2000", "Invalid interval or range")
        found: dict[datetime, Candle] = {}
        for start, candle in self._between(token, begin, end):
            midnight = start.replace(hour=0, minute=0)
            whole = (start - midnight) // (minutes * _MINUTE)
            copy = Candle(candle.open, candle.high, candle.low, candle.close, candle.volume)
            _add(found, midnight + whole * minutes * _MINUTE, copy)
        return [_row(start, candle) for start, candle in found.items()]

    def _between(
        self, token: str, begin: datetime, end: datetime
    ) -> Iterator[tuple[datetime, Candle]]:
        for start, candle in self._minutes.get(token, {}).items():
            if begin <= start <= end:
                yield start, candle


def _add(candles: dict[datetime, Candle], start: datetime, candle: Candle) -> None:
    if start in candles:
        candles[start].add(candle)
    else:
        candles[start] = candle


def _time(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=IST)
    except ValueError:
        raise Refusal("AB2000", "Invalid date") from None


def _row(start: datetime, candle: Candle) -> list[object]:
    prices = (candle.open, candle.high, candle.low, candle.close)
    return [start.isoformat(), *map(float, prices), candle.volume]
