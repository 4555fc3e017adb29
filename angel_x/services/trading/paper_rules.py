"""The rules and habits of the paper exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from angel_x.domain.exchange.charges import Tariff
from angel_x.domain.exchange.latency import Latency
from angel_x.domain.exchange.protection import Protection
from angel_x.domain.exchange.slippage import Slippage

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRules:
    """The rules and habits of the paper exchange."""

    charges: Tariff
    protection: Protection
    slippage: Slippage
    latency: Latency
    max_quote_age_seconds: float
