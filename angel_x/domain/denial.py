"""Why an order was refused or taken off the market: the codes that orders and events carry."""

from __future__ import annotations

from enum import StrEnum


class DenialReason(StrEnum):
    """Why we refuse to trade an order that was accepted; its status is *denied*."""

    UNKNOWN_CONTRACT = "UNKNOWN_CONTRACT"
    """The contract was unlisted between acceptance and decision."""

    CONTRACT_EXPIRED = "CONTRACT_EXPIRED"
    """The contract ceased to trade between acceptance and decision."""

    NO_QUOTE = "NO_QUOTE"
    """An order at market found no price on the side it needs."""

    STALE_QUOTE = "STALE_QUOTE"
    """The quote, or the spot that margin is computed from, is absent or older than its time to live."""

    INSUFFICIENT_MARGIN = "INSUFFICIENT_MARGIN"
    """Margin, premium and charges together are more than the account has free."""

    PROCESSING_FAILED = "PROCESSING_FAILED"
    """The order alone made the execution fail, or nobody decided it in the allowed attempts."""


class CancelReason(StrEnum):
    """Why an order left the market untraded."""

    REQUESTED = "REQUESTED"
    """Its owner asked for it."""

    NOT_MARKETABLE = "NOT_MARKETABLE"
    """It was immediate-or-cancel and found no counterpart."""

    VALIDITY_ENDED = "VALIDITY_ENDED"
    """Its session closed, or its contract ceased to trade."""
