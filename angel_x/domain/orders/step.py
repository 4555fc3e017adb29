"""The named steps of the order protocol: the points between which a process may die without harm."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """The last completed action.  Each member is passed in the code and has a test that dies there."""

    ACCEPTANCE_BEGUN = "acceptance.begun"
    """The API has checked the orders and stored none of them."""

    ACCEPTANCE_STORED = "acceptance.stored"
    """The orders are inserted and not committed."""

    ACCEPTANCE_COMMITTED = "acceptance.committed"
    """The orders are durable; no doorbell is sent and no answer is given."""

    ACCEPTANCE_RUNG = "acceptance.rung"
    """The doorbells are handed over; no answer is given."""

    MESSAGE_TAKEN = "message.taken"
    """A worker has taken a message off its list and written no copy of it."""

    BATCH_RECEIVED = "batch.received"
    """A worker has read a doorbell and claimed nothing."""

    BATCH_CLAIMED = "batch.claimed"
    """The accounts are locked and the orders read."""

    BATCH_DECIDED = "batch.decided"
    """Every order is decided, in memory."""

    BATCH_RECORDED = "batch.recorded"
    """The outcome is written and not committed."""

    BATCH_COMMITTED = "batch.committed"
    """The outcome, or the submission to a slow venue, is durable; nothing is published."""

    BATCH_TOLD = "batch.told"
    """The outcome is published; the message is not acknowledged."""

    LANE_CLEARED = "lane.cleared"
    """Empty doorbells are removed from a lane; no new one rings for the orders that wait there."""

    VENUE_ANSWERED = "venue.answered"
    """A slow venue has answered, and its answer is not recorded."""

    SETTLEMENT_RECORDED = "settlement.recorded"
    """The answers are written and not committed."""

    SETTLEMENT_COMMITTED = "settlement.committed"
    """The answers are durable; nothing is published."""

    RESUBMISSION_RECORDED = "resubmission.recorded"
    """A further attempt is written and not committed."""

    RESUBMISSION_COMMITTED = "resubmission.committed"
    """A further attempt is durable; the venue has not got it yet."""

    PARKING_RECORDED = "parking.recorded"
    """The denial of orders that cannot be decided is written and not committed."""

    PARKING_COMMITTED = "parking.committed"
    """The denial of orders that cannot be decided is durable; nothing is published."""

    MATCH_FOUND = "match.found"
    """Resting orders that the market can fill are locked and read."""

    MATCH_RECORDED = "match.recorded"
    """Their fills are written and not committed."""

    MATCH_COMMITTED = "match.committed"
    """Their fills are durable; nothing is published."""

    AMENDMENT_FOUND = "amendment.found"
    """The order to change is locked and read."""

    AMENDMENT_RECORDED = "amendment.recorded"
    """The change, with its immediate fills, is written and not committed."""

    AMENDMENT_COMMITTED = "amendment.committed"
    """The change is durable; the caller has no answer."""

    CANCELLATION_FOUND = "cancellation.found"
    """The order to cancel is locked and read."""

    CANCELLATION_RECORDED = "cancellation.recorded"
    """The cancellation is written and not committed."""

    CANCELLATION_COMMITTED = "cancellation.committed"
    """The cancellation is durable; the caller has no answer."""

    EXPIRY_FOUND = "expiry.found"
    """Orders whose validity has ended are locked and read."""

    EXPIRY_RECORDED = "expiry.recorded"
    """Their end is written and not committed."""

    EXPIRY_COMMITTED = "expiry.committed"
    """Their end is durable; nothing is published."""

    PRICE_FIXED = "price.fixed"
    """The final settlement price of an expiry is durable; no position is settled."""

    POSITIONS_FOUND = "positions.found"
    """The account is locked and its expired positions are read."""

    POSITIONS_SETTLED = "positions.settled"
    """Their settlement is written and not committed."""

    POSITIONS_COMMITTED = "positions.committed"
    """Their settlement is durable; nothing is published."""

    CANCEL_ALL_RECORDED = "cancel_all.recorded"
    """Many cancellations are written and not committed."""

    CANCEL_ALL_COMMITTED = "cancel_all.committed"
    """A batch of many cancellations is durable; further batches follow."""

    WORKFLOW_BEGUN = "workflow.begun"
    """An attempt to advance a workflow is counted, and nothing is done."""

    WORKFLOW_SAVED = "workflow.saved"
    """The state of a workflow is written and not committed."""

    WORKFLOW_COMMITTED = "workflow.committed"
    """The state of a workflow is durable; nothing is published."""

    SWEEP_READ = "sweep.read"
    """A relay has locked the due rows and has rung for none."""

    SWEEP_RUNG = "sweep.rung"
    """A relay has rung and not recorded it."""

    SWEEP_NOTED = "sweep.noted"
    """A relay has recorded its rings; orders out of attempts are not parked yet."""

    TICK_NOTED = "tick.noted"
    """Beat has stored the run of an entry and not sent its message."""

    TICK_SENT = "tick.sent"
    """Beat has sent the message; its heartbeat is not written yet."""

    ALERTS_COLLECTED = "alerts.collected"
    """Notices of new events are written and not committed."""

    ALERTS_CLAIMED = "alerts.claimed"
    """The notices of a target are claimed and not sent."""

    ALERTS_SENT = "alerts.sent"
    """The notices of a target are sent and not recorded as sent."""


#: Called at each step that a process passes.  Outside of tests it does nothing.
Passing = Callable[[Step], None]


def unhindered(step: Step) -> None:
    """Pass every step."""
