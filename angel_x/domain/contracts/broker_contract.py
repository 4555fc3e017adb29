"""A contract under the names of the trading broker."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple


class BrokerContract(NamedTuple):
    """An option or a future, as the broker's scrip master names it."""

    #: Ours.
    symbol: str
    underlying: str
    expiry: date
    #: The broker's exchange segment, ``NFO`` or ``BFO``.
    exchange: str
    #: The broker's.
    trading_symbol: str
    #: A number, unique within its segment.
    token: str
