"""Whether an order fits the contract that it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from angel_x.domain.contract import Contract
from angel_x.domain.order import OrderRequest, OrderType
from angel_x.domain.universe import Universe
from angel_x.errors import Fault

#: What the paper exchange trades so far.
TRADED_TYPES = (OrderType.MARKET, OrderType.LIMIT)


def listing_faults(
    index: int, request: OrderRequest, universe: Universe, now: datetime
) -> Iterator[Fault]:
    """Yield what is wrong with an order in the light of its contract at the market's time."""
    row = universe.row(request.symbol)
    if row is None:
        yield Fault(index, "symbol", request.symbol, "must be a listed contract")
        return
    contract = universe.contracts[row]
    if contract.expires_at <= now:
        detail = f"must not have expired, it did on {contract.expiry.isoformat()}"
        yield Fault(index, "symbol", request.symbol, detail)
    if request.order_type not in TRADED_TYPES:
        yield Fault(index, "order_type", request.order_type, "must be MARKET or LIMIT")
    yield from _quantity_faults(index, request.quantity, contract)
    yield from _tick_faults(index, "price", request.limit_price, contract)
    yield from _tick_faults(index, "trigger_price", request.trigger_price, contract)


def _quantity_faults(index: int, quantity: int, contract: Contract) -> Iterator[Fault]:
    if quantity % contract.lot_size:
        detail = f"must be a multiple of the lot size {contract.lot_size}"
        yield Fault(index, "quantity", str(quantity), detail)
    if quantity > contract.freeze_quantity:
        detail = f"must not exceed the freeze quantity {contract.freeze_quantity}"
        yield Fault(index, "quantity", str(quantity), detail)


def _tick_faults(
    index: int, field: str, price: Decimal | None, contract: Contract
) -> Iterator[Fault]:
    if price is not None and price % contract.tick_size:
        detail = f"must be a multiple of the tick size {contract.tick_size}"
        yield Fault(index, field, str(price), detail)
