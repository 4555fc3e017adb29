"""Answers of a venue about one order.

An answer is an *offer* or a *report*.  An offer comes from a venue without a state outside of our
database: it takes effect when we record it, and not if we decline it.  A report states the facts at
a venue with a state of its own, and must be recorded.
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
    """No answer, or none that shows whether the request arrived: its status is queried by tag."""

    UNSENT = "unsent"
    """There was no room or no time for the request, so its status may be queried at once."""

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


_OPEN = frozenset({VenueState.UNKNOWN, VenueState.UNSENT})


@dataclass(frozen=True, slots=True)
class VenueExecution:
    """One execution at a venue, by the venue's name for it."""

    id: str
    quantity: int
    #: Rupees a unit.
    price: Decimal
    #: The filled quantity of the order before; it identifies an execution that is recorded already.
    before: int


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one request; a repeated answer has the same content."""

    state: VenueState
    #: Set where the answer is an offer.
    offer: Terms | None = None
    #: All executions of the order so far, oldest first; in a report only.
    executions: tuple[VenueExecution, ...] = ()
    #: Rates of the charges on them.
    charges: ChargeRates | None = None
    #: Why the venue refused.
    reason: DenialReason | None = None
    #: Quantity and prices of the order at the venue; None where they are the requested ones.
    standing: Amendment | None = None
    #: Where nothing was sent, the seconds after which there may be room.
    retry_seconds: float = 1.0

    @property
    def is_known(self) -> bool:
        return self.state not in _OPEN

    @property
    def trades(self) -> bool:
        """Return whether the order has traded, or would."""
        return bool(self.executions) or (self.offer is not None and self.offer.fill_quantity > 0)


#: The answer of a venue that did not answer.
UNKNOWN = Answer(VenueState.UNKNOWN)
#: The answer where nothing was sent.
UNSENT = Answer(VenueState.UNSENT)
