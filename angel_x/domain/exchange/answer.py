"""Answers of a venue: what it says of one order that it was asked about.

An answer is an *offer* or a *report*.  An offer comes from a venue that keeps nothing outside our
database: it has happened once we have recorded it, and not if we decline it.  A report states what
has happened at a venue of its own, and has to be recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason


class VenueState(StrEnum):
    """The state of an order at its venue."""

    UNKNOWN = "unknown"
    """No answer, or none that says whether the request has arrived: ask again by tag."""

    ABSENT = "absent"
    """The venue has no order of that tag, so it may be sent."""

    REJECTED = "rejected"
    """The venue refused the order."""

    TRIGGER_PENDING = "trigger_pending"
    """A stop order that waits for its trigger."""

    STANDING = "standing"
    """The order is in the market, or has traded in full."""

    CANCELED = "canceled"
    """The order is out of the market, canceled."""

    EXPIRED = "expired"
    """The order is out of the market, its validity over."""


@dataclass(frozen=True, slots=True)
class Execution:
    """One execution at a venue, by the venue's name for it."""

    id: str
    quantity: int
    #: Rupees a unit.
    price: Decimal
    #: Units of the order that had traded before; tells an execution that is already recorded.
    before: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request; a venue that answers twice says the same."""

    state: VenueState
    #: Set where the answer is an offer.
    offer: Terms | None = None
    #: All executions of the order so far, oldest first; in a report only.
    executions: tuple[Execution, ...] = ()
    #: Rates of the charges on them.
    charges: ChargeRates | None = None
    #: Why the venue refused.
    reason: DenialReason | None = None
    #: Quantity and prices at which the order stands there; None where they are those asked for.
    standing: Amendment | None = None

    @property
    def is_known(self) -> bool:
        return self.state is not VenueState.UNKNOWN


#: The answer of a venue from which nothing was heard.
UNKNOWN = Answer(VenueState.UNKNOWN)
