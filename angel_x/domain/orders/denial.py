"""Reason codes of denials, cancellations and other status changes of orders."""

from __future__ import annotations

from enum import StrEnum


class DenialReason(StrEnum):
    """Reasons of our refusal of an accepted order; its status is *denied*."""

    UNKNOWN_CONTRACT = "UNKNOWN_CONTRACT"
    """The contract was unlisted between acceptance and decision."""

    CONTRACT_EXPIRED = "CONTRACT_EXPIRED"
    """The contract ceased to trade between acceptance and decision."""

    NO_QUOTE = "NO_QUOTE"
    """There is no price on the other side of the quote for an order at market."""

    STALE_QUOTE = "STALE_QUOTE"
    """The quote, or the spot that margin is computed from, is absent or stale."""

    NO_RISK_ARRAY = "NO_RISK_ARRAY"
    """A contract of the account in this underlying has no fresh risk array, so that the margin is unknown."""

    INSUFFICIENT_MARGIN = "INSUFFICIENT_MARGIN"
    """Margin, premium and charges together exceed the free balance of the account."""

    TRADING_HALTED = "TRADING_HALTED"
    """The kill switch of the system, the account or the underlying is on."""

    REDUCING_ONLY = "REDUCING_ONLY"
    """Only orders that reduce a position are allowed, by a control or because the newest list lacks the contract."""

    DAILY_LOSS = "DAILY_LOSS"
    """The loss of the account has reached its limit for the day; only closing orders pass."""

    QUANTITY_LIMIT = "QUANTITY_LIMIT"
    """The quantity exceeds the limit of the account or of the system."""

    NOTIONAL_LIMIT = "NOTIONAL_LIMIT"
    """Price times quantity exceeds the limit in rupees."""

    OPEN_ORDERS_LIMIT = "OPEN_ORDERS_LIMIT"
    """The account has reached its limit of open orders."""

    PRICE_BAND = "PRICE_BAND"
    """The limit price is outside of the price band of the exchange."""

    TRIGGER_PASSED = "TRIGGER_PASSED"
    """The last price has reached the trigger of the stop already, and its account must not trade it at once."""

    FAT_FINGER = "FAT_FINGER"
    """The limit price is worse than the last price by more than the limit allows."""

    DUPLICATE_ORDER = "DUPLICATE_ORDER"
    """An order of the same content was accepted within the duplicate window before this one."""

    MARKET_CLOSED = "MARKET_CLOSED"
    """No session is open, and the order is immediate-or-cancel or must not wait as long as the next one."""

    BASKET_REFUSED = "BASKET_REFUSED"
    """Another leg of its basket was refused, or the margin is insufficient for the basket."""

    LIVE_NOT_ALLOWED = "LIVE_NOT_ALLOWED"
    """Orders trade at the exchange, and the account is not in the list of those that may."""

    LIVE_UNCONFIRMED = "LIVE_UNCONFIRMED"
    """Orders trade at the exchange, and live trading is not confirmed for today."""

    LIVE_UNRECONCILED = "LIVE_UNRECONCILED"
    """The system was not stopped in order, and its books were not found equal to the broker's since."""

    VENUE_REFUSED = "VENUE_REFUSED"
    """The venue refused the order for a reason of its own."""

    PROCESSING_FAILED = "PROCESSING_FAILED"
    """The decision of the order failed, or did not succeed within the allowed attempts."""


class CancelReason(StrEnum):
    """Reasons of the end of an order that has not traded in full."""

    REQUESTED = "REQUESTED"
    """The account canceled it."""

    NOT_MARKETABLE = "NOT_MARKETABLE"
    """It was immediate-or-cancel and found no counterpart."""

    NOT_FILLED_AT_ONCE = "NOT_FILLED_AT_ONCE"
    """It was immediate-or-cancel and only a part of it found a counterpart."""

    VALIDITY_ENDED = "VALIDITY_ENDED"
    """Its session closed, or its contract ceased to trade."""

    KILL_SWITCH = "KILL_SWITCH"
    """Trading was halted, or reduced to closing, while it rested."""

    SQUARED_OFF = "SQUARED_OFF"
    """A square-off canceled it."""

    INTRADAY_CUTOFF = "INTRADAY_CUTOFF"
    """It was an MIS order at the intraday cut-off."""

    BASKET_REFUSED = "BASKET_REFUSED"
    """Another leg of its basket was refused."""

    CANCELED_BY_VENUE = "CANCELED_BY_VENUE"
    """The venue took it off, unasked."""


class MoveReason(StrEnum):
    """Reasons of other events of an open order."""

    TRIGGERED = "TRIGGERED"
    """The last price reached the trigger of a stop order."""

    LEASE_EXPIRED = "LEASE_EXPIRED"
    """The venue's answer was not recorded within the lease, so it is placed again as the next attempt."""

    AWAITS_OPENING = "AWAITS_OPENING"
    """No session is open; the order is decided when the next one opens."""

    AMENDED = "AMENDED"
    """The account changed price, trigger or quantity."""

    REPLAYED = "REPLAYED"
    """An operator replayed a parked order."""
