"""Numbers, times and ages as the desk writes them: Indian grouping, IST, and a sign with every colour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from angel_x.domain.calendar.session import IST
from angel_x.entrypoints.presentation.indian import grouped, rupees

#: Where there is no number.
NONE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_MINUTE = 60
_HOUR = 3600


class Tone(StrEnum):
    """The colour of a text; its sign or its words say the same."""

    PLAIN = ""
    GAIN = "ax-gain"
    LOSS = "ax-loss"
    WARNING = "ax-warning"
    MUTED = "ax-muted"


@dataclass(frozen=True, slots=True)
class Text:
    """A text with its tone, and a longer one for those who ask."""

    text: str
    tone: Tone = Tone.PLAIN
    title: str = ""


def money(amount: Decimal | None) -> Text:
    """Write rupees, a missing amount as a dash."""
    return Text(NONE, Tone.MUTED) if amount is None else Text(_with_minus(rupees(amount)))


def change(amount: Decimal | None) -> Text:
    """Write a profit or a loss with its sign and an arrow."""
    if amount is None:
        return Text(NONE, Tone.MUTED)
    if not amount:
        return Text(rupees(amount), Tone.MUTED)
    tone, sign = (Tone.GAIN, "▲ +") if amount > 0 else (Tone.LOSS, f"▼ {_MINUS}")
    return Text(f"{sign}{rupees(abs(amount))}", tone)


def price(amount: Decimal | None) -> str:
    """Write a price without the sign of the currency."""
    return NONE if amount is None else _with_minus(rupees(amount).replace("₹", ""))


def units(number: int | None) -> str:
    return NONE if number is None else _with_minus(grouped(number))


def signed_units(number: int) -> Text:
    """Write a position: a short one has a minus and is named."""
    if number < 0:
        return Text(units(number), Tone.LOSS, "short")
    return Text(f"+{units(number)}", Tone.PLAIN, "long")


def decimal(number: float | None, places: int) -> str:
    """Write a number in Indian grouping with this many places."""
    if number is None:
        return NONE
    whole, point, rest = f"{abs(number):.{places}f}".partition(".")
    is_negative = number < 0 and float(f"{whole}.{rest or 0}") > 0
    return f"{_MINUS if is_negative else ''}{grouped(int(whole))}{point}{rest}"


def percent(fraction: float | None, places: int = 1) -> str:
    return NONE if fraction is None else _with_minus(f"{100 * fraction:.{places}f}")


def clock(moment: datetime | None) -> str:
    """Write the time of day in India."""
    return NONE if moment is None else f"{moment.astimezone(IST):%H:%M:%S}"


def stamp(moment: datetime | None) -> str:
    """Write day and time in India."""
    return NONE if moment is None else f"{moment.astimezone(IST):%d %b %H:%M:%S}"


def age(seconds: float | None) -> str:
    """Write an age: ``0.4 s``, ``12 s``, ``3 min``, ``2 h``."""
    if seconds is None:
        return "never"
    if seconds < 1:
        return f"{seconds:.1f} s"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.0f} h"


def status_words(status: str) -> str:
    return status.replace("_", " ")


def _with_minus(text: str) -> str:
    return text.replace("-", _MINUS, 1)
