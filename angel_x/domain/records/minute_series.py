"""The quotes of a day, minute by minute; money in rupees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractMinute:
    """A contract at the beginning of a minute."""

    at: datetime
    #: The middle of bid and ask, rounded to the paisa, else the last price.
    price: Decimal
    #: Open interest in units.
    oi: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractMinutes:
    """The minutes of one contract on a day of the market; minutes without a quote are left out."""

    symbol: str
    day: date
    minutes: tuple[ContractMinute, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StraddleMinute:
    """An underlying and its straddle at the money at the beginning of a minute; None where not quoted."""

    at: datetime
    spot: Decimal | None
    expiry: date
    #: The listed strike that is nearest to the spot, the lower of two.
    strike: Decimal | None
    call: Decimal | None
    put: Decimal | None
    #: Call and put together.
    straddle: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderlyingMinutes:
    """The minutes of one underlying on a day of the market."""

    underlying: str
    day: date
    minutes: tuple[StraddleMinute, ...]
