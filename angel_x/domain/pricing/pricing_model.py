"""The pricing models."""

from __future__ import annotations

from enum import StrEnum


class PricingModel(StrEnum):
    """The model of volatilities and Greeks.  Greeks are with respect to the spot in all models."""

    #: Black-76 on the implied forward, so that a call and a put of one strike have one volatility.
    BLACK76 = "black76"
    #: Black-Scholes-Merton on the spot, with growth at the rate and no dividends.
    BSM = "bsm"
    #: The convention of the exchange's website: Black-Scholes-Merton on the spot, with a rate of its
    #: own and time in whole calendar days, 365 a year.
    EXCHANGE = "exchange"
