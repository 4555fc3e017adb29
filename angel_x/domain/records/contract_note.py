"""The contract note of an account and a day: fills, orders, settlements, and charges by item.

Items are rounded to the paisa one by one, and the total of an order once; ``rounding`` is the
difference, so that the items add up to the booked total.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal

from angel_x.domain.contracts.contract import is_future
from angel_x.domain.exchange.charges import ChargeItems, Tariff
from angel_x.domain.orders.order import Product, Side
from angel_x.domain.values.money import ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFill:
    """One fill with its charges; money is in rupees."""

    execution_id: str
    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    value: Decimal
    at: datetime
    charges: ChargeItems


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteOrder:
    """The fills of one order on the day."""

    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    #: Rupees a unit, to four places.
    average_price: Decimal
    value: Decimal
    charges: ChargeItems


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSettlement:
    """One position that expired on the day."""

    symbol: str
    product: Product
    #: Units; negative where the account was short.
    quantity: int
    index_price: Decimal
    #: Intrinsic value of one unit; of a future the index itself.
    price: Decimal
    #: Received, negative where paid: of a future its P&L.
    value: Decimal
    charges: ChargeItems


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractNote:
    """All that an account traded and settled on one day of the market."""

    date: date
    account: str
    fills: tuple[NoteFill, ...]
    orders: tuple[NoteOrder, ...]
    settlements: tuple[NoteSettlement, ...]
    premium_bought: Decimal
    premium_sold: Decimal
    settled: Decimal
    charges: ChargeItems
    #: Charges of the day in the ledger; equal to the total of ``charges``.
    booked_charges: Decimal
    #: Received by the account, negative where it pays.
    net_amount: Decimal
    #: Realised by the fills of futures, for which no premium is paid.
    futures_profit: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class TradedRow:
    """A fill, and the value that its order had traded before it."""

    execution_id: str
    order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: int
    price: Decimal
    at: datetime
    traded_before: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class SettledRow:
    """A settled position."""

    symbol: str
    product: Product
    quantity: int
    index_price: Decimal
    price: Decimal
    charges: Decimal
    realised_pnl: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRows:
    """The stored rows of one account and day."""

    fills: Sequence[TradedRow] = ()
    settlements: Sequence[SettledRow] = ()
    booked_charges: Decimal = ZERO
    #: Realised by fills of futures.
    futures_profit: Decimal = ZERO


def write_note(account: str, day: date, rows: DayRows, tariff: Tariff) -> ContractNote:
    """Return the contract note of the rows of a day."""
    fills = tuple(_fill(row, tariff, day) for row in rows.fills)
    settlements = tuple(map(_settlement, rows.settlements))
    charges = total([*(f.charges for f in fills), *(s.charges for s in settlements)])
    paid = [f for f in fills if not is_future(f.symbol)]
    bought = sum((f.value for f in paid if f.side is Side.BUY), ZERO)
    sold = sum((f.value for f in paid if f.side is Side.SELL), ZERO)
    settled = sum((s.value for s in settlements), ZERO)
    return ContractNote(
        date=day,
        account=account,
        fills=fills,
        orders=_orders(fills),
        settlements=settlements,
        premium_bought=bought,
        premium_sold=sold,
        settled=settled,
        futures_profit=rows.futures_profit,
        charges=charges,
        booked_charges=rows.booked_charges,
        net_amount=sold - bought + settled + rows.futures_profit - charges.total,
    )


def total(items: Iterable[ChargeItems]) -> ChargeItems:
    """Return the sums of charges, item by item."""
    found = list(items)
    sums: Mapping[str, Decimal] = {
        f.name: sum((getattr(each, f.name) for each in found), ZERO) for f in fields(ChargeItems)
    }
    return ChargeItems(**sums)


def _fill(row: TradedRow, tariff: Tariff, day: date) -> NoteFill:
    rates = tariff.of(row.symbol, day)
    value = row.price * row.quantity
    return NoteFill(
        execution_id=row.execution_id,
        order_id=row.order_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=row.side,
        quantity=row.quantity,
        price=row.price,
        value=value,
        at=row.at,
        charges=rates.items_of_fill(row.side, row.traded_before, row.traded_before + value),
    )


def _settlement(row: SettledRow) -> NoteSettlement:
    return NoteSettlement(
        symbol=row.symbol,
        product=row.product,
        quantity=row.quantity,
        index_price=row.index_price,
        price=row.price,
        value=row.realised_pnl if is_future(row.symbol) else row.price * row.quantity,
        charges=ChargeItems(stt=row.charges, total=row.charges),
    )


@dataclass(slots=True)
class _Order:
    """The fills of an order so far."""

    first: NoteFill
    quantity: int = 0
    value: Decimal = ZERO
    charges: list[ChargeItems] = field(default_factory=list)


def _orders(fills: Iterable[NoteFill]) -> tuple[NoteOrder, ...]:
    found: dict[str, _Order] = {}
    for fill in fills:
        order = found.setdefault(fill.order_id, _Order(fill))
        order.quantity += fill.quantity
        order.value += fill.value
        order.charges.append(fill.charges)
    return tuple(
        NoteOrder(
            order_id=order.first.order_id,
            client_order_id=order.first.client_order_id,
            symbol=order.first.symbol,
            side=order.first.side,
            quantity=order.quantity,
            average_price=(order.value / order.quantity).quantize(Decimal("0.0001")),
            value=order.value,
            charges=total(order.charges),
        )
        for order in found.values()
    )
