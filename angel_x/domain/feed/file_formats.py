"""The formats of files of contracts, by their names."""

from __future__ import annotations

from angel_x.domain.contracts.broker_lists import DHAN, KITE, UPSTOX
from angel_x.domain.contracts.scrip_master import ANGEL_ONE
from angel_x.domain.feed.day_rows import DAY_FORMATS, SITE_NAME

#: Every format that is read.
NAMES = (
    "recorded chain (CSV: timestamp, symbol, expiry, strike, option_type, spot, ltp, volume, oi)",
    SITE_NAME,
    *(each.name for each in (*DAY_FORMATS, ANGEL_ONE, KITE, DHAN, UPSTOX)),
)
#: The end of an error about a file of another format.
KNOWN = f"must be one of these formats: {'; '.join(NAMES)}"
