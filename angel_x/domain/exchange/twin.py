"""The paper twin of a live order: it moves by the terms of the paper exchange, and is in no book.

A twin has no account, so no limit, margin or trading state refuses it.
"""

from __future__ import annotations

from dataclasses import replace

from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason, DenialReason
from angel_x.domain.orders.order import RESTING, Order, OrderStatus, Validity
from angel_x.domain.values.money import ZERO


def twin_of(order: Order) -> Order:
    """Return the twin of an order, on its way to the paper exchange."""
    return replace(
        order,
        status=OrderStatus.SUBMITTING,
        reason=None,
        filled_quantity=0,
        traded_value=ZERO,
        reserved=ZERO,
        # Other twins of the contract are decided in the same batch.
        others_rest=False,
    )


def arrive(twin: Order, terms: Terms) -> None:
    """Trade, rest, cancel or reject a twin that has come in."""
    passed = DenialReason.TRIGGER_PASSED if terms.trigger_passed else None
    if denial := terms.denial or passed:
        end(twin, OrderStatus.REJECTED, denial)
        return
    twin.limit_price = terms.limit_price if twin.limit_price is None else twin.limit_price
    twin.status = OrderStatus.WORKING if terms.triggered else OrderStatus.TRIGGER_PENDING
    _trade(twin, terms)
    if twin.validity is Validity.IOC and twin.status in RESTING:
        some = twin.filled_quantity > 0
        reason = CancelReason.NOT_FILLED_AT_ONCE if some else CancelReason.NOT_MARKETABLE
        end(twin, OrderStatus.CANCELED, reason)


def follow(twin: Order, terms: Terms) -> None:
    """Trigger and fill a resting twin, as far as the market allows."""
    if twin.status is OrderStatus.TRIGGER_PENDING:
        if not terms.triggered:
            return
        if terms.denial is DenialReason.PRICE_BAND:
            end(twin, OrderStatus.REJECTED, terms.denial)
            return
        twin.status = OrderStatus.WORKING
    if terms.denial is None:
        _trade(twin, terms)


def amended(twin: Order, wanted: Amendment) -> Order:
    """Return a resting twin with other quantity and prices, not below the units that it has traded."""
    return replace(
        twin,
        quantity=max(wanted.quantity, twin.filled_quantity),
        limit_price=wanted.limit_price,
        trigger_price=wanted.trigger_price,
    )


def take_amendment(twin: Order, changed: Order, terms: Terms) -> None:
    """Change a resting twin and trade it; a refused amendment leaves it as it is.

    ``terms`` are those of ``changed``, the twin as amended.
    """
    if terms.denial is not None:
        return
    twin.quantity = changed.quantity
    twin.limit_price, twin.trigger_price = changed.limit_price, changed.trigger_price
    if twin.leaves_quantity == 0:
        twin.status = OrderStatus.FILLED
    else:
        follow(twin, terms)


def end(twin: Order, status: OrderStatus, reason: CancelReason | DenialReason) -> None:
    """Take a twin out of the market."""
    twin.status, twin.reason = status, reason


def _trade(twin: Order, terms: Terms) -> None:
    if not terms.triggered or terms.fill_price is None or not terms.fill_quantity:
        return
    twin.filled_quantity += terms.fill_quantity
    twin.traded_value += terms.fill_price * terms.fill_quantity
    is_filled = twin.leaves_quantity == 0
    twin.status = OrderStatus.FILLED if is_filled else OrderStatus.PARTIALLY_FILLED
