"""The source of the margin of a contract."""

from __future__ import annotations

from enum import StrEnum


class MarginSource(StrEnum):
    """The market data from which a margin was computed."""

    #: The 16 scenarios of its risk array.
    RISK_ARRAY = "risk_array"
    #: A percentage of the underlying, because the risk array is absent, without numbers or stale.
    PERCENTAGE = "percentage"
    #: None: the underlying has no price.
    NONE = "none"
