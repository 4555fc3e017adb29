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

    TRADING_HALTED = "TRADING_HALTED"
    """The kill switch of the system, the account or the underlying is on."""

    REDUCING_ONLY = "REDUCING_ONLY"
    """Only orders that make a position smaller are let through, and this one would not."""

    DAILY_LOSS = "DAILY_LOSS"
    """The account has lost its limit for the day; only orders that reduce a position pass."""

    QUANTITY_LIMIT = "QUANTITY_LIMIT"
    """The order is for more units than the account, or the whole system, may ask for at once."""

    NOTIONAL_LIMIT = "NOTIONAL_LIMIT"
    """Price times quantity is more rupees than one order may be worth."""

    OPEN_ORDERS_LIMIT = "OPEN_ORDERS_LIMIT"
    """The account has as many orders in the market as it may have."""

    PRICE_BAND = "PRICE_BAND"
    """The limit price lies outside the band in which the exchange accepts limit orders."""

    FAT_FINGER = "FAT_FINGER"
    """The limit price is further from the last price, on the costly side, than the limit allows."""

    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    """An order of the same content was accepted within the duplicate window before this one."""

    BASKET_REFUSED = "BASKET_REFUSED"
    """Another leg of its basket was refused, or the basket as a whole does not fit the margin."""

    PROCESSING_FAILED = "PROCESSING_FAILED"
    """The order alone made the execution fail, or nobody decided it in the allowed attempts."""


class CancelReason(StrEnum):
    """Why an order left the market untraded."""

    REQUESTED = "REQUESTED"
    """Its owner asked for it."""

    NOT_MARKETABLE = "NOT_MARKETABLE"
    """It was immediate-or-cancel and found no counterpart."""

    NOT_FILLED_AT_ONCE = "NOT_FILLED_AT_ONCE"
    """It was immediate-or-cancel and only a part of it found a counterpart."""

    VALIDITY_ENDED = "VALIDITY_ENDED"
    """Its session closed, or its contract ceased to trade."""

    KILL_SWITCH = "KILL_SWITCH"
    """Trading was halted, or reduced to closing, while it rested."""

    SQUARED_OFF = "SQUARED_OFF"
    """It stood in the way of a square-off."""

    INTRADAY_CUTOFF = "INTRADAY_CUTOFF"
    """It was an intraday order at the time at which intraday positions are closed."""

    BASKET_REFUSED = "BASKET_REFUSED"
    """Another leg of its basket was refused."""


class MoveReason(StrEnum):
    """Why an open order moved on without being closed."""

    TRIGGERED = "TRIGGERED"
    """The last price reached the trigger of a stop order."""

    LEASE_EXPIRED = "LEASE_EXPIRED"
    """Nobody heard of it in time, so it is placed again under the next attempt."""

    AMENDED = "AMENDED"
    """Its owner changed price, trigger or quantity."""

    REPLAYED = "REPLAYED"
    """An operator sent a parked order again."""
