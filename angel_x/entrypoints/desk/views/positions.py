"""Positions with profit and Greeks, and their sums."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from angel_x.domain.contracts.contract import (
    is_future,
    parse_expiry,
    parse_symbol,
    underlying_of,
)
from angel_x.domain.records.statement import PositionRecord
from angel_x.entrypoints.desk.views.table import Cell, Column, Row, cell
from angel_x.entrypoints.desk.views.words import (
    Text,
    Tone,
    change,
    decimal,
    price,
    signed_units,
)

SQUARE_OFF = "Square off"

COLUMNS = (
    Column(name="symbol", label="Contract", is_text=True),
    Column(name="product", label="Product", is_text=True, is_vital=False),
    Column(name="quantity", label="Units", title="Negative where the account is short"),
    Column(name="average", label="Average", title="Rupees a unit"),
    Column(name="mark", label="Mark", title="Middle of the quote, rupees a unit"),
    Column(name="open", label="Open P&L", title="Before charges"),
    Column(name="day", label="Day P&L", title="Since the opening of the market's day"),
    Column(name="realised", label="Realised", is_vital=False),
    Column(name="delta", label="Delta", title="Of all units"),
    Column(name="gamma", label="Gamma", title="Of all units", is_vital=False),
    Column(name="vega", label="Vega", title="Of all units, rupees a vol point", is_vital=False),
    Column(name="theta", label="Theta", title="Of all units, rupees a day", is_vital=False),
)


def position_rows(positions: Iterable[PositionRecord], *, may_trade: bool) -> list[Row]:
    """Return the rows of open positions."""
    acts = (SQUARE_OFF,) if may_trade else ()
    return [
        Row(id=f"{p.symbol} {p.product}", cells=_cells(p), acts=acts)
        for p in sorted(positions, key=_place)
    ]


def _place(position: PositionRecord) -> tuple[object, ...]:
    underlying, expiry = parse_expiry(position.symbol)
    if is_future(position.symbol):
        return (underlying, expiry, Decimal(0), "", position.product)
    return (*parse_symbol(position.symbol), position.product)


def _cells(position: PositionRecord) -> tuple[Cell, ...]:
    mark = price(position.mark)
    if position.provisional:
        mark = f"{mark} *"
    return (
        position.symbol,
        position.product.value,
        cell(signed_units(position.quantity), position.quantity),
        price(position.average_price),
        cell(Text(mark, Tone.MUTED if position.mark is None else Tone.PLAIN, _about(position))),
        cell(change(position.unrealised_pnl), float(position.unrealised_pnl or 0)),
        cell(change(position.day_pnl), float(position.day_pnl or 0)),
        cell(change(position.realised_pnl), float(position.realised_pnl)),
        *(_greek(position, name, places) for name, places in _GREEKS),
    )


_GREEKS = (("delta", 1), ("gamma", 3), ("vega", 1), ("theta", 1))


def _greek(position: PositionRecord, name: str, places: int) -> Cell:
    of_unit = getattr(position, name)
    total = None if of_unit is None else of_unit * position.quantity
    return cell(decimal(total, places), total or 0.0)


def _about(position: PositionRecord) -> str:
    if position.provisional:
        return "Expired; intrinsic value at the last index until it is settled"
    return "No quote" if position.mark is None else ""


def open_profit(positions: Sequence[PositionRecord]) -> tuple[Decimal, int]:
    """Return the sum of the open P&L, and the number of positions without a mark, which it leaves out."""
    known = [p.unrealised_pnl for p in positions if p.unrealised_pnl is not None]
    return sum(known, Decimal(0)), len(positions) - len(known)


def underlyings(positions: Iterable[PositionRecord]) -> list[str]:
    """Return the underlyings of positions, each once."""
    return sorted({underlying_of(p.symbol) for p in positions})
