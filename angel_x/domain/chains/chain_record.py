"""Quotes and Greeks of contracts and chains, as the API sends them.

The API writes these records and the client library reads them, so nothing here needs numpy.  Prices
are rupees to the paisa; missing numbers are None, and ``status`` is the reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from angel_x.domain.contracts.contract import Right
from angel_x.domain.pricing.greek import UnitGreeks


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractQuote:
    """The terms of one contract, its quote and its implied volatility."""

    symbol: str
    #: Zero for a future.
    strike: Decimal
    #: None for a future.
    right: Right | None
    expiry: date
    bid: Decimal | None
    ask: Decimal | None
    last: Decimal | None
    oi: int | None
    volume: int | None
    #: A fraction: 0.15 is 15 vol points.
    implied_vol: float | None


# The last base has the first fields.
@dataclass(frozen=True, slots=True, kw_only=True)
class ContractGreeks(UnitGreeks, ContractQuote):
    """The quote and the Greeks of one contract."""

    #: The model price at the implied volatility.
    price: Decimal | None
    forward: Decimal | None
    #: ``parity``, ``futures`` or ``spot_carry``.
    forward_source: str | None
    #: Seconds since the request of the Greeks, and since the receipt of the quote.
    age_seconds: float | None
    quote_age_seconds: float | None
    #: ``ok``; ``from_twin`` where volatility and Greeks are those of the other right of the strike;
    #: else the reason why there are none.
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedContract(UnitGreeks, ContractQuote):
    """The quote and the Greeks of one contract, with times in place of ages."""

    #: The model price at the implied volatility.
    price: Decimal | None
    forward: Decimal | None
    forward_source: str | None
    #: The request of the Greeks, and the receipt of the quote; None where there is none.
    greeks_as_of: datetime | None
    quoted_at: datetime | None
    #: As in :class:`ContractGreeks`.
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedSpot:
    """The last price of an underlying."""

    underlying: str
    price: Decimal | None
    quoted_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteUpdate:
    """The watched contracts, and their underlyings, that have moved since the update before.

    The first update of a connection has all of them.  One comes every second at least, without
    contracts where none has moved.
    """

    #: The time at which quotes and Greeks were read.
    read_at: datetime
    contracts: tuple[WatchedContract, ...]
    spots: tuple[WatchedSpot, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionChain:
    """One underlying and expiry, by strike, the call before the put."""

    underlying: str
    spot: Decimal | None
    #: Seconds since the price of the underlying was received.
    spot_age_seconds: float | None
    forward: Decimal | None
    #: ``parity``, ``futures`` or ``spot_carry``.
    forward_source: str | None
    #: Volatility at the forward, a fraction; the reason of a null is in the summary of the chain.
    atm_vol: float | None
    expiry: date
    lot_size: int
    #: Every listed expiry of the underlying.
    expiries: tuple[date, ...]
    #: Seconds since the request of the oldest Greeks of the chain.
    age_seconds: float | None
    rows: tuple[ContractGreeks, ...]
    #: Expiries beyond the last published list of holidays: a holiday may still move them.
    provisional_expiries: tuple[date, ...] = ()
