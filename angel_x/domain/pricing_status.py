"""Why a published row has Greeks, or has none."""

from __future__ import annotations

from enum import IntEnum
from math import isnan

from angel_x.domain.pricing.iv_status import STATUS_NAMES


class MarketStatus(IntEnum):
    """What can be missing before a volatility is even looked for; continues the codes of ``IvStatus``."""

    #: Neither a bid and an ask nor a last price.
    NO_QUOTE = 100
    #: No price of the underlying, without which no forward can be told.
    NO_SPOT = 101


#: What a row is called for which nothing is published, or no longer.
UNPUBLISHED = "unpublished"

_NAMES = dict(enumerate(STATUS_NAMES)) | {s.value: s.name.lower() for s in MarketStatus}


def status_name(code: float) -> str:
    """Return the name of a published status, whose absence reads as NaN."""
    return UNPUBLISHED if isnan(code) else _NAMES[int(code)]
