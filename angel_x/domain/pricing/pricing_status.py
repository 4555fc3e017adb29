"""Why a published row has Greeks, or has none."""

from __future__ import annotations

from enum import IntEnum
from math import isnan

from angel_x.domain.pricing.iv_status import STATUS_NAMES


class MarketStatus(IntEnum):
    """What the market leaves out or gets wrong; continues the codes of ``IvStatus``, below 128."""

    #: Neither a bid and an ask nor a last price.
    NO_QUOTE = 100
    #: No price of the underlying that is believed, without which there is neither forward nor delta.
    NO_SPOT = 101
    #: The quote is too old, or from a clock that is wrong.
    STALE_QUOTE = 102
    #: More is bid than asked.
    CROSSED_QUOTE = 103
    #: The one status besides ``ok`` with numbers: the quote holds no time value, so volatility and
    #: Greeks are those of the same strike's other side, and the price is what parity makes of it.
    FROM_TWIN = 104


#: What a row is called for which nothing is published, or no longer.
UNPUBLISHED = "unpublished"

_NAMES = dict(enumerate(STATUS_NAMES)) | {s.value: s.name.lower() for s in MarketStatus}


def status_name(code: float) -> str:
    """Return the name of a published status, whose absence reads as NaN."""
    return UNPUBLISHED if isnan(code) else _NAMES[int(code)]
