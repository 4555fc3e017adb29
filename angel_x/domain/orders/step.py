"""The named steps of the order protocol: the points between which a process may die without harm."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class Step(StrEnum):
    """What has just been done.  Each member is passed in the code and has a test that dies there."""

    ACCEPTANCE_BEGUN = "acceptance.begun"
    """The API has checked the orders and stored none of them."""

    ACCEPTANCE_STORED = "acceptance.stored"
    """The orders are inserted and not committed."""

    ACCEPTANCE_COMMITTED = "acceptance.committed"
    """The orders are durable; nobody was rung for and no answer was sent."""

    ACCEPTANCE_RUNG = "acceptance.rung"
    """The doorbells are handed over; no answer was sent."""

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
    """The outcome is durable, or what was sent to a slow venue; nobody was told."""

    BATCH_TOLD = "batch.told"
    """Everybody was told; the message is not acknowledged."""

    LANE_CLEARED = "lane.cleared"
    """Empty doorbells are removed from a lane; no new one rings for the orders that wait there."""

    VENUE_ANSWERED = "venue.answered"
    """A slow venue has answered, and its answer is recorded nowhere."""

    SETTLEMENT_RECORDED = "settlement.recorded"
    """The answers are written and not committed."""

    SETTLEMENT_COMMITTED = "settlement.committed"
    """The answers are durable; nobody was told."""

    RESUBMISSION_RECORDED = "resubmission.recorded"
    """A further attempt is written and not committed."""

    RESUBMISSION_COMMITTED = "resubmission.committed"
    """A further attempt is durable; the venue was not asked again."""

    PARKING_RECORDED = "parking.recorded"
    """Orders that cannot be decided are denied, and that is not committed."""

    PARKING_COMMITTED = "parking.committed"
    """Orders that cannot be decided are denied for good; nobody was told."""

    MATCH_FOUND = "match.found"
    """Resting orders that the market has come to are locked and read."""

    MATCH_RECORDED = "match.recorded"
    """Their fills are written and not committed."""

    MATCH_COMMITTED = "match.committed"
    """Their fills are durable; nobody was told."""

    AMENDMENT_FOUND = "amendment.found"
    """The order to change is locked and read."""

    AMENDMENT_RECORDED = "amendment.recorded"
    """The change, and what it traded at once, is written and not committed."""

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
    """Their end is durable; nobody was told."""

    CANCEL_ALL_RECORDED = "cancel_all.recorded"
    """Many cancellations are written and not committed."""

    CANCEL_ALL_COMMITTED = "cancel_all.committed"
    """A batch of many cancellations is durable; those after it are to come."""

    WORKFLOW_BEGUN = "workflow.begun"
    """An attempt to advance a workflow is counted, and nothing is done."""

    WORKFLOW_SAVED = "workflow.saved"
    """What a workflow has come to is written and not committed."""

    WORKFLOW_COMMITTED = "workflow.committed"
    """What a workflow has come to is durable; nobody was told."""

    SWEEP_READ = "sweep.read"
    """A relay holds the rows that are due and has rung for none."""

    SWEEP_RUNG = "sweep.rung"
    """A relay has rung and not noted it."""

    SWEEP_NOTED = "sweep.noted"
    """A relay has noted its rings; hopeless orders are not parked."""

    TICK_NOTED = "tick.noted"
    """Beat has noted the turn of an entry and not sent its message."""

    TICK_SENT = "tick.sent"
    """Beat has sent the message; its heartbeat is to come."""


#: Told of each step that a process passes.  Outside tests it does nothing.
Passing = Callable[[Step], None]


def unhindered(step: Step) -> None:
    """Pass every step."""
