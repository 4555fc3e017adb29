"""Which model turns a premium into a volatility."""

from __future__ import annotations

from enum import StrEnum


class PricingModel(StrEnum):
    """What a volatility and the Greeks are relative to.  All Greeks are those of the spot."""

    #: Black-76 on the forward that the market implies, which is why a call and a put agree.
    BLACK76 = "black76"
    #: Black-Scholes-Merton on the spot, which grows at the rate and pays nothing.
    BSM = "bsm"
    #: The convention of the exchange's website: Black-Scholes-Merton on the spot at a rate of its own,
    #: and time in whole calendar days of 365 a year.
    EXCHANGE = "exchange"
