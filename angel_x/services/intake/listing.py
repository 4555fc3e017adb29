"""The validation of an order against its contract."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from angel_x.domain.calendar.intraday import IntradayRule
from angel_x.domain.contracts.contract import Contract
from angel_x.domain.contracts.universe import Universe
from angel_x.domain.orders.order import OrderRequest, Product, Side
from angel_x.domain.orders.order_types import ORDER_TYPES, TAKEN, listed
from angel_x.errors import Fault
from angel_x.services.intake.slicing import MAX_SLICES, Slicing

# Of an index without lots in the tables, margin, charges and settlement are unknown as well.
_NO_INDEX = (
    "must be an option or a future on an index with lots in the market tables: stocks are not "
    "traded, nor is an index that the tables lack"
)


def listing_faults(
    index: int, request: OrderRequest, universe: Universe, now: datetime, slicing: Slicing
) -> Iterator[Fault]:
    """Yield the faults of an order against its contract, at market time."""
    row = universe.row(request.symbol)
    if row is None:
        yield Fault(index, "symbol", request.symbol, "must be a listed contract")
        return
    contract = universe.contracts[row]
    if contract.expires_at <= now:
        detail = f"must not have expired, it did on {contract.expiry.isoformat()}"
        yield Fault(index, "symbol", request.symbol, detail)
    if not slicing.rules.is_index(contract.underlying):
        yield Fault(index, "symbol", request.symbol, _NO_INDEX)
    yield from stop_faults(index, request)
    yield from _quantity_faults(index, request.quantity, contract, slicing.largest(contract, now))
    yield from _tick_faults(index, "price", request.limit_price, contract)
    yield from _tick_faults(index, "trigger_price", request.trigger_price, contract)


def intraday_faults(
    index: int, request: OrderRequest, rule: IntradayRule, now: datetime, *, is_continuous: bool
) -> Iterator[Fault]:
    """Yield the fault of an intraday order after the cut-off.

    It lasts to the end of the day, in a continuous market to the close.
    """
    if request.product is not Product.INTRADAY:
        return
    is_late = rule.closing_day(now) is not None if is_continuous else rule.is_late(now)
    if is_late:
        detail = "must be NRML from the intraday cut-off to the close"
        yield Fault(index, "product", request.product, detail)


def stop_faults(index: int, request: OrderRequest) -> Iterator[Fault]:
    """Yield the faults of a type that the exchange refuses, or of a trigger beyond its limit."""
    rules = ORDER_TYPES[request.order_type]
    if rules.refusal is not None:
        detail = f"must be {listed(TAKEN)}: {rules.refusal}"
        yield Fault(index, "order_type", request.order_type, detail)
    limit, trigger = request.limit_price, request.trigger_price
    if not (rules.has_limit and rules.has_trigger) or limit is None or trigger is None:
        return
    # Beyond its limit it could come alive without a counterpart.
    if (limit - trigger) * request.side.sign < 0:
        bound = "at most" if request.side is Side.BUY else "at least"
        detail = f"must be {bound} the limit price {limit} of a {request.side} order"
        yield Fault(index, "trigger_price", str(trigger), detail)


def _quantity_faults(
    index: int, quantity: int, contract: Contract, largest: int
) -> Iterator[Fault]:
    if quantity % contract.lot_size:
        detail = f"must be a multiple of the lot size {contract.lot_size}"
        yield Fault(index, "quantity", str(quantity), detail)
    if quantity > largest * MAX_SLICES:
        detail = f"must not exceed {largest * MAX_SLICES}, {MAX_SLICES} orders of {largest} each"
        yield Fault(index, "quantity", str(quantity), detail)


def _tick_faults(
    index: int, field: str, price: Decimal | None, contract: Contract
) -> Iterator[Fault]:
    if price is not None and price % contract.tick_size:
        detail = f"must be a multiple of the tick size {contract.tick_size}"
        yield Fault(index, field, str(price), detail)
