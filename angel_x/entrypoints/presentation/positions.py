"""Positions with marks and Greeks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from rich.table import Table

from angel_x.domain.chains.chain_record import ContractGreeks
from angel_x.domain.orders.order import Product
from angel_x.domain.pricing.greek import POSITION_GREEKS
from angel_x.domain.records.statement import PositionRecord
from angel_x.domain.values.money import to_paisa
from angel_x.entrypoints.presentation.chains import vol_points, written
from angel_x.entrypoints.presentation.indian import decimals, grouped, price
from angel_x.entrypoints.presentation.printing import table

#: The status of a contract that is not listed any more.
UNLISTED = "unlisted"


#: Returns quote and Greeks by symbol; symbols that are not listed are left out.
ReadContracts = Callable[[Iterable[str]], Mapping[str, ContractGreeks]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedPosition:
    """A position at its mark, with the Greeks of one unit and their ``status``."""

    symbol: str
    product: Product
    quantity: int
    cost: Decimal
    average_price: Decimal
    mark_price: Decimal | None
    unrealised_pnl: Decimal | None
    #: Realised and unrealised since the opening of the market's day.
    day_pnl: Decimal | None
    realised_pnl: Decimal
    implied_vol: float | None
    delta: float | None
    gamma: float | None
    vega: float | None
    theta: float | None
    #: Seconds since the request of the Greeks.
    age_seconds: float | None
    status: str


def marked(positions: Sequence[PositionRecord], read: ReadContracts) -> list[MarkedPosition]:
    """Return each position with the quote and the Greeks of its contract, all of one reading."""
    found = read(position.symbol for position in positions)
    return [_marked(position, found.get(position.symbol)) for position in positions]


def _marked(position: PositionRecord, market: ContractGreeks | None) -> MarkedPosition:
    mark = position.mark
    if mark is None and market is not None:
        mark = mark_price(market)
    profit = None if mark is None else to_paisa(mark * position.quantity - position.cost)
    return MarkedPosition(
        symbol=position.symbol,
        product=position.product,
        quantity=position.quantity,
        cost=position.cost,
        average_price=to_paisa(position.cost / position.quantity),
        mark_price=mark,
        unrealised_pnl=profit,
        day_pnl=None if profit is None else position.realised_pnl + profit - position.opening_pnl,
        realised_pnl=position.realised_pnl,
        implied_vol=_value(market, "implied_vol"),
        **{greek.name: _value(market, greek.name) for greek in POSITION_GREEKS},
        age_seconds=_value(market, "age_seconds"),
        status=UNLISTED if market is None else market.status,
    )


def _value(market: ContractGreeks | None, name: str) -> float | None:
    number: float | None = None if market is None else getattr(market, name)
    return number


def mark_price(market: ContractGreeks) -> Decimal | None:
    """Return the middle of the quote, else the last price, else the model price."""
    if market.bid is not None and market.ask is not None:
        return (market.bid + market.ask) / 2
    return market.last if market.last is not None else market.price


def position_table(title: str, positions: Sequence[MarkedPosition]) -> Table:
    """Return the table of positions."""
    columns = (
        "contract", "product", ">units", ">average", ">mark", ">unrealised", ">day", ">realised",
        ">IV", *(f">{greek.name}" for greek in POSITION_GREEKS), ">age s", "status",
    )  # fmt: skip
    return table(title, columns, map(_row, positions), is_tight=True)


def _row(position: MarkedPosition) -> tuple[str, ...]:
    return (
        position.symbol,
        position.product,
        grouped(position.quantity),
        price(position.average_price),
        price(position.mark_price),
        price(position.unrealised_pnl),
        price(position.day_pnl),
        price(position.realised_pnl),
        vol_points(position.implied_vol),
        *(written(greek, getattr(position, greek.name)) for greek in POSITION_GREEKS),
        decimals(position.age_seconds, 1),
        position.status,
    )
