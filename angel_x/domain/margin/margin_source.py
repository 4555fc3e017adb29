"""Where the margin of a contract comes from."""

from __future__ import annotations

from enum import StrEnum


class MarginSource(StrEnum):
    """What the margin of a contract was computed from."""

    #: The 16 scenarios of its risk array.
    RISK_ARRAY = "risk_array"
    #: A percentage of the underlying: its risk array is absent, without numbers or too old.
    PERCENTAGE = "percentage"
    #: Nothing: the underlying has no price.
    NONE = "none"
