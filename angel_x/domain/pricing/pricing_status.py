"""The status of a published row: priced, or the reason why not."""

from __future__ import annotations

from enum import IntEnum
from math import isnan

from angel_x.domain.pricing.iv_status import STATUS_NAMES


class MarketStatus(IntEnum):
    """Faults of the market data of a row; the codes continue those of ``IvStatus``, below 128."""

    #: Neither a bid and an ask nor a last price.
    NO_QUOTE = 100
    #: No valid price of the underlying, so there is neither forward nor delta.
    NO_SPOT = 101
    #: The quote is too old, or its time comes from a wrong clock.
    STALE_QUOTE = 102
    #: The bid is above the ask.
    CROSSED_QUOTE = 103
    #: The only status besides ``ok`` with numbers: the quote has no time value, so volatility and
    #: Greeks are those of the twin (the put of a call and reverse), and the price follows by parity.
    FROM_TWIN = 104


#: The status of a row without published Greeks.
UNPUBLISHED = "unpublished"

_NAMES = dict(enumerate(STATUS_NAMES)) | {s.value: s.name.lower() for s in MarketStatus}


def status_name(code: float) -> str:
    """Return the name of a status code; NaN stands for an unpublished row."""
    return UNPUBLISHED if isnan(code) else _NAMES[int(code)]
