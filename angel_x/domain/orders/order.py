"""An order: its request, its status, and the table of status changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType

from angel_x.domain.values.money import ZERO
from angel_x.errors import IllegalTransition

#: Places of an average price.
_AVERAGE = Decimal("0.0001")


_TAG_PREFIX = "angel-x-"
#: So many digits fit the column of ids.
_TAG = re.compile(rf"{_TAG_PREFIX}[1-9][0-9]{{0,17}}", re.ASCII)

#: The prefix of the client order ids of exits: orders of the system that can only reduce a position.
#: Ids of callers contain no blank.
EXIT_PREFIX = "square-off "


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        """One for a purchase, minus one for a sale."""
        return 1 if self is Side.BUY else -1


class OrderType(StrEnum):
    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP_LIMIT = "SL"
    STOP_MARKET = "SL-M"


class Validity(StrEnum):
    DAY = "DAY"
    IOC = "IOC"


class Product(StrEnum):
    NORMAL = "NRML"
    INTRADAY = "MIS"


class Priority(StrEnum):
    """The lane in which an order waits; a lane is a queue of its own."""

    EMERGENCY = "emergency"
    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class OrderStatus(StrEnum):
    """*Denied* is our refusal; *rejected* is the venue's."""

    RECEIVED = "received"
    DENIED = "denied"
    SUBMITTING = "submitting"
    REJECTED = "rejected"
    WORKING = "working"
    TRIGGER_PENDING = "trigger_pending"
    PARTIALLY_FILLED = "partially_filled"
    PENDING_CANCEL = "pending_cancel"
    PENDING_AMEND = "pending_amend"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"

    @property
    def is_closed(self) -> bool:
        return not TRANSITIONS[self]


def _transitions() -> Mapping[OrderStatus, frozenset[OrderStatus]]:
    s = OrderStatus
    closing = {s.FILLED, s.CANCELED, s.EXPIRED}
    resting = {s.PARTIALLY_FILLED, *closing}
    at_venue = {s.REJECTED, s.WORKING, s.TRIGGER_PENDING, *resting}
    pending = {s.PENDING_CANCEL, s.PENDING_AMEND}
    table = {
        # The paper exchange answers inside our own transaction, so an order that goes there is
        # never seen as submitting.
        s.RECEIVED: {s.DENIED, s.SUBMITTING, *at_venue},
        s.SUBMITTING: {s.PENDING_CANCEL, *at_venue},
        # It can be triggered and trade in one match: both are events, and the last status is stored.
        s.TRIGGER_PENDING: {s.WORKING, s.REJECTED, *resting, *pending},
        s.WORKING: {*resting, *pending},
        s.PARTIALLY_FILLED: {*closing, *pending},
        # A venue may refuse either, and until its answer the order can trade.
        s.PENDING_AMEND: {s.PENDING_CANCEL, *at_venue},
        s.PENDING_CANCEL: at_venue,
    }
    return MappingProxyType({status: frozenset(table.get(status, ())) for status in s})


#: Every legal move.  A status that maps to nothing is closed.
TRANSITIONS = _transitions()

CLOSED = frozenset(status for status in OrderStatus if status.is_closed)
OPEN = frozenset(OrderStatus) - CLOSED
#: Statuses of an order that was refused, by us or by the venue.
REFUSED = frozenset({OrderStatus.DENIED, OrderStatus.REJECTED})
#: Statuses of an order that rests in the market.
RESTING = frozenset(
    {OrderStatus.WORKING, OrderStatus.TRIGGER_PENDING, OrderStatus.PARTIALLY_FILLED}
)
#: Statuses of an order with an unanswered request at a venue.
ASKED = frozenset({OrderStatus.SUBMITTING, OrderStatus.PENDING_CANCEL, OrderStatus.PENDING_AMEND})
#: Statuses of an order that holds margin: it is in the market or on its way there.
PLACED = RESTING | ASKED


def tag_of(order_id: int) -> str:
    """Return the name of an order at a venue."""
    return f"{_TAG_PREFIX}{order_id}"


def order_of(tag: str) -> int:
    """Return the id of the order of a tag."""
    return int(tag.removeprefix(_TAG_PREFIX))


def is_tag(text: str) -> bool:
    """Return whether a text is the name of an order of ours at a venue."""
    return _TAG.fullmatch(text) is not None


def check_move(source: OrderStatus, target: OrderStatus) -> None:
    """Refuse a status change that is not in the table.

    An open order may keep its status: a second partial fill or a change of its price is an event
    without a transition.

    Raises:
        IllegalTransition: ``target`` cannot follow ``source``.
    """
    stays = source is target and source in OPEN
    if target not in TRANSITIONS[source] and not stays:
        raise IllegalTransition(f"{source} cannot become {target}")


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A validated order of a caller: the content that its client order id identifies."""

    client_order_id: str
    symbol: str
    side: Side
    #: Units, a multiple of the lot size.
    quantity: int
    order_type: OrderType
    #: Rupees; None for orders at market.
    limit_price: Decimal | None = None
    trigger_price: Decimal | None = None
    validity: Validity = Validity.DAY
    product: Product = Product.NORMAL
    priority: Priority = Priority.NORMAL
    tag: str | None = None


@dataclass(slots=True)
class Order:
    """A stored order, as the execution reads it."""

    id: int
    user_id: int
    symbol: str
    side: Side
    quantity: int
    filled_quantity: int
    order_type: OrderType
    #: Rupees.  An order at market gets its protection limit when it is decided.
    limit_price: Decimal | None
    validity: Validity
    priority: Priority
    status: OrderStatus
    #: When the order stops being valid, UTC.
    valid_until: datetime
    client_order_id: str
    #: The number of the attempt to place it; a write of an older attempt must change nothing.
    attempt: int = 0
    #: Rupees of premium and charges reserved for the open quantity.
    reserved: Decimal = ZERO
    #: Rupees over all fills, exact.
    traded_value: Decimal = ZERO
    product: Product = Product.NORMAL
    #: Rupees; the last price that triggers a stop order.
    trigger_price: Decimal | None = None
    #: The order of which this one is a slice.
    parent_id: int | None = None
    #: Among orders at one price the smaller number trades first.
    time_priority: int = 0
    #: Seconds between acceptance and the moment at which the order was read.
    age_seconds: float = 0.0
    #: Units of the order of which this one is a slice.
    parent_quantity: int | None = None
    #: The reason of its last status change, if it has one.
    reason: str | None = None
    #: Whether orders rested in its contract on its side when it was read; True where that is unknown.
    others_rest: bool = True

    @property
    def is_exit(self) -> bool:
        """Return whether it is an exit: an order of the system that can only reduce a position."""
        return self.client_order_id.startswith(EXIT_PREFIX)

    @property
    def tag(self) -> str:
        """Its name at a venue, the same for every attempt."""
        return tag_of(self.id)

    @property
    def leaves_quantity(self) -> int:
        """Units that have not traded yet."""
        return self.quantity - self.filled_quantity

    @property
    def asked_quantity(self) -> int:
        """Units of the submitted order, before slicing."""
        return self.quantity if self.parent_quantity is None else self.parent_quantity

    @property
    def average_price(self) -> Decimal | None:
        """Rupees a unit over all fills, to four places; None before the first."""
        if not self.filled_quantity:
            return None
        return (self.traded_value / self.filled_quantity).quantize(_AVERAGE)
