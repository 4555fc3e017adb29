"""The source of the margin of a contract."""

from __future__ import annotations

from enum import StrEnum


class MarginSource(StrEnum):
    """The market data from which a margin was computed."""

    #: The 16 scenarios of its risk array.
    RISK_ARRAY = "risk_array"
    #: Likewise, those of a risk parameter file of the clearing corporation.
    RISK_FILE = "risk_file"
    #: The payoff at the last price of the underlying: the contract has expired and awaits its settlement.
    PAYOFF = "payoff"
    #: None: the risk array or the price of the underlying is absent, without numbers or stale.
    NONE = "none"
