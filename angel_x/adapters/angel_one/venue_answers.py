"""Orders of the broker's books as answers of a venue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType

from angel_x.adapters.angel_one.records import BookOrder, BookTrade
from angel_x.domain.exchange.answer import UNKNOWN, Answer, VenueExecution, VenueState
from angel_x.domain.exchange.charges import ChargeRates
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason

#: Every other status is one on the way to one of these.
_STATES: Mapping[str, VenueState] = MappingProxyType(
    {
        "open": VenueState.STANDING,
        "complete": VenueState.STANDING,
        "modified": VenueState.STANDING,
        "not modified": VenueState.STANDING,
        "not cancelled": VenueState.STANDING,
        "trigger pending": VenueState.TRIGGER_PENDING,
        "cancelled": VenueState.CANCELED,
        "rejected": VenueState.REJECTED,
    }
)
_CLOSED = frozenset({"complete", "cancelled", "rejected"})
#: Words in the broker's text of a rejection.
_REASONS = (
    ("limit price protection", DenialReason.PRICE_BAND),
    ("circuit", DenialReason.PRICE_BAND),
    ("price range", DenialReason.PRICE_BAND),
    ("margin", DenialReason.INSUFFICIENT_MARGIN),
    ("insufficient", DenialReason.INSUFFICIENT_MARGIN),
    ("freeze", DenialReason.QUANTITY_LIMIT),
)


def is_on_its_way(order: BookOrder) -> bool:
    """Return whether the broker has accepted a request that the exchange has not answered."""
    return order.status not in _STATES


def is_closed(order: BookOrder) -> bool:
    """Return whether an order has left the market for good."""
    return order.status in _CLOSED


def answer_of(order: BookOrder, trades: Iterable[BookTrade], rates: ChargeRates) -> Answer:
    """Return the state of an order with its executions.

    It is unknown while the order is on its way to the exchange, and while the trade book lacks
    executions that the order book counts: an order must not be closed before them.
    """
    executions = _executions(each for each in trades if each.order_id == order.order_id)
    if is_on_its_way(order) or sum(each.quantity for each in executions) != order.filled:
        return UNKNOWN
    state = _STATES[order.status]
    return Answer(
        state,
        executions=executions,
        charges=rates,
        reason=reason_of(order.text) if state is VenueState.REJECTED else None,
        standing=_standing(order),
    )


def reason_of(text: str) -> DenialReason:
    """Return the reason of a rejection by the broker's words for it."""
    words = text.lower()
    found = (reason for part, reason in _REASONS if part in words)
    return next(found, DenialReason.VENUE_REFUSED)


def execution_id(trade: BookTrade) -> str:
    """Return the name of an execution in our books.

    The exchange numbers the trades of one day, and both sides of a trade have its number; the broker's
    order ids are of one side and one day.
    """
    return f"{trade.order_id}-{trade.fill_id}"


def _executions(trades: Iterable[BookTrade]) -> tuple[VenueExecution, ...]:
    found: list[VenueExecution] = []
    before = 0
    # The trade book is in no order, and an execution may stand in it twice.
    by_id = {each.fill_id: each for each in trades}
    for trade in sorted(by_id.values(), key=lambda each: (each.time, _number(each.fill_id))):
        found.append(VenueExecution(execution_id(trade), trade.quantity, trade.price, before))
        before += trade.quantity
    return tuple(found)


def _number(fill_id: str) -> tuple[int, str]:
    return (int(fill_id) if fill_id.isdecimal() else 0), fill_id


def _standing(order: BookOrder) -> Amendment | None:
    return Amendment(order.quantity, _price(order.price), _price(order.trigger_price))


def _price(price: Decimal) -> Decimal | None:
    return price or None
